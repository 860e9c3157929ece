// SPDX-License-Identifier: Apache-2.0
// The list of events.  A dead upstream is probed every few seconds: those changes are one line that
// counts them.
const probing = new Map();
const inVain = e => e.from === "half_open" && e.to === "open";
const isProbe = e => inVain(e) || (e.from === "open" && e.to === "half_open");
const eventLine = (e, text) => {
const li = make("li"), t = make("time", "", e.at.slice(11, 19));
t.dateTime = e.at;
t.title = e.at;
li.dataset.pool = e.pool;
li.dataset.key = e.upstream ? `${e.pool}/${e.upstream}` : "";
li.append(t, make("span", "", text));
sift(li);
return li;
};
// On the page of one upstream stand its own events, its pool's and weir's.
const sift = li => {
const [pool] = (route || "").split("/");
li.hidden = route !== null && li.dataset.key !== route && !(li.dataset.key === "" && (li.dataset.pool === "" || li.dataset.pool === pool));
};
const noteEvents = () => { $("no-events").hidden = [...$("events").children].some(li => !li.hidden); };
const showEvent = e => {
const key = `${e.pool}/${e.upstream}`;
let text = e.sentence;
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
noteEvents();
};
