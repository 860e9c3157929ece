// SPDX-License-Identifier: Apache-2.0
// The parts of the page that come and go with the settings: pools and their upstreams.
const parts = new Map();
const poolPart = name => {
const box = make("section", "pool"), title = make("h2"), binding = make("p", "binding"), line = make("p", "soft"), card = make("div", "card"), plots = make("div", "plots");
const shed = figure("Refused, by cause", drawShed(name)), queue = figure("Waiting in the queue", drawQueue(name));
const table = tableOf(`Pool ${name}`, () => poolColumns(name));
plots.append(shed.f, queue.f);
card.append(plots, table.box);
box.append(title, binding, line, card);
return { box, title, binding, line, tables: [table], figures: [shed, queue] };
};
const upstreamPart = key => {
const box = make("article", "card"), head = make("h3"), name = make("a"), badge = make("span", "badge"), binding = make("p", "binding"), line = make("p", "soft"), note = make("p"), plots = make("div", "plots"), facts = make("dl", "facts");
const list = [figure("Share let in", drawShare(key)), figure("In flight and limit", drawUnder(key, "inflight", "limit", "in flight")),
figure("Without a first token", drawUnder(key, "pending", "pending_limit", "waiting"), "deep"),
figure("First token", drawFirst(key)), figure("Outcomes", drawOutcomes(key))];
const strip = figure("State", drawState(key), "strip"), table = tableOf(key, () => upstreamColumns(key));
const [pool, own] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
name.href = `#${encodeURIComponent(pool)}/${encodeURIComponent(own)}`;
box.dataset.key = key;
head.tabIndex = -1;
plots.append(...list.map(f => f.f));
head.append(name, badge);
box.append(head, binding, line, note, strip.f, plots, table.box, facts);
return { box, head, name, badge, binding, line, note, facts, tables: [table], figures: [strip, ...list] };
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
p.tables.forEach(t => tables.delete(t));
p.box.remove();
parts.delete(key);
}
};

const noteOf = (u, now) => {
const notes = [];
if (u.check) notes.push(`its last health check failed: ${u.check}`);
if (u.share < 1 && u.state === "ramping" && u.expected_full_s > 0) notes.push(`full in about ${lasting(u.expected_full_s)}`);
for (const o of u.override) notes.push(`${o.what}, commanded by ${o.by}` + (o.until ? `, ${lasting(until(o.until, now))} left` : ""));
return notes.join("; ");
};
const looksOn = u => Object.entries(u.modes).filter(([, m]) => m === "observe").map(([k]) => k);
const showBinding = (e, b) => {
set(e, `${b.sentence}.`);
e.dataset.binds = b.rule !== null && b.enforced;
};
// What only an upstream's own page shows.
const showFacts = (list, u) => {
const rows = [["Address", u.url + (u.addresses ? ` (${u.addresses})` : "")],
["Limits", `${u.limits.streams} in flight (max_streams ${u.max_streams}), ${u.limits.pending} without a first token`],
["Known good", `${u.known_good_streams} streams`], [`Last ${u.window.seconds} s`, counts(Object.entries(u.window).filter(([k]) => k !== "seconds")) || "nothing"],
["Since the start", counts(Object.entries(u.outcomes_total)) || "nothing"],
["Pace", `${ms(u.pace_ms.now)} an event now, median ${ms(u.pace_ms.p50)}, target ${ms(u.pace_ms.target)}`],
["Fleet", u.fleet ? `${words(u.fleet.state)} on all nodes, ${u.fleet.limit} allowed there; ${u.fleet.held} permits here` + (u.fleet.own_path ? "; the way from this node is broken" : "") +
(u.fleet.probes ? "; this node sends a probe" : "") : "not shared"],
["Rules", Object.entries(u.modes).map(([k, m]) => `${k} ${m}`).join(", ")]];
if (!list.children.length) rows.forEach(([name]) => list.append(make("dt", "", name), make("dd")));
rows.forEach(([, text], i) => set(list.children[2 * i + 1], text));
};
const showUpstream = (part, u, now) => {
set(part.name, u.name);
set(part.badge, `${words(u.state)}${u.ramp_held ? ", held" : ""} for ${lasting(since(u.since, now))}` + (u.cause ? `, cause ${words(u.cause)}` : ""));
part.badge.dataset.state = u.state;
showBinding(part.binding, u.binding);
const looks = looksOn(u);
set(part.line, `share ${percent(u.share)}; first token ${ms(u.ttft_ms.p50)}, p99 ${ms(u.ttft_ms.p99)}; pace ${ms(u.pace_ms.p50)} an event` +
(looks.length ? `; only looking on: ${looks.join(", ")}` : ""));
set(part.note, noteOf(u, now));
part.note.hidden = !part.note.textContent;
showFacts(part.facts, u);
};
const showPool = (part, p, now) => {
set(part.title, `Pool ${p.name}`);
showBinding(part.binding, p.binding);
set(part.line, `${p.state} for ${lasting(since(p.since, now))}; share ${percent(p.share)}; admitted ${rate(p.admitted_per_s)}, refused ${rate(p.shed_per_s)}; ` +
`${p.queue.length} waiting` + (p.queue.length ? `, the oldest for ${ms(p.queue.oldest_ms)}` : "") + (p.limits_reached ? `; ${p.limits_reached} at a limit` : ""));
};
