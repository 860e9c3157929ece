// SPDX-License-Identifier: Apache-2.0
// A scripted chat backend in the dialects of OpenAI (chat, responses) and Anthropic.  What it does with
// a request is told by the model's name, "name;key=value;…": tokens, gap (ms between tokens), first
// (ms before the first), and one fault: end | reset | inside | stall | error, each after `at` tokens;
// first=never sends the
// head and no more, first=silent not even that.  `open` is what a test can look at while a request is under way.
import http from "node:http";
import { once } from "node:events";

const DEFAULTS = { tokens: 5, gap: 1, first: 0, tag: "t" };

// "chat;tokens=20;gap=5" to {tokens: 20, gap: 5, …}
export function parseModel(model) {
  const plan = { ...DEFAULTS };
  for (const part of String(model).split(";").slice(1)) {
    const [key, value] = part.split("=");
    plan[key] = value === undefined ? true : Number.isNaN(Number(value)) ? value : Number(value);
  }
  return plan;
}

export const tokenText = (plan, i) => `${plan.tag}:${i} `;
export const wholeText = (plan) =>
  Array.from({ length: plan.tokens }, (_, i) => tokenText(plan, i)).join("");

const frame = (data, event) => `${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

// Each dialect: what opens a stream, one token, what ends it, and an error inside it.
const chat = {
  open: () => [frame(chatChunk({ role: "assistant", content: "" }))],
  token: (text) => frame(chatChunk({ content: text })),
  close: () => [frame(chatChunk({}, "stop")), frame("[DONE]")],
  error: (status, type, code) => frame({ error: { message: "the engine failed", type, code } }),
  whole: (text) => ({
    id: "c1", object: "chat.completion", created: 1, model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }),
};
const chatChunk = (delta, finish = null) => ({
  id: "c1", object: "chat.completion.chunk", created: 1, model: "m",
  choices: [{ index: 0, delta, finish_reason: finish }],
});

let sequence = 0;
const responsesEvent = (type, rest) => frame({ type, sequence_number: sequence++, ...rest }, type);
const responsesObject = (status) => ({
  id: "r1", object: "response", created_at: 1, status, model: "m", output: [], parallel_tool_calls: false,
  tool_choice: "auto", tools: [], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2,
    input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
});
const responses = {
  open: () => [
    responsesEvent("response.created", { response: responsesObject("in_progress") }),
    responsesEvent("response.output_item.added", { output_index: 0,
      item: { id: "i1", type: "message", role: "assistant", status: "in_progress", content: [] } }),
  ],
  token: (text) => responsesEvent("response.output_text.delta",
    { item_id: "i1", output_index: 0, content_index: 0, delta: text }),
  close: () => [
    responsesEvent("response.output_item.done", { output_index: 0, item: { id: "i1", type: "message",
      role: "assistant", status: "completed", content: [{ type: "output_text", text: "", annotations: [] }] } }),
    responsesEvent("response.completed", { response: responsesObject("completed") }),
  ],
  error: (status, type, code) =>
    responsesEvent("error", { code, message: "the engine failed", param: null }),
  whole: () => ({ ...responsesObject("completed") }),
};

const messages = {
  open: () => [
    frame({ type: "message_start", message: { id: "m1", type: "message", role: "assistant", model: "m",
      content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } },
      "message_start"),
    frame({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      "content_block_start"),
  ],
  token: (text) => frame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    "content_block_delta"),
  close: () => [
    frame({ type: "content_block_stop", index: 0 }, "content_block_stop"),
    frame({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 5 } }, "message_delta"),
    frame({ type: "message_stop" }, "message_stop"),
  ],
  error: (status, type) => frame({ type: "error", error: { type, message: "the engine failed" } }, "error"),
  whole: (text) => ({ id: "m1", type: "message", role: "assistant", model: "m", stop_reason: "end_turn",
    stop_sequence: null, content: [{ type: "text", text }], usage: { input_tokens: 1, output_tokens: 1 } }),
};

function dialectOf(path) {
  if (path.endsWith("/responses")) return responses;
  return path.endsWith("/messages") ? messages : chat;
}

async function readJson(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || "{}");
}

// Breaks the stream as planned; true if nothing more is to be sent.
async function fault(plan, dialect, res) {
  const half = dialect.token("half");
  switch (plan.fault) {
    case "end": res.end(); return true;
    case "reset": res.socket.resetAndDestroy(); return true;
    case "inside": await new Promise((sent) => res.write(half.slice(0, half.length - 9), sent)); res.socket.destroy(); return true;
    case "stall": await once(res, "close"); return true;
    case "error": res.write(dialect.error(plan.status ?? 500, plan.type ?? "server_error", plan.code ?? "engine")); res.end(); return true;
    default: return false;
  }
}

// Whether the client has gone within so many ms: an engine that thinks looks up when nobody waits any more.
async function goneWithin(res, ms) {
  if (ms <= 0 || res.destroyed) return res.destroyed;
  try {
    await once(res, "close", { signal: AbortSignal.timeout(ms) });
    return true;
  } catch {
    return false;
  }
}

async function stream(plan, dialect, res) {
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  if (plan.first === "never" || plan.first === "silent") {
    if (plan.first === "never") res.flushHeaders();
    await once(res, "close");
    return;
  }
  if (await goneWithin(res, plan.first)) return;
  if (plan.fault === "error" && plan.at === 0) {
    await fault(plan, dialect, res);
    return;
  }
  for (const piece of dialect.open()) res.write(piece);
  for (let i = 0; i < plan.tokens; i++) {
    if (plan.fault !== undefined && i === plan.at && (await fault(plan, dialect, res))) return;
    res.write(dialect.token(tokenText(plan, i)));
    if (await goneWithin(res, plan.gap)) return;
  }
  for (const piece of dialect.close()) res.write(piece);
  res.end();
}

// Starts one; close() ends it.  seen: every request as {path, headers, body, closedAt, aborted}.
export async function startBackend() {
  const seen = [];
  const server = http.createServer(async (req, res) => {
    const entry = { path: req.url, headers: req.headers, body: null, begunAt: performance.now(), closedAt: 0 };
    res.on("close", () => {
      entry.closedAt = performance.now();
      entry.aborted = !res.writableFinished;
      entry.onClose?.();
    });
    res.on("error", () => {});
    seen.push(entry);
    try {
      entry.body = await readJson(req);
      const plan = parseModel(entry.body.model);
      const dialect = dialectOf(new URL(req.url, "http://x").pathname);
      if (plan.answer !== undefined) {
        res.writeHead(plan.answer, { "content-type": "application/json", ...(plan.retry ? { "retry-after": plan.retry } : {}) });
        res.end(JSON.stringify({ type: "error", error: { type: "backend_error", message: "said the backend", code: "backend" } }));
      } else if (entry.body.stream) {
        await stream(plan, dialect, res);
      } else {
        res.writeHead(200, { "content-type": "application/json" });
        res.end(JSON.stringify(dialect.whole(wholeText(plan))));
      }
    } catch (e) {
      if (!res.destroyed) res.destroy(e);
    }
  });
  server.keepAliveTimeout = 30000;
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  return {
    seen,
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    // The latest request whose model holds this word.
    last: (word) => seen.filter((e) => String(e.body?.model).includes(word)).at(-1),
    count: (word) => seen.filter((e) => String(e.body?.model).includes(word)).length,
    close: () => { server.close(); server.closeAllConnections(); },
  };
}
