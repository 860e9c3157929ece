// SPDX-License-Identifier: Apache-2.0
// The live page: keeps the last 10 minutes as columns, draws them, says the state in one sentence.
// Everything that came over the wire is put in as text, never as markup.
"use strict";
(() => {
const SPAN = 600;
const { states: STATES, outcomes: OUTCOMES, causes: CAUSES, why: WHY } = {{words}};
const COLUMNS = ["state", "share", "inflight", "limit", "p50", "p99", ...OUTCOMES];

const $ = id => document.getElementById(id);
const make = (tag, cls, text) => {
const e = document.createElement(tag);
if (cls) e.className = cls;
if (text !== undefined) e.textContent = text;
return e;
};
const set = (e, text) => { if (e.textContent !== text) e.textContent = text; };

// Numbers in words, as weirctl has them.
const span = s => {
s = Math.max(0, Math.round(s));
for (const [n, name, m, small] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
if (s >= n) {
const rest = Math.floor(s % n / m);
return `${Math.floor(s / n)} ${name}` + (rest ? ` ${rest} ${small}` : "");
}
}
return `${s} s`;
};
const ms = v => !v ? "–" : v < 10 ? `${v.toFixed(1)} ms` : v < 1000 ? `${Math.round(v)} ms` : `${(v / 1000).toFixed(2)} s`;
const percent = v => v > 0 && v < 0.01 ? "below 1\u00a0%" : `${Math.round(v * 100)}\u00a0%`;
const rate = v => `${v >= 100 ? Math.round(v) : v.toFixed(1)}/s`;
const short = v => v >= 10000 ? `${Math.round(v / 1000)}k` : `${Math.round(v * 10) / 10}`;
const clock = t => new Date(t * 1000).toISOString().slice(11, 19);
const words = name => name.replace(/_/g, " ");

// The columns: one array a series, all as long as `at`.
const data = { at: [], pools: new Map(), upstreams: new Map() };
const filled = v => new Array(data.at.length).fill(v);

const take = (from, replace) => {
if (replace) {
data.at = [];
data.pools.clear();
data.upstreams.clear();
}
const before = data.at.length, n = from.at.length;
if (!replace && before && n && from.at[0] === data.at[before - 1]) return;
for (const p of from.pools) {
if (!data.pools.has(p.name)) data.pools.set(p.name, { queue: filled(0), shed: {} });
const s = data.pools.get(p.name);
s.queue.push(...p.queue);
for (const c of CAUSES) {
if (!s.shed[c] && p.shed[c]) s.shed[c] = filled(0);
if (s.shed[c]) s.shed[c].push(...(p.shed[c] || new Array(n).fill(0)));
}
}
for (const u of from.upstreams) {
const key = u.pool + "/" + u.name;
if (!data.upstreams.has(key)) data.upstreams.set(key, Object.fromEntries(COLUMNS.map(c => [c, filled(null)])));
const s = data.upstreams.get(key);
for (const c of COLUMNS) s[c].push(...u[c]);
}
data.at.push(...from.at);
const extra = data.at.length - SPAN;
const all = [data.at];
for (const [name, s] of data.pools) {
if (s.queue.length < data.at.length) data.pools.delete(name);
else all.push(s.queue, ...Object.values(s.shed));
}
for (const [name, s] of data.upstreams) {
if (s.state.length < data.at.length) data.upstreams.delete(name);
else all.push(...COLUMNS.map(c => s[c]));
}
if (extra > 0) for (const a of all) a.splice(0, extra);
};

// Plots.  A bucket is what one bar or step of the drawing stands for.
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const buckets = width => Math.max(60, Math.min(300, Math.floor(width / 3)));
const mean = list => list.length ? list.reduce((a, b) => a + b, 0) / list.length : null;
const most = list => list.length ? Math.max(...list) : null;
const last = list => list.length ? list[list.length - 1] : null;

// Values of a series gathered into n buckets of the 10 minutes that end at the newest point.
const gather = (series, n, how, skipZero) => {
const end = data.at[data.at.length - 1], out = Array.from({ length: n }, () => []);
for (let i = 0; i < data.at.length; i++) {
const v = series[i], k = Math.floor((data.at[i] - end + SPAN - 1) / SPAN * n);
if (v !== null && k >= 0 && k < n && !(skipZero && v === 0)) out[k].push(v);
}
return out.map(how);
};
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
for (let i = 1; i < 5; i++) {
const x = Math.round(w * i / 5) + 0.5;
g.moveTo(x, 10);
g.lineTo(x, h - 15);
}
g.stroke();
g.textBaseline = "alphabetic";
g.textAlign = "left";
g.fillText("10 min ago", 0, h - 3);
g.textAlign = "center";
for (let i = w > 420 ? 1 : 2; i < 5; i++) g.fillText(`−${10 - 2 * i}`, w * i / 5, h - 3);
g.textAlign = "right";
g.fillText("now", w, h - 3);
g.textAlign = "left";
g.fillText(label(top), 2, 9);
return v => 10 + (h - 25) * (1 - Math.min(1, v / top));
};

const path = (g, values, w, y, hue, opts = {}) => {
const n = values.length;
g.strokeStyle = hue;
g.lineWidth = opts.thin ? 1 : 1.6;
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
return n;
};
const tallest = list => {
let top = 0;
for (let k = 0; list[0] && k < list[0].values.length; k++) top = Math.max(top, list.reduce((a, s) => a + (s.values[k] || 0), 0));
return top;
};

// A figure: title, reading under the pointer (else the newest), canvas, legend.
const figures = new Set();
const figure = (title, draw, strip) => {
const f = make("figure"), cap = make("figcaption"), read = make("span", "read"), c = make("canvas", strip ? "strip" : ""), legend = make("div", "legend");
cap.append(make("b", "", title), read);
c.setAttribute("role", "img");
f.append(cap, c, legend);
const me = { f, c, read, legend, title, draw, hover: null };
const move = e => {
const r = c.getBoundingClientRect();
me.hover = Math.max(0, Math.min(1, (e.clientX - r.left) / r.width));
render(me);
};
c.addEventListener("pointermove", move);
c.addEventListener("pointerdown", move);
c.addEventListener("pointerleave", () => { me.hover = null; render(me); });
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
// The index of the point that is read, or -1.
const pointed = me => {
const end = data.at.length - 1;
if (me.hover === null || end < 0) return end;
const t = data.at[end] - SPAN * (1 - me.hover);
let best = -1;
for (let i = 0; i <= end; i++) if (best < 0 || Math.abs(data.at[i] - t) < Math.abs(data.at[best] - t)) best = i;
return Math.abs(data.at[best] - t) < 6 ? best : -1;
};
const render = me => {
if (!data.at.length || !me.c.clientWidth) return;
const [g, w, h] = canvasOf(me.c), i = pointed(me);
const text = me.draw(g, w, h, buckets(w), i, me);
const when = me.hover === null ? "" : i < 0 ? "" : clock(data.at[i]) + ": ";
set(me.read, i < 0 ? "no data" : when + text);
me.c.setAttribute("aria-label", `${me.title}, last 10 minutes; ${when || "now: "}${text}`);
if (me.hover !== null) {
g.fillStyle = color("--soft");
g.fillRect(Math.round(me.hover * w), me.c.classList.contains("strip") ? 0 : 10, 1, h - 15);
}
};

const drawState = key => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), v = gather(s.state, n, last);
v.forEach((x, k) => {
if (x === null) return;
g.fillStyle = color("--s-" + STATES[x]);
g.fillRect(k / n * w, 4, w / n + 0.5, h - 8);
});
legendOf(me, STATES.map(x => ["--s-" + x, words(x)]));
return i < 0 || s.state[i] === null ? "" : words(STATES[s.state[i]]);
};
const drawShare = key => (g, w, h, n, i) => {
const s = data.upstreams.get(key), y = frame(g, w, h, 1, () => "100 %");
path(g, gather(s.share, n, last), w, y, color("--line"), { fill: color("--line-fill") });
return i < 0 ? "" : percent(s.share[i] || 0);
};
const drawLoad = key => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), open = gather(s.inflight, n, most), limit = gather(s.limit, n, last);
const high = most(open.filter(v => v !== null)) || 0, cap = most(limit.filter(v => v !== null)) || 0;
const near = cap <= Math.max(10, high * 5);
const y = frame(g, w, h, nice(Math.max(4, high * 1.15, near ? cap * 1.1 : 0)), short);
path(g, open, w, y, color("--line"), { fill: color("--line-fill") });
if (near) path(g, limit.map(v => v), w, y, color("--second"), { dash: true });
legendOf(me, [["--line", "in flight"], ["--second", near ? "limit (dashed)" : "limit (far above)"]]);
return i < 0 ? "" : `${s.inflight[i] || 0} of ${s.limit[i] || 0}`;
};
const drawFirst = key => (g, w, h, n, i, me) => {
const s = data.upstreams.get(key), a = gather(s.p50, n, mean, true), b = gather(s.p99, n, most, true);
const y = frame(g, w, h, nice(most([...a, ...b].filter(v => v !== null)) || 1), v => v < 1000 ? `${short(v)} ms` : `${short(v / 1000)} s`);
path(g, b, w, y, color("--second"));
path(g, a, w, y, color("--line"));
legendOf(me, [["--line", "median"], ["--second", "p99"]]);
return i < 0 ? "" : `${ms(s.p50[i])}, p99 ${ms(s.p99[i])}`;
};
const stacked = (series, hues, unit) => (g, w, h, n, i, me) => {
const found = series(), list = found.map(([name, values, hue]) => ({ name, hue: color(hue), values: gather(values, n, mean) }));
const y = frame(g, w, h, nice(tallest(list) * 1.1), v => `${short(v)}/s`);
stack(g, list, w, y);
legendOf(me, hues());
if (i < 0) return "";
const parts = found.filter(([, v]) => v[i]).map(([name, v]) => `${v[i]} ${words(name)}`);
return parts.length ? parts.join(", ") : unit;
};
const drawOutcomes = key => stacked(() => OUTCOMES.map(o => [o, data.upstreams.get(key)[o], "--o-" + o]),
() => OUTCOMES.map(o => ["--o-" + o, words(o)]), "none in this second");
const shedOf = name => CAUSES.map((c, k) => [c, data.pools.get(name).shed[c], "--c" + k]).filter(([, v]) => v);
const drawShed = name => stacked(() => shedOf(name), () => shedOf(name).map(([c, , hue]) => [hue, words(c)]), "none in this second");
const drawQueue = name => (g, w, h, n, i) => {
const s = data.pools.get(name), v = gather(s.queue, n, most);
const y = frame(g, w, h, nice(Math.max(4, (most(v.filter(x => x !== null)) || 0) * 1.1)), short);
path(g, v, w, y, color("--line"), { fill: color("--line-fill") });
return i < 0 ? "" : `${s.queue[i]} waiting`;
};

