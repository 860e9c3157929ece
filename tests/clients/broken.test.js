// SPDX-License-Identifier: Apache-2.0
// What breaks under way: no SDK takes half an answer for a whole one.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseModel, startBackend, wholeText } from "./lib/backend.js";
import { files } from "./lib/certificates.js";
import { collect, sdks } from "./lib/sdks.js";
import { startWeir } from "./lib/weir.js";

let backend, weir;

before(async () => {
  backend = await startBackend();
  const { certificate, key } = files(process.env.WEIR_TEST_CERTS);
  weir = await startWeir({ pools: [{ name: "chat", upstreams: [{ name: "a", url: backend.url }],
    limiter: { mode: "observe" }, breaker: { mode: "observe" }, timeouts: { stall: "1s" } }] }, { tls: { certificate, key } });
});
after(async () => {
  await weir?.stop();
  backend?.close();
});

// What the SDK is to report for each fault; null = a broken connection, in its own words.
const faults = [
  { fault: "end", what: "ends in good order without its end marker", code: "upstream_truncated", type: "api_error" },
  { fault: "reset", what: "resets the connection between two events", code: "upstream_truncated", type: "api_error" },
  { fault: "stall", what: "falls silent", code: "upstream_stalled", type: "overloaded_error" },
  { fault: "inside", what: "breaks off inside an event", code: null },
  { fault: "error", what: "sends an error of its own", code: "own" },
];

for (const sdk of sdks) {
  describe(sdk.name, () => {
    for (const { fault, what, code, type } of faults) {
      test(`a backend that ${what}`, async () => {
        const model = `broken;tokens=8;at=4;fault=${fault};code=own`;
        const whole = wholeText(parseModel(model));
        for (const base of [weir.url, weir.tlsUrl]) {
          const { text, error } = await collect(sdk.stream(base, model));
          assert.notEqual(error, null, `half an answer looks whole: ${text}`);
          assert.ok(whole.startsWith(text) && text.length < whole.length);
          if (code === null || fault === "error") continue;
          const failure = sdk.failure(error);
          if (!sdk.dropsCode) assert.equal(failure.code, code);
          assert.equal(failure.type, type);
          assert.match(failure.message, /before (it|the answer) was complete/);
          assert.equal(text, whole.slice(0, text.length));
          assert.equal(text.split(" ").length - 1, 4, "what came before is all there");
        }
      });
    }

    test("a backend that ends before any content is a failure with a status", async () => {
      const { text, error } = await collect(sdk.stream(weir.url, "broken;tokens=8;at=0;fault=end"));
      assert.equal(text, "");
      const failure = sdk.failure(error);
      assert.equal(failure.status, 502);
      assert.equal(failure.code, "empty_stream");
    });
  });
}

// Why it matters: the same without weir.
test("without weir, half an answer looks whole to openai", async () => {
  const { text, error } = await collect(sdks[0].stream(backend.url, "broken;tokens=8;at=4;fault=end"));
  assert.equal(error, null);
  assert.equal(text.split(" ").length - 1, 4);
});
