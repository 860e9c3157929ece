// SPDX-License-Identifier: Apache-2.0
// What is refused: each SDK reports the right class, code and request id, and comes back when told.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseModel, startBackend, wholeText } from "./lib/backend.js";
import { recorder } from "./lib/recorder.js";
import { collect, sdks } from "./lib/sdks.js";
import { until } from "./lib/until.js";
import { freePort, startWeir } from "./lib/weir.js";

let backend, weir;

const upstream = (url, rest = {}) => [{ name: "a", url, ...rest }];

before(async () => {
  backend = await startBackend();
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const pools = [
    { name: "busy", upstreams: upstream(backend.url, { max_streams: 1 }), queue: { max_length: 0 } },
    { name: "waits", upstreams: upstream(backend.url, { max_streams: 1 }), queue: { max_wait: "100ms" } },
    { name: "busy429", upstreams: upstream(backend.url, { max_streams: 1 }), queue: { max_length: 0 }, overload_status: 429 },
    { name: "fair", upstreams: upstream(backend.url), users: { max_streams: 1 } },
    { name: "broken", upstreams: upstream(nobody), breaker: { consecutive: 1, open_min: "30s", open_max: "30s" } },
    { name: "shut", upstreams: upstream(backend.url) },
    { name: "gone", upstreams: upstream(nobody), breaker: { mode: "observe" } },
    { name: "held", upstreams: upstream(backend.url) },
    { name: "slow", upstreams: upstream(backend.url), breaker: { mode: "observe" }, limiter: { mode: "observe" },
      timeouts: { first_token: "300ms", first_token_last: "300ms" } },
  ];
  weir = await startWeir({ pools, routes: pools.map((p) => ({ path: `/${p.name}/`, pool: p.name })) });
});
after(async () => {
  await weir?.stop();
  backend?.close();
});

const short = (sdk) => sdk.name.replace(/\W/g, "");

// Keeps one stream open in a pool while `act` runs.
async function whileTaken(pool, key, act, sdk = sdks[0]) {
  const tag = `taken-${pool}-${Math.random().toString(36).slice(2)};`;
  const leaving = new AbortController();
  let open = false;
  const reading = collect(sdk.stream(`${weir.url}/${pool}`, `${tag}tokens=100000;gap=20`, { signal: leaving.signal, key }),
    () => { open = true; });
  await until(() => open, "the place is taken");
  try {
    return await act();
  } finally {
    leaving.abort();
    await reading;
    await until(() => backend.last(tag).closedAt > 0, "the place is free");
  }
}

async function refused(sdk, pool, model, options = {}) {
  const record = recorder();
  const { text, error } = await collect(sdk.stream(`${weir.url}/${pool}`, model, { fetch: record.fetch, key: "victim", ...options }));
  assert.equal(text, "");
  assert.notEqual(error, null, `${pool} refuses`);
  return { failure: sdk.failure(error), attempts: record.attempts };
}

// What the SDK reports is what weir said in the answer that came last.
function checkFailure({ failure, attempts }, { status, code, type, name }) {
  const last = attempts.at(-1);
  assert.equal(last.status, status);
  assert.equal(failure.status, status);
  assert.equal(failure.code, code);
  assert.equal(failure.type, type);
  assert.equal(failure.id, last.headers.get("x-request-id"));
  assert.equal(last.headers.get("request-id"), failure.id);
  assert.equal(JSON.parse(last.body).request_id, failure.id);
  assert.match(last.headers.get("proxy-status"), new RegExp(`^weir; error=[a-z_]+; details="${code}"$`));
  assert.match(failure.name, name);
}

function checkAppointment({ headers }) {
  const seconds = Number(headers.get("retry-after"));
  const ms = Number(headers.get("retry-after-ms"));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 59, `Retry-After: ${seconds}`);
  assert.equal(Math.ceil(ms / 1000), seconds);
}