// The parts of the page that come and go with the settings.
const parts = new Map();
const poolPart = name => {
const box = make("section"), title = make("h2"), line = make("p", "soft"), card = make("div", "card"), plots = make("div", "plots");
const shed = figure("Refused, by cause", drawShed(name)), queue = figure("Waiting in the queue", drawQueue(name));
plots.append(shed.f, queue.f);
card.append(plots);
box.append(title, line, card);
return { box, title, line, figures: [shed, queue] };
};
const upstreamPart = key => {
const box = make("article", "card"), head = make("h3"), name = make("span"), badge = make("span", "badge"), line = make("p", "soft"), note = make("p"), plots = make("div", "plots");
const list = [figure("Share let in", drawShare(key)), figure("In flight and limit", drawLoad(key)),
figure("First token", drawFirst(key)), figure("Outcomes", drawOutcomes(key))];
const strip = figure("State", drawState(key), true);
plots.append(...list.map(f => f.f));
head.append(name, badge);
box.append(head, line, note, strip.f, plots);
return { box, name, badge, line, note, figures: [strip, ...list] };
};
const partOf = (key, build, parent) => {
if (!parts.has(key)) {
const p = build(key.slice(1));
parts.set(key, p);
parent.append(p.box);
}
return parts.get(key);
};
const dropOthers = seen => {
for (const [key, p] of parts) {
if (seen.has(key)) continue;
p.figures.forEach(f => figures.delete(f));
p.box.remove();
parts.delete(key);
}
};

