// SPDX-License-Identifier: Apache-2.0
// The live page: one sentence for the state, pools and upstreams below it, one page per upstream by
// the fragment (#POOL/UPSTREAM).  Everything that came over the wire is put in as text, never as
// markup.
const worst = pool => Object.entries(pool.shed_last_minute).sort((a, b) => b[1] - a[1])[0];
const full = p => p.upstreams.some(u => u.ramp_held) ? ", held there by command" : p.expected_full_s === null ? "; when it is full again is not known yet" :
p.expected_full_s > 0 ? `; full in about ${lasting(p.expected_full_s)}` : "";

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
return `Pool ${p.name} is down: no upstream takes anything` + (next.length ? `; the next probes go out in ${lasting(Math.min(...next))}.` : ".");
},
draining: (p, s) => {
const open = s.pools.reduce((a, q) => a + q.upstreams.reduce((b, u) => b + u.inflight, 0), 0);
return `weir is draining: nothing new is taken, ${open} request${open === 1 ? " is" : "s are"} still under way.`;
}};
const ORDER = ["draining", "down", "recovering", "shedding", "serving"];

// --- what is told to somebody who hears the page: changes of state, and not one each second
let told = {}, telling = 0, toTell = "";
const say = text => {
toTell = text;
if (telling) return;
set($("say"), toTell);
telling = setTimeout(() => {
telling = 0;
if ($("say").textContent !== toTell) say(toTell);
}, 4000);
};
const probes = ["open", "half_open"];
const tellChanges = s => {
const now = { "": s.state }, news = [];
if (s.fleet.name) now[`this node of the fleet ${s.fleet.name}`] = s.fleet.state;
for (const p of s.pools) {
if (s.pools.length > 1) now[`pool ${p.name}`] = p.state;
for (const u of p.upstreams) if (route === `${p.name}/${u.name}`) now[route] = probes.includes(u.state) ? "out of service" : words(u.state);
}
for (const [name, state] of Object.entries(now)) if (told[name] !== undefined && told[name] !== state) news.push(name ? `${name} is ${state}.` : `weir is ${state}. ${$("sentence").textContent}`);
told = now;
if (news.length) say(news.join(" "));
};

