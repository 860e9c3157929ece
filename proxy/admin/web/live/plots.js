// SPDX-License-Identifier: Apache-2.0
// Plots.  A bucket is what one bar or step of a drawing stands for.
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const buckets = width => Math.min(view.span, Math.max(60, Math.min(300, Math.floor(width / 3))));
const nice = v => {
if (v <= 1) return 1;
const p = 10 ** Math.floor(Math.log10(v));
for (const m of [1, 1.5, 2, 3, 4, 5, 7.5, 10]) if (m * p >= v) return m * p;
return 10 * p;
};

const canvasOf = c => {
const w = c.clientWidth, h = c.clientHeight, d = window.devicePixelRatio || 1;
if (c.width !== Math.round(w * d) || c.height !== Math.round(h * d)) {
c.width = Math.round(w * d);
c.height = Math.round(h * d);
}
const g = c.getContext("2d");
g.setTransform(d, 0, 0, d, 0, 0);
g.clearRect(0, 0, w, h);
g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
return [g, w, h];
};

const frame = (g, w, h, top, label) => {
g.strokeStyle = color("--grid");
g.fillStyle = color("--soft");
g.lineWidth = 1;
g.beginPath();
for (let i = 0; i <= 2; i++) {
const y = Math.round(10 + (h - 25) * i / 2) + 0.5;
g.moveTo(0, y);
g.lineTo(w, y);
}
for (let i = 1; i < 4; i++) {
const x = Math.round(w * i / 4) + 0.5;
g.moveTo(x, 10);
g.lineTo(x, h - 15);
}
g.stroke();
g.textBaseline = "alphabetic";
g.textAlign = "left";
g.fillText(`${lasting(view.span)} ${view.end === null ? "ago" : "before"}`, 0, h - 3);
g.textAlign = "center";
for (let i = 2; i < 4; i += 2) g.fillText(`−${lasting(view.span * (4 - i) / 4)}`, w * i / 4, h - 3);
g.textAlign = "right";
g.fillText(view.end === null ? "now" : clock(view.end), w, h - 3);
g.textAlign = "left";
g.fillText(label(top), 2, 9);
return v => 10 + (h - 25) * (1 - Math.min(1, v / top));
};

const path = (g, values, w, y, hue, opts = {}) => {
const n = values.length;
g.strokeStyle = hue;
g.lineWidth = 1.6;
g.setLineDash(opts.dash ? [4, 3] : []);
g.beginPath();
let open = false;
values.forEach((v, k) => {
if (v === null) { open = false; return; }
const x = (k + 0.5) / n * w;
if (open) g.lineTo(x, y(v)); else g.moveTo(x, y(v));
open = true;
});
g.stroke();
g.setLineDash([]);
if (!opts.fill) return;
g.fillStyle = opts.fill;
values.forEach((v, k) => { if (v) g.fillRect(k / n * w, y(v), w / n, y(0) - y(v)); });
};

const stack = (g, list, w, y) => {
const n = list[0] ? list[0].values.length : 0;
for (let k = 0; k < n; k++) {
let sum = 0;
for (const s of list) {
const v = s.values[k] || 0;
if (!v) continue;
g.fillStyle = s.hue;
g.fillRect(k / n * w, y(sum + v), Math.max(1, w / n - (w / n > 3 ? 0.5 : 0)), y(sum) - y(sum + v));
sum += v;
}
}
};
const tallest = list => {
let top = 0;
for (let k = 0; list[0] && k < list[0].values.length; k++) top = Math.max(top, list.reduce((a, s) => a + (s.values[k] || 0), 0));
return top;
};

// A figure: title, reading of the second under the cursor, canvas, legend.
const figures = new Set();
const figure = (title, draw, cls) => {
const f = make("figure", cls), cap = make("figcaption"), read = make("span", "read"), c = make("canvas"), legend = make("div", "legend");
cap.append(make("b", "", title), read);
c.setAttribute("role", "img");
f.append(cap, c, legend);
const me = { f, c, read, legend, title, draw };
const second = e => {
const r = c.getBoundingClientRect(), part = Math.max(0, Math.min(1, (e.clientX - r.left) / r.width));
return newest() - view.span + 1 + Math.min(view.span - 1, Math.floor(part * view.span));
};
c.addEventListener("pointermove", e => { if (!view.pinned && data.at.length) look(second(e), false); });
c.addEventListener("pointerdown", e => { if (data.at.length) look(second(e), true); });
c.addEventListener("pointerleave", () => { if (!view.pinned) look(null, false); });
figures.add(me);
return me;
};
const legendOf = (me, items) => {
const key = items.map(i => i.join()).join(";");
if (me.key === key) return;
me.key = key;
me.legend.replaceChildren(...items.map(([hue, name]) => {
const s = make("span", "", name), i = make("i");
i.style.background = color(hue);
s.prepend(i);
return s;
}));
};
const crosshair = (me, g, w, h) => {
const flat = me.f.classList.contains("strip"), x = (view.cursor - newest() + view.span - 0.5) / view.span * w;
if (view.cursor === null || x < 0) return;
g.fillStyle = color("--ink");
g.fillRect(Math.round(x), flat ? 0 : 10, 1, flat ? h : h - 25);
};
const render = me => {
if (!data.at.length || !me.c.clientWidth) return;
const [g, w, h] = canvasOf(me.c), i = pointed();
const text = me.draw(g, w, h, buckets(w), i, me);
set(me.read, i < 0 ? "no data" : (view.cursor === null ? "" : clock(data.at[i]) + ": ") + text);
const label = `${me.title}, last ${lasting(view.span)}. The values stand beside it and in the table.`;
if (me.label !== label) me.c.setAttribute("aria-label", me.label = label);
crosshair(me, g, w, h);
};
let asked = 0;
const renderAll = () => {
if (!asked) asked = requestAnimationFrame(() => { asked = 0; figures.forEach(render); });
};