const since = (iso, now) => iso ? (Date.parse(now) - Date.parse(iso)) / 1000 : 0;
const until = (iso, now) => iso ? (Date.parse(iso) - Date.parse(now)) / 1000 : 0;
const worst = pool => Object.entries(pool.shed_last_minute).sort((a, b) => b[1] - a[1])[0];
const full = p => p.upstreams.some(u => u.ramp_held) ? ", held there by command" : p.expected_full_s === null ? "; when it is full again is not known yet" :
p.expected_full_s > 0 ? `; full in about ${span(p.expected_full_s)}` : "";

const sentences = {
serving: () => "Everything that comes is let through.",
shedding: p => {
const c = worst(p);
return `Pool ${p.name} refuses ${rate(p.shed_per_s)}` + (c ? `, mostly because ${WHY[c[0]] || words(c[0])}.` : ".");
},
recovering: p => p.share > 0 ? `Pool ${p.name} is coming back: ${percent(p.share)} of the known-good load is let in${full(p)}.` :
`Pool ${p.name} is being probed: a few requests go through to see whether its upstreams are back.`,
down: (p, s) => {
const next = p.upstreams.map(u => until(u.until, s.now)).filter(x => x > 0);
return `Pool ${p.name} is down: no upstream takes anything` + (next.length ? `; the next probes go out in ${span(Math.min(...next))}.` : ".");
},
draining: (p, s) => {
const open = s.pools.reduce((a, q) => a + q.upstreams.reduce((b, u) => b + u.inflight, 0), 0);
return `weir is draining: nothing new is taken, ${open} request${open === 1 ? " is" : "s are"} still under way.`;
}};
const ORDER = ["draining", "down", "recovering", "shedding", "serving"];

