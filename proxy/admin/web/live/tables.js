// SPDX-License-Identifier: Apache-2.0
// The plots once more, as tables: a row for each step, the newest first.
const ROWS = 30;
const whole = v => v === null ? "–" : String(Math.floor(v));
// Of each column: its head, its series, what stands for the seconds of a step, how that is written.
const upstreamColumns = key => {
const s = data.upstreams.get(key);
return [["state", s.state, last, v => v === null ? "–" : words(STATES[v])], ["share", s.share, last, v => v === null ? "–" : percent(v)],
["in flight, most", s.inflight, most, whole], ["limit", s.limit, last, whole],
["without a first token, most", s.pending, most, whole], ["limit of these", s.pending_limit, last, whole],
["first token, median", s.p50, mean, ms], ["p99", s.p99, most, ms],
...OUTCOMES.map(o => [words(o), s[o], total, whole])];
};
const poolColumns = name => [["waiting in the queue, most", data.pools.get(name).queue, most, whole],
...shedOf(name).map(([c, v]) => [`refused: ${words(c)}`, v, total, whole])];

const rowOf = (t, cells) => {
const tr = make("tr"), th = make("th", "", clock(t));
th.scope = "row";
tr.append(th, ...cells.map(c => make("td", "", c)));
return tr;
};
const fill = (table, caption, columns) => {
const step = Math.ceil(view.span / ROWS), n = view.span / step, end = newest(), head = make("tr"), rows = [];
const found = columns.map(([, series, how, text]) => gather(series, n, how).map(v => text(v)));
for (let k = n - 1; k >= 0; k--) {
const t = end - (n - 1 - k) * step;
if (t > data.at[0] - step) rows.push(rowOf(t, found.map(f => f[k])));
}
head.append(...["until", ...columns.map(c => c[0])].map(name => {
const th = make("th", "", name);
th.scope = "col";
return th;
}));
const thead = make("thead"), tbody = make("tbody");
thead.append(head);
tbody.append(...rows);
table.replaceChildren(make("caption", "", `${caption}, the last ${lasting(view.span)} in steps of ${step} s, newest first; times are UTC`), thead, tbody);
};

// Made when it is opened, and anew with each step while the page follows.
const tables = new Set();
const tableOf = (caption, columns) => {
const box = make("details", "table"), frame = make("div", "scroll"), table = make("table");
box.setAttribute("aria-label", caption);
frame.tabIndex = 0;
frame.setAttribute("role", "region");
frame.setAttribute("aria-label", `${caption}, as a table`);
frame.append(table);
box.append(make("summary", "", "The same as a table"), frame);
const me = { box, fill: () => { if (box.open && data.at.length) fill(table, caption, columns()); } };
box.addEventListener("toggle", me.fill);
tables.add(me);
return me;
};
const fillTables = always => {
const step = Math.ceil(view.span / ROWS);
if (always || (view.end === null && newest() % step === 0)) tables.forEach(t => t.fill());
};