// The height tells states apart as well as the colour does.
const HEIGHTS = { closed: 0.4, ramping: 0.6, half_open: 0.8, open: 1, drained: 0.2 };
const drawState = key => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), v = gather(s.state, n, last);
v.forEach((x, k) => {
if (x === null) return;
const high = Math.max(2, (h - 4) * (HEIGHTS[STATES[x]] ?? 1));
g.fillStyle = color("--s-" + STATES[x]);
g.fillRect(k / n * w, h - 2 - high, w / n + 0.5, high);
});
legendOf(me, STATES.map(x => ["--s-" + x, words(x)]));
return i < 0 || s.state[i] === null ? "" : words(STATES[s.state[i]]);
};
const drawShare = key => (g, w, h, n, i) => {
const s = data.upstreams.get(key), y = frame(g, w, h, 1, () => "100 %");
path(g, gather(s.share, n, last), w, y, color("--line"), { fill: color("--line-fill") });
return i < 0 ? "" : percent(s.share[i] || 0);
};
const drawUnder = (key, used, limit, name) => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), open = gather(s[used], n, most), bound = gather(s[limit], n, last);
const high = most(open.filter(v => v !== null)) || 0, cap = most(bound.filter(v => v !== null)) || 0;
const near = cap <= Math.max(10, high * 5);
const y = frame(g, w, h, nice(Math.max(4, high * 1.15, near ? cap * 1.1 : 0)), short);
path(g, open, w, y, color("--line"), { fill: color("--line-fill") });
if (near) path(g, bound, w, y, color("--second"), { dash: true });
legendOf(me, [["--line", name], ["--second", near ? "limit (dashed)" : "limit (far above)"]]);
return i < 0 ? "" : `${s[used][i] || 0} of ${Math.floor(s[limit][i] || 0)}`;
};
const drawFirst = key => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), a = gather(s.p50, n, mean, true), b = gather(s.p99, n, most, true);
const y = frame(g, w, h, nice(most([...a, ...b].filter(v => v !== null)) || 1), v => v < 1000 ? `${short(v)} ms` : `${short(v / 1000)} s`);
path(g, b, w, y, color("--second"), { dash: true });
path(g, a, w, y, color("--line"));
legendOf(me, [["--line", "median"], ["--second", "p99 (dashed)"]]);
return i < 0 ? "" : `${ms(s.p50[i])}, p99 ${ms(s.p99[i])}`;
};
const stacked = (series, hues) => (g, w, h, n, i, me) => {
const found = series(), list = found.map(([name, values, hue]) => ({ name, hue: color(hue), values: gather(values, n, mean) }));
const y = frame(g, w, h, nice(tallest(list) * 1.1), v => `${short(v)}/s`);
stack(g, list, w, y);
legendOf(me, hues());
return i < 0 ? "" : counts(found.map(([name, v]) => [name, v[i]])) || "none in this second";
};
const drawOutcomes = key => stacked(() => OUTCOMES.map(o => [o, data.upstreams.get(key)[o], "--o-" + o]),
() => OUTCOMES.map(o => ["--o-" + o, words(o)]));
const shedOf = name => CAUSES.map((c, k) => [c, data.pools.get(name).shed[c], "--c" + k]).filter(([, v]) => v);
const drawShed = name => stacked(() => shedOf(name), () => shedOf(name).map(([c, , hue]) => [hue, words(c)]));
const drawQueue = name => (g, w, h, n, i) => {
const s = data.pools.get(name), v = gather(s.queue, n, most);
const y = frame(g, w, h, nice(Math.max(4, (most(v.filter(x => x !== null)) || 0) * 1.1)), short);
path(g, v, w, y, color("--line"), { fill: color("--line-fill") });
return i < 0 ? "" : `${s.queue[i]} waiting`;
};