const noteOf = (u, now) => {
const notes = [];
if (until(u.until, now) > 0) notes.push(`next probes in ${span(until(u.until, now))}`);
if (until(u.held_until, now) > 0) notes.push(`asked to be left alone for another ${span(until(u.held_until, now))}`);
if (u.share < 1 && u.state === "ramping" && u.expected_full_s > 0) notes.push(`full in about ${span(u.expected_full_s)}`);
for (const o of u.override) notes.push(`${o.what}, commanded by ${o.by}` + (o.until ? `, ${span(until(o.until, now))} left` : ""));
return notes.join("; ");
};
const modesOf = u => Object.entries(u.modes).filter(([, m]) => m === "observe").map(([k]) => k);

const showUpstream = (part, u, now) => {
set(part.name, u.name);
set(part.badge, `${words(u.state)}${u.ramp_held ? ", held" : ""} for ${span(since(u.since, now))}` + (u.cause ? `, cause ${words(u.cause)}` : ""));
part.badge.dataset.state = u.state;
const looks = modesOf(u);
set(part.line, `share ${percent(u.share)}; ${u.inflight} of ${u.limits.streams} in flight, ${u.pending} of ${u.limits.pending} without a first token; ` +
`first token ${ms(u.ttft_ms.p50)}, p99 ${ms(u.ttft_ms.p99)}; pace ${ms(u.pace_ms.p50)} an event` + (looks.length ? `; only looking on: ${looks.join(", ")}` : ""));
set(part.note, noteOf(u, now));
part.note.hidden = !part.note.textContent;
};

