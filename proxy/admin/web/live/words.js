// SPDX-License-Identifier: Apache-2.0
// Numbers and names in words, as weirctl has them, and what every part needs of the document.
const { states: STATES, outcomes: OUTCOMES, causes: CAUSES, why: WHY } = {{words}};

const $ = id => document.getElementById(id);
const make = (tag, cls, text) => {
const e = document.createElement(tag);
if (cls) e.className = cls;
if (text !== undefined) e.textContent = text;
return e;
};
const set = (e, text) => { if (e.textContent !== text) e.textContent = text; };

const lasting = s => {
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
const since = (iso, now) => iso ? (Date.parse(now) - Date.parse(iso)) / 1000 : 0;
const until = (iso, now) => iso ? (Date.parse(iso) - Date.parse(now)) / 1000 : 0;
const counts = list => list.filter(([, n]) => n).map(([name, n]) => `${n} ${words(name)}`).join(", ");
