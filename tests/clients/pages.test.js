// SPDX-License-Identifier: Apache-2.0
// What a person sees: every page in every language, on a telephone and a desk, light and dark, in
// Debian's Chromium.  Screenshots of all of them are left in tests/artefacts/pages/ to be looked at.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect, launch, openTab } from "./lib/browser.js";
import { servePages } from "./lib/pages.js";
import { until } from "./lib/until.js";
import { freePort, program, startWeir } from "./lib/weir.js";

const artefacts = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../artefacts/pages");
const words = JSON.parse(fs.readFileSync(program("proxy/base/words.json"), "utf8"));
const languages = ["en", "fr", "de", "es"];
// One cause for each page that people can see, and each state of the status page.
const pages = ["overloaded", "circuit_open", "recovering", "rate_limited", "draining", "connect_failed", "gateway_timeout",
  "bad_request", "request_too_large", "request_timeout", "not_found", "not_allowed",
  ...words.service_states.filter(Boolean).map(({ name }) => `status:${name}`)];
const screens = [
  { name: "telephone", viewport: { width: 390, height: 844 } },
  { name: "desk", viewport: { width: 1280, height: 800 } },
];
const incident = "We are moving to a new machine & expect to be back by 10:00 UTC. Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen <b>!</b>";

let browser, server;

before(async () => {
  fs.mkdirSync(artefacts, { recursive: true });
  browser = await launch();
  server = await servePages();
});
after(async () => {
  await browser?.close();
  server?.close();
});

// Chromium itself notes the status of a page that is no success; nothing else may judge the page.
const isStatusNote = (line) => /Failed to load resource: the server responded with a status of \d+/.test(line);

function check(seen, tab, language, where) {
  assert.equal(seen.lang, language, where);
  assert.notEqual(seen.title, "", where);
  assert.ok(seen.styled, `${where}: the policy does not let the style through`);
  assert.equal(seen.overflow, 0, `${where}: wider than the screen`);
  assert.deepEqual(seen.sticking, [], `${where}: cut off`);
  assert.deepEqual(seen.landmarks, [1, 1, 1], `${where}: main, footer, h1`);
  assert.equal(seen.unlabelled, 0, where);
  const faint = seen.texts.filter((t) => t.ratio < 4.5);
  assert.deepEqual(faint, [], `${where}: too little contrast`);
  assert.ok(seen.texts.every((t) => t.size >= 13), `${where}: too small`);
  assert.deepEqual(tab.said.filter((line) => !isStatusNote(line)), [], `${where}: console`);
  assert.equal(tab.asked.length, 1, `${where}: asked for ${tab.asked}`);
}

for (const screen of screens) {
  for (const colorScheme of ["light", "dark"]) {
    describe(`${screen.name}, ${colorScheme}`, () => {
      let tab;
      before(async () => { tab = await openTab(browser, { viewport: screen.viewport, colorScheme }); });
      after(() => tab.context.close());

      for (const page of pages) {
        test(page, async () => {
          for (const language of languages) {
            const text = page.startsWith("status") || language === "de" ? incident : "";
            tab.forget();
            await tab.page.goto(server.url(page, language, "59000", "0.4", text));
            check(await tab.page.evaluate(inspect), tab, language, `${page} ${language}`);
            await tab.page.screenshot({ fullPage: true,
              path: path.join(artefacts, `${page.replace(":", "-")}-${language}-${screen.name}-${colorScheme}.png`) });
          }
        });
      }
    });
  }
}

test("a very narrow screen and very large letters cut nothing off", async () => {
  for (const viewport of [{ width: 280, height: 600 }, { width: 320, height: 256 }]) {
    const tab = await openTab(browser, { viewport });
    for (const language of languages) {
      await tab.page.goto(server.url("recovering", language, "59000", "0.4", incident));
      const seen = await tab.page.evaluate(inspect);
      assert.equal(seen.overflow, 0);
      assert.deepEqual(seen.sticking, []);
    }
    await tab.context.close();
  }
});

test("nothing moves where the reader wants no motion", async () => {
  const still = await openTab(browser, { reducedMotion: "reduce" }), moving = await openTab(browser, {});
  await still.page.goto(server.url("overloaded", "en", "59000"));
  await moving.page.goto(server.url("overloaded", "en", "59000"));
  assert.equal((await still.page.evaluate(inspect)).animations, 0);
  assert.ok((await moving.page.evaluate(inspect)).animations > 0);
  assert.equal(await still.page.locator(".wait").isVisible(), false);
  assert.equal(await moving.page.locator(".wait").isVisible(), true);
  await still.context.close();
  await moving.context.close();
});

test("a page tries again at its appointment", async () => {
  const tab = await openTab(browser, {});
  const before = server.served.length;
  await tab.page.goto(server.url("overloaded", "en", "2000"));
  await until(() => server.served.length >= before + 2, "it comes back", 15000);
  const waited = server.served[before + 1] - server.served[before];
  assert.ok(waited >= 1950, `came back after ${waited} ms`);
  await tab.context.close();
});

test("a page without an appointment stays", async () => {
  const tab = await openTab(browser, {});
  await tab.page.goto(server.url("not_found", "en", "1000"));
  const before = server.served.length;
  await new Promise((r) => setTimeout(r, 1600));
  assert.equal(server.served.length, before);
  await tab.context.close();
});

test("a reader waits out a failure of the real thing without touching the page", { timeout: 60000 }, async () => {
  const port = await freePort();
  const weir = await startWeir({
    pools: [{ name: "chat", profile: "api", upstreams: [{ name: "a", url: `http://127.0.0.1:${port}` }],
      breaker: { consecutive: 1, open_min: "4s", open_max: "4s" } }],
    pages: { status_path: "/weir/status" } });
  const tab = await openTab(browser, { locale: "de-AT" });
  const shop = http.createServer((req, res) => {
    res.writeHead(200, { "content-type": "text/html" });
    res.end("<!doctype html><title>Chat</title><h1>Willkommen</h1>");
  });
  try {
    await weir.ctl("incident chat set Wir ziehen um.");
    const first = await tab.page.goto(`${weir.url}/chat`);
    assert.equal(first.status(), 502);
    assert.equal(await tab.page.locator("html").getAttribute("lang"), "de");
    assert.match(await tab.page.locator("section").textContent(), /Wir ziehen um\./);
    const answers = [];
    tab.page.on("response", (r) => answers.push(r));
    await tab.page.waitForFunction(() => document.querySelector("h1")?.textContent === "Vorübergehend außer Betrieb", null, { timeout: 30000 });
    const open = answers.find((r) => r.status() === 503);
    assert.match(open.headers()["proxy-status"], /details="circuit_open"/);
    assert.match(await tab.page.locator("footer code").first().textContent(), /^[0-9a-f]{32}$/);
    shop.listen(port, "127.0.0.1");
    await once(shop, "listening");
    await tab.page.waitForFunction(() => document.title === "Chat", null, { timeout: 30000 });
    const status = await tab.page.goto(`${weir.url}/weir/status`);
    assert.equal(status.status(), 200);
    assert.match(await tab.page.locator("main").textContent(), /Wir ziehen um\./);
    assert.deepEqual(tab.said.filter((line) => !isStatusNote(line)), []);
  } finally {
    await tab.context.close();
    shop.closeAllConnections();
    shop.close();
    await weir.stop();
  }
});
