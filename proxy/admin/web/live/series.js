// SPDX-License-Identifier: Apache-2.0
// What the page knows of the last minutes: a column for each series, all as long as `at`; and which
// part of it is looked at.
const COLUMNS = ["state", "share", "inflight", "limit", "pending", "pending_limit", "p50", "p99", ...OUTCOMES];
const data = { at: [], pools: new Map(), upstreams: new Map(), ring: 600 };
// span: seconds that plots show.  end: their last second while the page is paused, else null.
// cursor: the second whose values are read, else null, which is the newest; pinned: it stays when
// the pointer leaves.
const view = { span: 600, end: null, cursor: null, pinned: false };

// Who wants less motion sees the plots step on every five seconds.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const newest = () => {
const t = data.at[data.at.length - 1];
return view.end ?? (still.matches && data.at.length > 5 ? t - t % 5 : t);
};
const filled = v => new Array(data.at.length).fill(v);

const take = (from, replace) => {
if (replace) {
data.at = [];
data.pools.clear();
data.upstreams.clear();
data.ring = from.points;
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
const extra = data.at.length - data.ring;
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

const mean = list => list.length ? list.reduce((a, b) => a + b, 0) / list.length : null;
const most = list => list.length ? Math.max(...list) : null;
const last = list => list.length ? list[list.length - 1] : null;
const total = list => list.reduce((a, b) => a + b, 0);

// Values of a series gathered into n buckets of the seconds that are looked at.
const gather = (series, n, how, skipZero) => {
const end = newest(), out = Array.from({ length: n }, () => []);
for (let i = 0; i < data.at.length; i++) {
const v = series[i], k = Math.floor((data.at[i] - end + view.span - 1) / view.span * n);
if (v !== null && k >= 0 && k < n && !(skipZero && v === 0)) out[k].push(v);
}
return out.map(how);
};

// The index of the point that is read, or -1: of the second under the cursor there is none.
const pointed = () => {
const t = view.cursor ?? newest();
for (let i = data.at.length - 1; i >= 0; i--) {
if (data.at[i] === t) return i;
if (data.at[i] < t) return t - data.at[i] === 1 ? i : -1;
}
return -1;
};
