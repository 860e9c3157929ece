// SPDX-License-Identifier: Apache-2.0
// The Realtime API through weir: OpenAI's client, Node's WebSocket and a page in a browser see why a
// connection ends, in the words their libraries act on.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { launch, openTab } from "./lib/browser.js";
import { files } from "./lib/certificates.js";
import { startRealtime } from "./lib/realtime.js";
import { until } from "./lib/until.js";
import { startWeir } from "./lib/weir.js";

let backend, weir;

beforeEach(async () => {
  const { certificate, key } = files(process.env.WEIR_TEST_CERTS);
  backend = await startRealtime();
  weir = await startWeir({
    drain_timeout: "1s",
    pools: [{ name: "chat", upstreams: [{ name: "a", url: backend.url, max_streams: 2 }], queue: { max_wait: "0s" } }],
    routes: [{ path: "/v1/realtime", pool: "chat", websocket: true }, { path: "/", pool: "chat" }],
  }, { tls: { certificate, key } });
});
afterEach(async () => {
  backend.close();
  await weir.stop();
});

// OpenAI's own client: its events, and how it ended.
function openaiSession(options = {}) {
  const client = new OpenAI({ apiKey: "sk-test", baseURL: `${weir.tlsUrl}/v1` });
  const rt = new OpenAIRealtimeWebSocket({ model: "gpt-realtime", dangerouslyAllowBrowser: true, ...options }, client);
  const session = { rt, types: [], text: "", close: undefined };
  rt.on("event", (e) => {
    session.types.push(e.type);
    session.text += e.delta ?? "";
  });
  rt.on("error", () => {});
  rt.socket.addEventListener("close", (e) => { session.close = { code: e.code, reason: e.reason, clean: e.wasClean }; });
  return session;
}

// Any WebSocket of the browser's kind.
function plain(url = `${weir.url.replace("http", "ws")}/v1/realtime`) {
  const socket = new WebSocket(url, ["realtime"]);
  const session = { socket, messages: [], opened: false, failed: false, close: undefined };
  socket.onopen = () => { session.opened = true; };
  socket.onmessage = (e) => session.messages.push(JSON.parse(e.data));
  socket.onerror = () => { session.failed = true; };
  socket.onclose = (e) => { session.close = { code: e.code, reason: e.reason, clean: e.wasClean }; };
  return session;
}

const opened = (s) => until(() => s.messages.length > 0, "the session begins");
const closed = (s) => until(() => s.close, "the connection ends");

test("OpenAI's client has its conversation, and says goodbye", async () => {
  const s = openaiSession();
  await until(() => s.types.includes("session.created"), "the session begins");
  s.rt.send({ type: "response.create" });
  await until(() => s.types.includes("response.done"), "the answer is whole");
  assert.equal(s.text, "one two three");
  assert.equal(backend.sessions[0].url, "/v1/realtime?model=gpt-realtime");
  s.rt.close();
  await closed(s);
  assert.equal(s.close.code, 1000);
  await until(() => backend.sessions[0].closed === 1000 && backend.sessions[0].ended, "the backend hears it");
});

test("OpenAI's client is told of a restart, and may come again by itself", async () => {
  const s = openaiSession();
  await until(() => s.types.includes("session.created"), "the session begins");
  process.kill(weir.pid, "SIGTERM");
  await closed(s);
  assert.deepEqual([s.close.code, s.close.clean], [1012, true]);
  assert.match(s.close.reason, /^draining: /);
  await until(() => backend.sessions[0].closed === 1001, "the backend is told");
});

test("a backend that dies is 1013, with the cause", async () => {
  const s = plain();
  await opened(s);
  backend.sessions[0].socket.resetAndDestroy();
  await closed(s);
  assert.deepEqual([s.close.code, s.close.clean], [1013, true]);
  assert.match(s.close.reason, /^upstream_reset: /);
});

test("a backend that dies within a frame is a connection that broke", async () => {
  const s = plain();
  await opened(s);
  backend.sessions[0].half({ type: "response.output_text.delta", delta: "never whole" });
  backend.sessions[0].socket.resetAndDestroy();
  await closed(s);
  assert.equal(s.close.code, 1006);
  assert.equal(s.messages.length, 1);
});

test("where there is no room the upgrade is refused, and those who are in stay", async () => {
  const all = [];
  for (let i = 0; i < 2; i++) { // one after the other: weir knows nothing of the backend yet
    all.push(plain());
    await opened(all[i]);
  }
  const late = plain();
  await closed(late);
  assert.ok(late.failed && !late.opened);
  assert.equal(backend.sessions.length, 2);
  const refused = await until(() => weir.access().find((e) => e.status === 503), "the refusal is logged");
  assert.equal(refused.cause, "overloaded");
  all[0].socket.close(1000);
  await closed(all[0]);
  await until(() => backend.sessions[0].ended, "its place is free");
  const again = plain();
  await opened(again);
  for (const s of [all[1], again]) s.socket.close();
});

test("a page in a browser is told the same", async () => {
  const browser = await launch();
  try {
    const { page } = await openTab(browser);
    await page.goto(weir.url); // of the same origin; what it shows does not matter
    await page.evaluate((url) => {
      window.seen = { messages: 0 };
      const socket = new WebSocket(url);
      socket.onmessage = () => { window.seen.messages++; };
      socket.onclose = (e) => { window.seen.close = [e.code, e.reason.split(":")[0], e.wasClean]; };
    }, `${weir.url.replace("http", "ws")}/v1/realtime`);
    await page.waitForFunction(() => window.seen.messages > 0);
    process.kill(weir.pid, "SIGTERM");
    await page.waitForFunction(() => window.seen.close);
    assert.deepEqual(await page.evaluate(() => window.seen.close), [1012, "draining", true]);
  } finally {
    await browser.close();
  }
});