// The class an SDK has for a status.
const names = {
  "openai, chat": { 429: /^RateLimitError$/, 502: /^InternalServerError$/, 503: /^InternalServerError$/, 504: /^InternalServerError$/ },
  "@anthropic-ai/sdk": { 429: /^RateLimitError$/, 502: /^InternalServerError$/, 503: /^ServiceUnavailableError$/,
    504: /^GatewayTimeoutError$/, 529: /^OverloadedError$/ },
};
names["openai, responses"] = names["openai, chat"];
const nameOf = (sdk, status) => names[sdk.name]?.[status] ?? /APICallError|Error/;

for (const sdk of sdks) {
  const overload = sdk.dialect === "anthropic" ? 529 : 503;
  const expect = (status, code, type) => ({ status, code, type, name: nameOf(sdk, status) });

  describe(sdk.name, () => {
    test("overloaded", async () => {
      const seen = await whileTaken("busy", "other", () => refused(sdk, "busy", "m"));
      checkFailure(seen, expect(overload, "overloaded", "overloaded_error"));
      checkAppointment(seen.attempts[0]);
    });

    test("waited in the queue in vain", async () => {
      const seen = await whileTaken("waits", "other", () => refused(sdk, "waits", "m"));
      checkFailure(seen, expect(overload, "queue_timeout", "overloaded_error"));
    });

    test("overloaded, where operators prefer 429", async () => {
      const seen = await whileTaken("busy429", "other", () => refused(sdk, "busy429", "m"));
      checkFailure(seen, expect(sdk.dialect === "anthropic" ? 529 : 429, "overloaded", "overloaded_error"));
    });

    test("over the user's own limit", async () => {
      const seen = await whileTaken("fair", "victim", () => refused(sdk, "fair", "m"), sdk);
      checkFailure(seen, expect(429, "rate_limited", "rate_limit_error"));
      checkAppointment(seen.attempts[0]);
    });

    test("nobody behind, then the breaker is open", async () => {
      const first = await refused(sdk, "gone", "m");
      checkFailure(first, expect(502, "connect_failed", "api_error"));
      checkAppointment(first.attempts[0]);
      await refused(sdk, "broken", "m");
      const seen = await refused(sdk, "broken", "m");
      checkFailure(seen, expect(503, "circuit_open", "overloaded_error"));
      checkAppointment(seen.attempts[0]);
    });

    test("no first token in time", async () => {
      const seen = await refused(sdk, "slow", `slow-${short(sdk)};first=never`);
      checkFailure(seen, expect(504, "gateway_timeout", "api_error"));
      await until(() => backend.last(`slow-${short(sdk)}`).closedAt > 0, "the backend is released");
    });

    test("a backend's own refusal is passed on as it is", async () => {
      const { failure, attempts } = await refused(sdk, "slow", "m;answer=503");
      assert.equal(failure.status, 503);
      assert.equal(attempts[0].headers.get("proxy-status"), null);
      assert.deepEqual(JSON.parse(attempts[0].body).error, { type: "backend_error", message: "said the backend", code: "backend" });
    });

    test("comes back at its appointment and is served", { skip: sdk.hint === "none" && "waits by its own rule" }, async () => {
      const record = recorder();
      const model = "m;tokens=3";
      let answer;
      await whileTaken("busy", "other", async () => {
        answer = collect(sdk.stream(`${weir.url}/busy`, model, { fetch: record.fetch, key: "victim", retries: 1 }));
        await until(() => record.attempts[0]?.headers, "the first attempt is refused");
      });
      const { text, error } = await answer;
      assert.equal(error, null);
      assert.equal(text, wholeText(parseModel(model)));
      assert.equal(record.attempts.length, 2);
      const told = Number(record.attempts[0].headers.get("retry-after-ms"));
      const waited = record.attempts[1].sentAt - record.attempts[0].headAt;
      assert.ok(waited > told - 20 && waited < told + 1000, `waited ${waited} ms, told ${told}`);
    });
  });
}

