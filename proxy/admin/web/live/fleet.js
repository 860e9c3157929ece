// SPDX-License-Identifier: Apache-2.0
// The fleet: its nodes, and what passes over all of them.  Cells change in place: who reads a table
// keeps the place where they are.
const cellsOf = (row, cells) => {
while (row.cells.length > cells.length) row.lastChild.remove();
cells.forEach(([text, look], i) => {
if (!row.cells[i]) {
const cell = make(i && row.parentNode.tagName === "TBODY" ? "td" : "th");
cell.scope = row.parentNode.tagName === "TBODY" ? "row" : "col";
if (i && cell.tagName === "TD") cell.removeAttribute("scope");
row.append(cell);
}
set(row.cells[i], text);
row.cells[i].className = look || "";
});
};
// rows: of cells, each its text and how it looks; the first of a row names it.
const fillInPlace = (table, caption, heads, rows) => {
if (!table.tHead) {
table.createCaption().textContent = caption;
table.createTHead().insertRow();
table.createTBody();
cellsOf(table.tHead.rows[0], heads.map(h => [h]));
}
const body = table.tBodies[0];
while (body.rows.length > rows.length) body.lastChild.remove();
rows.forEach((cells, i) => cellsOf(body.rows[i] || body.insertRow(), cells));
table.parentNode.hidden = !rows.length;
};

const NODES = ["node", "role", "state", "news", "round trip", "version", "settings", "permits", "in flight"];
const ago = t => t < 1000 ? "just now" : `${lasting(t / 1000)} ago`;
const nodeRow = n => [[n.node], [[n.leads ? "leads" : "", n.self ? "this node" : ""].filter(Boolean).join(", ")],
n.state === null ? ["not told", "soft"] : [n.state, n.state === "serving" ? "" : "odd"],
n.late ? [`late: ${ago(n.age_ms)}`, "wrong"] : [ago(n.age_ms)], [ms(n.rtt_ms)], [n.version],
n.differs ? ["differ", "wrong"] : ["agree"], [String(n.permits)], [String(n.inflight)]];
const lostRow = n => [[n.node], [""], ["gone", "wrong"], [ago(n.age_ms), "wrong"], ...["–", "–", "–", "–", "–"].map(t => [t])];

const SUMS = ["upstream", "state", "nodes", "limit", "permits", "in flight", "no token yet", "ok", "failed", "refused", "own path", "sends a probe"];
const sumRow = (pool, u) => {
const away = u.own.state !== u.state && u.own.state !== "closed";
return [[`${pool}/${u.name}`], [words(u.state), u.state === "closed" ? "" : "odd"], [String(u.nodes)], [String(u.limit)], [u.shared ? String(u.permits) : "–"],
[String(u.inflight)], [String(u.pending)], [rate(u.ok_per_s)], [rate(u.failed_per_s), u.failed_per_s > 0 ? "odd" : ""], [rate(u.refused_per_s)],
away ? [`${words(u.own.state)} at ${u.own.at}` + (u.own.nodes > 1 ? ` and ${u.own.nodes - 1} more` : ""), "wrong"] : ["–"], [u.probes.join(", ") || "–"]];
};
const poolSays = p => `Pool ${p.name} over all nodes: ${p.state}` + (p.at_nodes < p.nodes ? ` at ${p.at_nodes} of ${p.nodes}` : "") +
`; admitted ${rate(p.admitted_per_s)}, refused ${rate(p.refused_per_s)}; ${p.waiting} waiting` + (p.at_limit ? `; ${p.at_limit} at a limit` : "");

const showFleet = f => {
$("fleet").hidden = false;
set($("fleet-says"), `F${f.sentence.slice(1)}.`);
$("fleet-says").dataset.binds = f.fleet.state !== "joined" || f.nodes_answered < f.nodes_known || f.state !== "serving";
fillInPlace($("nodes"), "Nodes, as Redis has them", NODES, [...f.lost.map(lostRow), ...f.nodes.map(nodeRow)]);
set($("nodes-more"), f.nodes_left_out ? `${f.nodes_left_out} more nodes, of which nothing is wrong: weirctl fleet` : "");
$("nodes-more").hidden = !f.nodes_left_out;
const box = $("fleet-pools");
while (box.children.length > f.pools.length) box.lastChild.remove();
f.pools.forEach((p, i) => set(box.children[i] || box.appendChild(make("p")), poolSays(p)));
fillInPlace($("sums"), "Sums over the nodes, rates of the last 10 s", SUMS, f.pools.flatMap(p => p.upstreams.map(u => sumRow(p.name, u))));
};
// With each status: whether there is a fleet at all, and whether this node is alone.
const showAlone = f => {
if (!f.name) $("fleet").hidden = true;
$("alone").hidden = f.state !== "alone";
set($("alone"), f.state === "alone" ? `This node, ${f.node}, is alone: fleet ${f.name} cannot be reached (Redis: ${f.error || "it does not answer"}). It goes on with its part of the limits; commands given here reach the others later.` : "");
};
