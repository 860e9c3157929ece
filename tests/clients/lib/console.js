// SPDX-License-Identifier: Apache-2.0
// Which lines of a browser's console judge the page: its own errors and warnings, requests that
// failed, what its policy had to block.  Advice, deprecations, hints about speed and interventions
// change with the browser's version: they are printed.  The table is tests/console.json.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../console.json");
export const table = JSON.parse(fs.readFileSync(file, "utf8"));
const notThePages = table.not_the_pages.map((p) => new RegExp(p));

// The words of the DevTools protocol that differ from the table's.
const levels = { verbose: "debug", log: "info", assert: "error" };
const level = (word) => levels[word] ?? (table.levels.includes(word) ? word : "info");

// The text begins with the address of the script.
export function judgesThePage(source, word, text) {
  const least = table.judged_from[source];
  if (least === undefined || table.levels.indexOf(level(word)) < table.levels.indexOf(least)) return false;
  return !notThePages.some((p) => p.test(text));
}

// Notes what judges a page from now on: the array grows.
export async function listen(context, page) {
  const judged = [];
  const note = (source, word, where, text) => {
    const line = `${where ?? source} - ${text}`;
    if (judgesThePage(source, word, line)) judged.push(`${source}, ${level(word)}: ${line}`);
    else console.log(`the browser says, and is not judged: ${source}, ${level(word)}: ${line}`);
  };
  const protocol = await context.newCDPSession(page);
  protocol.on("Log.entryAdded", ({ entry }) => note(entry.source, entry.level, entry.url, entry.text));
  protocol.on("Runtime.consoleAPICalled", ({ type, args, stackTrace }) =>
    note("console-api", type, stackTrace?.callFrames[0]?.url, args.map((a) => a.value ?? a.description ?? a.type).join(" ")));
  protocol.on("Runtime.exceptionThrown", ({ exceptionDetails: e }) =>
    note("javascript", "error", e.url, e.exception?.description ?? e.text));
  await protocol.send("Log.enable");
  await protocol.send("Runtime.enable");
  return judged;
}
