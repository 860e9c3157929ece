// SPDX-License-Identifier: Apache-2.0
// The SDKs over HTTP/2, as undici speaks it (allowH2): the same texts, errors and ends as over HTTP/1.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Agent, fetch as undiciFetch } from "undici";
import { startBackend, parseModel, wholeText } from "./lib/backend.js";
import { launch, openTab } from "./lib/browser.js";
import { files } from "./lib/certificates.js";
import { collect, sdks } from "./lib/sdks.js";
import { until } from "./lib/until.js";
import { startWeir } from "./lib/weir.js";

let backend, weir;
// One connection, so that what one stream does to another would show.
const dispatcher = new Agent({ allowH2: true, connections: 1, pipelining: 100 });
const fetch = (url, init) => undiciFetch(url, { ...init, dispatcher });

before(async () => {
  const { certificate, key } = files(process.env.WEIR_TEST_CERTS);
  backend = await startBackend();
  weir = await startWeir({
    pools: [{ name: "chat", upstreams: [{ name: "a", url: backend.url }],
      limiter: { mode: "observe" }, breaker: { mode: "observe" }, timeouts: { connect: "20s", stall: "1s" } }],
  }, { tls: { certificate, key } });
});
after(async () => {
  await dispatcher.destroy();
  await weir?.stop();
  backend?.close();
});

test("HTTP/2 is what is spoken", async () => {
  await collect(sdks[0].stream(weir.tlsUrl, "spoken;tokens=3;gap=1", { fetch }));
  assert.match(backend.last("spoken").headers.via, /^2\.0 weir/);
});

for (const sdk of sdks) {
  describe(sdk.name, () => {
    test("gets the whole text, also of several streams at once", async () => {
      const model = "whole;tokens=40;gap=2";
      const all = await Promise.all(Array.from({ length: 8 }, () => collect(sdk.stream(weir.tlsUrl, model, { fetch }))));
      for (const { text, error } of all) {
        assert.equal(error, null);
        assert.equal(text, wholeText(parseModel(model)));
      }
    });

    test("hangs up, and the backend knows", async () => {
      const tag = `leave2-${sdk.name.replace(/\W/g, "")};`;
      const leaving = new AbortController();
      await collect(sdk.stream(weir.tlsUrl, `${tag}tokens=1000;gap=10`, { fetch, signal: leaving.signal }), (text) => {
        if (text.split(" ").length > 3) leaving.abort();
      });
      await until(() => backend.last(tag)?.closedAt > 0, "the backend sees the end");
      assert.ok(backend.last(tag).aborted);
    });

    test("sees an error when its stream is broken off", async () => {
      const { text, error } = await collect(sdk.stream(weir.tlsUrl, "cut2;tokens=8;at=4;fault=reset", { fetch }));
      assert.notEqual(error, null, text);
    });
  });
}

test("a page in a browser has streams side by side over HTTP/2, event by event", async () => {
  const browser = await launch();
  try {
    const { page } = await openTab(browser, { ignoreHTTPSErrors: true });
    await page.goto(`${weir.tlsUrl}/`);
    const seen = await page.evaluate(async () => {
      const one = async (tag) => {
        const answer = await fetch("/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" },
          body: JSON.stringify({ model: `${tag};tokens=20;gap=20`, stream: true, messages: [] }) });
        const reader = answer.body.getReader(), decoder = new TextDecoder();
        let pieces = 0, text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return { pieces, text };
          pieces++;
          text += decoder.decode(value, { stream: true });
        }
      };
      const streams = await Promise.all(Array.from({ length: 10 }, (_, i) => one(`page${i}`)));
      const protocols = performance.getEntriesByType("resource").map((e) => e.nextHopProtocol);
      return { streams, protocols: [...new Set(protocols)] };
    });
    assert.deepEqual(seen.protocols, ["h2"]);
    for (const { pieces, text } of seen.streams) {
      assert.ok(text.endsWith("data: [DONE]\n\n"), text.slice(-100));
      assert.ok(pieces >= 10, `${pieces} pieces of 20 events, 20 ms apart`);
    }
  } finally {
    await browser.close();
  }
});