for (const sdk of sdks.filter((s) => s.retryHeader)) {
  test(`${sdk.name} does not retry what an operator has closed`, async () => {
    await weir.ctl("breaker shut/a open");
    const { failure, attempts } = await refused(sdk, "shut", "m", { retries: 6 });
    assert.equal(attempts.length, 1);
    assert.equal(attempts[0].headers.get("x-should-retry"), "false");
    assert.equal(failure.code, "circuit_open");
    const seconds = Number(attempts[0].headers.get("retry-after"));
    assert.ok(seconds >= 30 && seconds <= 59, `Retry-After: ${seconds}`);
  });
}

test("the second retry is told to be the last while the breaker is open", async () => {
  const ask = (count) => fetch(`${weir.url}/broken/v1/chat/completions`, { method: "POST", body: "{}",
    headers: { "content-type": "application/json", "x-stainless-retry-count": String(count) } });
  await refused(sdks[0], "broken", "m");
  assert.equal((await ask(0)).headers.get("x-should-retry"), null);
  assert.equal((await ask(2)).headers.get("x-should-retry"), "false");
});

for (const sdk of sdks.filter((s) => s.hint !== "none")) {
  test(`${sdk.name} retries an error that came as the first event of a 200, through weir at least`, async () => {
    const model = (tag) => `${tag}-${short(sdk)};fault=error;at=0;type=overloaded_error;code=overloaded`;
    await collect(sdk.stream(backend.url, model("direct"), { retries: 1 }));
    if (!sdk.looksFirst) assert.equal(backend.count(`direct-${short(sdk)}`), 1);
    const { failure, attempts } = await refused(sdk, "slow", model("restated"), { retries: 1 });
    assert.equal(attempts[0].status, sdk.dialect === "anthropic" ? 529 : 503);
    assert.match(attempts[0].headers.get("proxy-status"), /received-status=200/);
    assert.equal(attempts.length, 2);
    assert.equal(failure.status, attempts[1].status);
  });
}

test("a held backend is left alone, and callers are told for how long", async () => {
  const sdk = sdks[0];
  for (const model of ["one", "another"]) await refused(sdk, "held", `${model};answer=503;retry=3`); // so all
  const before = backend.seen.length;
  const { failure, attempts } = await refused(sdk, "held", "m");
  assert.equal(failure.code, "held");
  assert.equal(backend.seen.length, before);
  assert.ok(Number(attempts[0].headers.get("retry-after")) >= 2);
});

test("an incident text stands beside the message, for every SDK that shows the body", async () => {
  await weir.ctl("incident broken set Billing is moving; usage quota unchanged.");
  await refused(sdks[0], "broken", "m");
  const { failure, attempts } = await refused(sdks[0], "broken", "m");
  const { error } = JSON.parse(attempts[0].body);
  assert.equal(error.incident, "Billing is moving; usage quota unchanged.");
  assert.doesNotMatch(error.message, /billing|quota/i);
  assert.doesNotMatch(failure.message, /billing|quota/i);
  await weir.ctl("incident broken clear");
});

test("LangChain goes on trying whatever the operators write", { timeout: 60000 }, async () => {
  const sdk = sdks.at(-1);
  await weir.ctl("incident busy set Billing is moving; usage quota unchanged; credit balance fine.");
  const record = recorder();
  let answer;
  await whileTaken("busy", "other", async () => {
    answer = collect(sdk.stream(`${weir.url}/busy`, "m;tokens=3", { fetch: record.fetch, key: "victim", retries: 4 }));
    await until(() => record.attempts[0]?.body, "the first attempt is refused");
    assert.match(record.attempts[0].body, /Billing/);
  });
  const { error } = await answer;
  assert.equal(error, null);
  assert.ok(record.attempts.length >= 2);
  await weir.ctl("incident busy clear");
});