const showStatus = s => {
const pool = s.pools.find(p => p.state === s.state) || s.pools[0];
$("state").dataset.state = s.state;
set($("word"), s.state);
set($("for"), `for ${span(since(s.since, s.now))}`);
set($("sentence"), pool ? sentences[s.state](pool, s) : "There is no pool.");
const texts = s.pools.filter(p => p.incident);
$("incident").hidden = !texts.length;
set($("incident"), texts.map(p => `Users of ${p.name} read: “${p.incident}”` + (p.incident_until ? ` (${span(until(p.incident_until, s.now))} left)` : "")).join(" "));
set($("meta"), `weir ${s.version}, running for ${span(s.uptime_s)}`);
document.title = `${s.state} – weir`;
const seen = new Set();
for (const p of [...s.pools].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))) {
if (!data.pools.has(p.name)) continue;
seen.add("p" + p.name);
const part = partOf("p" + p.name, poolPart, $("pools"));
set(part.title, `Pool ${p.name}`);
set(part.line, `${p.state} for ${span(since(p.since, s.now))}; share ${percent(p.share)}; admitted ${rate(p.admitted_per_s)}, refused ${rate(p.shed_per_s)}; ` +
`${p.queue.length} waiting` + (p.queue.length ? `, the oldest for ${ms(p.queue.oldest_ms)}` : ""));
for (const u of p.upstreams) {
const key = "u" + p.name + "/" + u.name;
if (!data.upstreams.has(key.slice(1))) continue;
seen.add(key);
showUpstream(partOf(key, upstreamPart, part.box), u, s.now);
}
}
dropOthers(seen);
figures.forEach(render);
};

// A dead upstream is probed every few seconds: those changes are one line that counts them.
const probing = new Map();
const inVain = e => e.from === "half_open" && e.to === "open";
const isProbe = e => inVain(e) || (e.from === "open" && e.to === "half_open");
const eventLine = (e, text) => {
const li = make("li"), t = make("time", "", e.at.slice(11, 19));
t.dateTime = e.at;
t.title = e.at;
li.append(t, make("span", "", text));
return li;
};
const showEvent = e => {
const key = `${e.pool}/${e.upstream}`;
let text = e.sentence;
$("no-events").hidden = true;
if (isProbe(e)) {
const run = probing.get(key) || { since: e.at, failed: 0, li: null };
probing.set(key, run);
if (run.li) run.li.remove();
if (inVain(e)) {
run.failed = Math.max(run.failed + 1, e.times);
if (e.times > 1) run.since = e.first_at;
}
if (run.failed) text = `${key}: still dead; probes have failed ${run.failed} time${run.failed === 1 ? "" : "s"} since ${run.since.slice(11, 19)}`;
run.li = eventLine(e, text);
$("events").prepend(run.li);
} else {
if (e.from !== e.to) probing.delete(key);
$("events").prepend(eventLine(e, text));
}
while ($("events").children.length > 100) $("events").lastChild.remove();
};

const source = new EventSource("/events");
source.addEventListener("history", m => {
const h = JSON.parse(m.data);
take(h, true);
$("events").replaceChildren();
probing.clear();
h.events.forEach(showEvent);
});
source.addEventListener("point", m => take(JSON.parse(m.data), false));
source.addEventListener("status", m => showStatus(JSON.parse(m.data)));
source.addEventListener("change", m => showEvent(JSON.parse(m.data)));
source.addEventListener("error", () => {
$("state").dataset.state = "lost";
set($("word"), "no connection");
set($("for"), `since ${new Date().toISOString().slice(11, 19)}`);
set($("sentence"), "weir does not answer; what follows is what it last said. Trying again …");
document.title = "no connection – weir";
});
window.addEventListener("resize", () => figures.forEach(render));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { figures.forEach(f => { f.key = ""; }); figures.forEach(render); });
})();