// --- which upstream's page it is
const routeOf = () => {
const m = location.hash.match(/^#([^/]+)\/(.+)$/);
try {
return m ? `${decodeURIComponent(m[1])}/${decodeURIComponent(m[2])}` : null;
} catch {
return null;
}
};
let route = routeOf(), status = null;
const showRoute = () => {
const known = route !== null && parts.has("u" + route), [pool] = (route || "").split("/");
document.body.classList.toggle("one", known);
$("crumbs").hidden = route === null;
$("nowhere").hidden = route === null || known || !status;
set($("nowhere"), `There is no upstream ${route} now; all there are stand below.`);
for (const [key, p] of parts) p.box.hidden = known && (key[0] === "u" ? key !== "u" + route : key !== "p" + pool);
if (known) {
const keys = [...parts.keys()].filter(k => k[0] === "u").map(k => k.slice(1)), links = $("crumbs").querySelectorAll("a[data-key]");
if ([...links].map(a => a.dataset.key).join() !== keys.join()) {
links.forEach(a => a.remove());
$("crumbs").append(...keys.map(k => {
const a = make("a", "", k);
a.href = parts.get("u" + k).name.href;
a.dataset.key = k;
return a;
}));
}
$("crumbs").querySelectorAll("a[data-key]").forEach(a => { if (a.dataset.key === route) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current"); });
}
set($("events-title"), known ? `What happened to ${route}` : "What happened");
[...$("events").children].forEach(sift);
noteEvents();
if (status) document.title = `${known ? `${route}: ` : ""}${known ? words(parts.get("u" + route).badge.dataset.state) : status.state} – weir`;
renderAll();
};
window.addEventListener("hashchange", () => {
const left = route;
route = routeOf();
told = {};
showRoute();
const target = parts.get("u" + (route ?? left));
if (target) (route === null ? target.name : target.head).focus();
if (route !== null) window.scrollTo(0, 0);
});

// --- how much of the past is shown, and which second is read
const SPANS = [60, 120, 300];
const showLook = () => {
const at = $("at"), back = view.cursor === null ? 0 : view.cursor - newest();
at.min = String(1 - view.span);
at.value = String(back);
const second = view.cursor ?? view.end, text = second === null ? "now" : clock(second) + (back ? `, ${lasting(-back)} before the end` : "");
set($("second"), second === null ? "now" : clock(second));
if (at.getAttribute("aria-valuetext") !== text) at.setAttribute("aria-valuetext", text);
$("pause").setAttribute("aria-pressed", String(view.end !== null));
set($("paused"), view.end === null ? "" : `paused at ${clock(view.end)}`);
};
// Who pins a second wants to read it: the plots stand still until they are let go on.
const look = (second, pin) => {
view.cursor = second;
view.pinned = pin;
if (pin) pause(true);
showLook();
renderAll();
};
const pause = on => {
if (!data.at.length || (on && view.end !== null)) return;
view.end = on ? newest() : null;
if (!on) {
view.cursor = null;
view.pinned = false;
}
showLook();
renderAll();
fillTables(true);
};
const showSpans = () => {
const box = $("spans"), list = [...SPANS.filter(s => s < data.ring), data.ring];
view.span = list.includes(view.span) ? view.span : data.ring;
if (box.querySelectorAll("input").length === list.length) return;
box.querySelectorAll("label").forEach(l => l.remove());
box.append(...list.map(s => {
const label = make("label"), input = make("input");
input.type = "radio";
input.name = "span";
input.value = String(s);
input.checked = s === view.span;
input.addEventListener("change", () => {
view.span = s;
if (view.cursor !== null && view.cursor <= newest() - s) view.cursor = newest() - s + 1;
showLook();
renderAll();
fillTables(true);
});
label.append(input, make("span", "", lasting(s)));
return label;
}));
};
$("skip").addEventListener("click", e => {
e.preventDefault(); // the fragment names an upstream
$("main").focus();
});
$("at").addEventListener("input", () => { if (data.at.length) look(newest() + Number($("at").value), true); });
$("pause").addEventListener("click", () => pause(view.end === null));
document.addEventListener("keydown", e => { if (e.key === "Escape" && (view.end !== null || view.cursor !== null)) pause(false); });

// --- each second
const showStatus = s => {
const pool = s.pools.find(p => p.state === s.state) || s.pools[0];
status = s;
$("state").dataset.state = s.state;
set($("word"), s.state);
set($("for"), `for ${lasting(since(s.since, s.now))}`);
set($("sentence"), pool ? sentences[s.state](pool, s) : "There is no pool.");
const texts = s.pools.filter(p => p.incident);
$("incident").hidden = !texts.length;
set($("incident"), texts.map(p => `Users of ${p.name} read: “${p.incident}”` + (p.incident_until ? ` (${lasting(until(p.incident_until, s.now))} left)` : "")).join(" "));
showAlone(s.fleet);
set($("meta"), `weir ${s.version}, running for ${lasting(s.uptime_s)}`);
const seen = new Set();
for (const p of [...s.pools].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))) {
if (!data.pools.has(p.name)) continue;
seen.add("p" + p.name);
const part = partOf("p" + p.name, poolPart, $("pools"));
showPool(part, p, s.now);
for (const u of p.upstreams) {
const key = "u" + p.name + "/" + u.name;
if (!data.upstreams.has(key.slice(1))) continue;
seen.add(key);
showUpstream(partOf(key, upstreamPart, part.box), u, s.now);
}
}
dropOthers(seen);
tellChanges(s);
showRoute();
};
const takePoint = from => {
take(from, false);
showLook();
fillTables(false);
};

let lost = 0;
const source = new EventSource("/events");
source.addEventListener("history", m => {
const h = JSON.parse(m.data);
if (lost) say("weir answers again.");
clearTimeout(lost);
lost = 0;
take(h, true);
showSpans();
$("events").replaceChildren();
probing.clear();
h.events.forEach(showEvent);
});
source.addEventListener("point", m => takePoint(JSON.parse(m.data)));
source.addEventListener("status", m => showStatus(JSON.parse(m.data)));
source.addEventListener("fleet", m => showFleet(JSON.parse(m.data)));
source.addEventListener("change", m => showEvent(JSON.parse(m.data)));
// Another process that takes over ends the stream as well, and answers at once.
source.addEventListener("error", () => {
const at = new Date().toISOString().slice(11, 19);
if (lost) return;
lost = setTimeout(() => {
$("state").dataset.state = "lost";
set($("word"), "no connection");
set($("for"), `since ${at}`);
set($("sentence"), "weir does not answer; what follows is what it last said. Trying again …");
document.title = "no connection – weir";
say("No connection to weir.");
}, 3000);
});
window.addEventListener("resize", renderAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { figures.forEach(f => { f.key = ""; }); renderAll(); });
