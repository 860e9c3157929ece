// SPDX-License-Identifier: Apache-2.0
// A user's limit: what is left is told in the fields that the SDKs know, and whoever waits as long as a refusal says gets in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseModel, startBackend, wholeText } from "./lib/backend.js";
import { recorder } from "./lib/recorder.js";
import { collect, sdks } from "./lib/sdks.js";
import { until } from "./lib/until.js";
import { startWeir } from "./lib/weir.js";

let backend, weir;

before(async () => {
  backend = await startBackend();
  const pools = [{ name: "chat", upstreams: [{ name: "a", url: backend.url }], users: { requests_per_minute: 2, tokens_per_day: 1000000 } }];
  weir = await startWeir({ pools, routes: [{ path: "/", pool: "chat" }] });
});
after(async () => {
  await weir?.stop();
  backend?.close();
});

const model = "m;tokens=3";
const keyOf = (sdk) => `limited-${sdk.name.replace(/\W/g, "")}`;
const fields = (sdk, what) => (sdk.dialect === "anthropic"
  ? [`anthropic-ratelimit-${what}-limit`, `anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`]
  : [`x-ratelimit-limit-${what}`, `x-ratelimit-remaining-${what}`, `x-ratelimit-reset-${what}`]);

async function ask(sdk, retries = 0) {
  const record = recorder();
  const { text, error } = await collect(sdk.stream(`${weir.url}/chat`, model, { fetch: record.fetch, key: keyOf(sdk), retries }));
  return { text, error, attempts: record.attempts };
}

async function keepsItsHint(sdk, began) {
  for (const left of ["1", "0"]) {
    const { error, attempts } = await ask(sdk);
    assert.equal(error, null);
    const [limit, remaining, reset] = fields(sdk, "requests").map((name) => attempts[0].headers.get(name));
    assert.deepEqual([limit, remaining], ["2", left]);
    if (sdk.dialect === "anthropic") assert.ok(Date.parse(reset) - Date.now() < 62000, reset);
    else assert.match(reset, /^(\d+m)?\d+(\.\d+)?(s|ms)$/);
    assert.equal(attempts[0].headers.get(fields(sdk, "tokens")[0]), "1000000");
  }
  await until(() => performance.now() > began + 55000, "the minute is nearly over", 60000);
  const { text, error, attempts } = await ask(sdk, 2);
  assert.equal(error, null);
  assert.equal(text, wholeText(parseModel(model)));
  assert.deepEqual(attempts.map((a) => a.status), [429, 200]);
  const told = Number(attempts[0].headers.get("retry-after-ms"));
  const waited = attempts[1].sentAt - attempts[0].headAt;
  assert.ok(waited > told - 20 && waited < told + 2000, `${sdk.name} waited ${waited} ms, told ${told}`);
}

test("each SDK that heeds a hint gets in when the limit has room", { timeout: 120000 }, async () => {
  const began = performance.now();
  await Promise.all(sdks.filter((sdk) => sdk.hint === "ms").map((sdk) => keepsItsHint(sdk, began)));
});
