// SPDX-License-Identifier: Apache-2.0
// What goes well: streams arrive whole, as they do without weir; a caller who leaves is noticed at once.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startBackend, parseModel, wholeText } from "./lib/backend.js";
import { files } from "./lib/certificates.js";
import { collect, sdks } from "./lib/sdks.js";
import { until } from "./lib/until.js";
import { startWeir } from "./lib/weir.js";

let backend, weir;

before(async () => {
  backend = await startBackend();
  weir = await startWeir({
    pools: [{ name: "chat", upstreams: [{ name: "a", url: backend.url }],
      limiter: { mode: "observe" }, breaker: { mode: "observe" }, timeouts: { connect: "20s" } }],
  }, { tls: tlsFiles() });
});
after(async () => {
  await weir?.stop();
  backend?.close();
});

function tlsFiles() {
  const { certificate, key } = files(process.env.WEIR_TEST_CERTS);
  return { certificate, key };
}

const short = (sdk) => sdk.name.replace(/\W/g, "");

// When the backend saw the end of the request it had not finished.
async function closed(tag) {
  await until(() => backend.last(tag)?.closedAt > 0, "the backend sees the end");
  assert.ok(backend.last(tag).aborted);
  return backend.last(tag).closedAt;
}

// A machine that does other things, too, can only add to a delay: the best of ten counts.
async function promptly(measure) {
  const delays = [];
  for (let round = 0; round < 10; round++) {
    delays.push(await measure(round));
    if (delays.at(-1) < 100) return;
  }
  assert.fail(`the backend knew after ${delays.map(Math.round)} ms`);
}

for (const sdk of sdks) {
  describe(sdk.name, () => {
    test("gets the same text over HTTP, over HTTPS and without weir", async () => {
      const model = "whole;tokens=40;gap=1";
      for (const base of [backend.url, weir.url, weir.tlsUrl]) {
        const { text, error } = await collect(sdk.stream(base, model));
        assert.equal(error, null, base);
        assert.equal(text, wholeText(parseModel(model)), base);
      }
    });

    test("gets each token when it is made, not later", async () => {
      const gaps = [];
      let last = 0;
      const { error } = await collect(sdk.stream(weir.url, "paced;tokens=12;gap=40"), () => {
        const now = performance.now();
        if (last > 0) gaps.push(now - last);
        last = now;
      });
      assert.equal(error, null);
      gaps.sort((a, b) => a - b);
      assert.ok(gaps[Math.floor(gaps.length / 2)] > 20, `tokens come in heaps: ${gaps.map(Math.round)}`);
    });

    test("hangs up, and the backend knows within 100 ms", async () => {
      await promptly(async (round) => {
        const tag = `leave-${short(sdk)}-${round};`;
        const leaving = new AbortController();
        let leftAt = 0;
        await collect(sdk.stream(weir.url, `${tag}tokens=1000;gap=10`, { signal: leaving.signal }), (text) => {
          if (leftAt === 0 && text.split(" ").length > 3) {
            leftAt = performance.now();
            leaving.abort();
          }
        });
        assert.ok(leftAt > 0);
        return (await closed(tag)) - leftAt;
      });
    });

    test("hangs up before the first token, and the backend knows within 100 ms", async () => {
      await promptly(async (round) => {
        const tag = `early-${short(sdk)}-${round};`;
        const leaving = new AbortController();
        const reading = collect(sdk.stream(weir.url, `${tag}first=never`, { signal: leaving.signal }));
        await until(() => backend.last(tag)?.body, "the backend has the request");
        const leftAt = performance.now();
        leaving.abort();
        await reading;
        return (await closed(tag)) - leftAt;
      });
    });
  });
}

for (const sdk of sdks.filter((s) => s.hasTimeout)) {
  const tag = `late-${short(sdk)}`;

  test(`${sdk.name} runs into its own time out as without weir, and the backend is released`, async () => {
    const direct = await collect(sdk.stream(backend.url, `direct-${tag};first=silent`, { timeout: 1000 }));
    const through = await collect(sdk.stream(weir.url, `${tag};first=silent`, { timeout: 1000 }));
    assert.ok(direct.error !== null && through.error !== null);
    assert.equal(through.error.constructor.name, direct.error.constructor.name);
    await until(() => backend.last(`${tag};`).closedAt > 0, "the backend sees the end");
  });

  // Without weir this would wait for ever: the head came in time, and no library looks further.
  test(`${sdk.name} runs into its time out where a backend sends its head and then nothing`, async () => {
    const { error } = await collect(sdk.stream(weir.url, `head-${tag};first=never`, { timeout: 1000 }));
    assert.match(`${error.constructor.name} ${error.name}`, /Timeout/);
    await until(() => backend.last(`head-${tag}`).closedAt > 0, "the backend sees the end");
  });
}

test("a thousand streams at once lose nothing and mix nothing", { timeout: 180000 }, async () => {
  const sdk = sdks[0];
  const streams = Array.from({ length: 1000 }, (_, i) => `many;tokens=20;gap=50;tag=s${i}`);
  const results = await Promise.all(streams.map((model) => collect(sdk.stream(weir.url, model, { retries: 0 }))));
  const wrong = results.flatMap((r, i) =>
    r.error === null && r.text === wholeText(parseModel(streams[i])) ? [] : [{ i, text: r.text, error: String(r.error) }]);
  assert.deepEqual(wrong.slice(0, 3), []);
  assert.equal(backend.count("many;"), 1000);
});
