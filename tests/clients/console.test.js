// SPDX-License-Identifier: Apache-2.0
// A page is judged by what it does; what a browser advises is printed.  What is missing is said in one line.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, openTab } from "./lib/browser.js";
import { judgesThePage, table } from "./lib/console.js";
import { until } from "./lib/until.js";

for (const { source, level, text, of } of table.examples)
  test(`${source}, ${level}: ${text.slice(0, 60)}`, () => assert.equal(judgesThePage(source, level, text), of === "page"));

const bad = `<!doctype html><title>x</title><link rel=icon href="data:,"><canvas></canvas><script>
const g = document.querySelector("canvas").getContext("2d");
for (let i = 0; i < 4; i++) g.getImageData(0, 0, 1, 1);
console.log("a note"); console.warn("a warning"); console.error("an error");
setTimeout(() => { throw new Error("thrown"); });
Promise.reject(new Error("rejected"));
fetch("/missing"); fetch("http://127.0.0.2:1/").catch(() => {});
</script>`;

test("the real browser's words are told apart", async () => {
  const server = http.createServer((req, res) => {
    res.writeHead(req.url === "/" ? 200 : 404, { "content-type": "text/html",
      "content-security-policy": "connect-src 'self'; script-src 'unsafe-inline'" });
    res.end(req.url === "/" ? bad : "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await launch();
  try {
    const tab = await openTab(browser, {});
    await tab.page.goto(`http://127.0.0.1:${server.address().port}/`);
    for (const word of ["a warning", "an error", "thrown", "rejected", "404", "Content Security Policy"])
      await until(() => tab.said.some((line) => line.includes(word)), `${word} judges the page`);
    assert.deepEqual(tab.said.filter((line) => /a note|willReadFrequently/.test(line)), []);
  } finally {
    await browser.close();
    server.close();
  }
});

test("a browser that is not there, or does not start, is missing in one line", () => {
  const file = fileURLToPath(new URL("./lib/browser.js", import.meta.url));
  for (const [where, named] of [["/nonexistent", "missing: chromium at /nonexistent"], ["/bin/false", "missing: a browser that starts: "]]) {
    const said = execFileSync(process.execPath, ["--input-type=module", "-e",
      `import { launch } from ${JSON.stringify(file)}; launch().catch((e) => console.log(e.stack));`],
    { env: { ...process.env, CHROMIUM: where }, encoding: "utf8" });
    assert.ok(said.startsWith(named), said);
    assert.equal(said.trim().split("\n").length, 1, said);
  }
});
