// SPDX-License-Identifier: Apache-2.0
// The SDKs behind one small interface, each used as its manual says and no more carefully than most
// people would: what ends without an error counts as a whole answer.
//   stream(base, model, {retries, signal, timeout, fetch}) gives every text it yields and throws what it throws;
//   looksFirst: takes an error in the first event for a failed request by itself;
//   dropsCode: of an error inside a stream it keeps type and message, not the code;
//   failure(error) is what a caller can read off the error: {name, status, code, type, id, message}.
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { createAnthropic } from "@ai-sdk/anthropic";
import { streamText } from "ai";
import { ChatOpenAI } from "@langchain/openai";

globalThis.AI_SDK_LOG_WARNINGS = false;

const PROMPT = "Say something.";
const chatMessages = [{ role: "user", content: PROMPT }];

function openai(base, o) {
  return new OpenAI({ apiKey: o.key ?? "k", baseURL: `${base}/v1`, maxRetries: o.retries ?? 0, timeout: o.timeout, fetch: o.fetch });
}

const openaiFailure = (e) => ({ name: e.constructor.name, status: e.status, code: e.code, type: e.type,
  id: e.requestID ?? e.headers?.get?.("x-request-id"), message: e.message });

// Vercel's errors keep the body as text; streams report them as parts.
function vercelFailure(e) {
  const last = e.lastError ?? e;
  const body = last.responseBody ? JSON.parse(last.responseBody) : last.data ?? last;
  return { name: last.constructor.name, status: last.statusCode, code: body?.error?.code ?? body?.code,
    type: body?.error?.type ?? body?.type, id: last.responseHeaders?.["x-request-id"] ?? body?.request_id, message: last.message ?? body?.error?.message };
}

async function* vercelStream(model, o) {
  const result = streamText({ model, prompt: PROMPT, maxRetries: o.retries ?? 0, abortSignal: o.signal, onError() {} });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") yield part.text;
    if (part.type === "error") throw part.error;
    if (part.type === "abort") throw new DOMException("aborted", "AbortError");
  }
}

export const sdks = [
  {
    name: "openai, chat", hasTimeout: true, dialect: "openai", retryHeader: true, hint: "ms",
    async *stream(base, model, o = {}) {
      const s = await openai(base, o).chat.completions.create({ model, messages: chatMessages, stream: true }, { signal: o.signal });
      for await (const chunk of s) if (chunk.choices[0]?.delta?.content) yield chunk.choices[0].delta.content;
    },
    failure: openaiFailure,
  },
  {
    name: "openai, responses", hasTimeout: true, dialect: "openai", retryHeader: true, hint: "ms",
    async *stream(base, model, o = {}) {
      const s = await openai(base, o).responses.create({ model, input: PROMPT, stream: true }, { signal: o.signal });
      for await (const e of s) {
        if (e.type === "response.output_text.delta") yield e.delta;
        if (e.type === "error") throw Object.assign(new Error(e.message), { code: e.code });
      }
    },
    failure: openaiFailure,
  },
  {
    name: "@anthropic-ai/sdk", hasTimeout: true, dialect: "anthropic", retryHeader: true, hint: "ms",
    async *stream(base, model, o = {}) {
      const client = new Anthropic({ apiKey: o.key ?? "k", baseURL: base, maxRetries: o.retries ?? 0, timeout: o.timeout, fetch: o.fetch });
      const s = await client.messages.create({ model, max_tokens: 100, messages: chatMessages, stream: true }, { signal: o.signal });
      for await (const e of s) if (e.type === "content_block_delta") yield e.delta.text;
    },
    failure: (e) => ({ name: e.constructor.name, status: e.status, code: e.error?.error?.code ?? e.code, type: e.error?.error?.type ?? e.type,
      id: e.requestID, message: e.message }),
  },
  {
    name: "ai with @ai-sdk/openai", dialect: "openai", looksFirst: true, retryHeader: false, hint: "ms",
    stream: (base, model, o = {}) => vercelStream(createOpenAI({ apiKey: o.key ?? "k", baseURL: `${base}/v1`, fetch: o.fetch }).chat(model), o),
    failure: vercelFailure,
  },
  {
    name: "ai with @ai-sdk/anthropic", dropsCode: true, dialect: "anthropic", looksFirst: true, retryHeader: false, hint: "ms",
    stream: (base, model, o = {}) => vercelStream(createAnthropic({ apiKey: o.key ?? "k", baseURL: `${base}/v1`, fetch: o.fetch })(model), o),
    failure: vercelFailure,
  },
  {
    name: "@langchain/openai", hasTimeout: true, dialect: "openai", retryHeader: false, hint: "none",
    async *stream(base, model, o = {}) {
      const llm = new ChatOpenAI({ model, apiKey: o.key ?? "k", maxRetries: o.retries ?? 0, timeout: o.timeout,
        configuration: { baseURL: `${base}/v1`, fetch: o.fetch } });
      for await (const chunk of await llm.stream(PROMPT, { signal: o.signal })) if (chunk.content) yield chunk.content;
    },
    failure: openaiFailure,
  },
];

// Reads a stream to its end: {text, error}.
export async function collect(iterator, each = () => {}) {
  let text = "";
  try {
    for await (const piece of iterator) {
      text += piece;
      await each(text);
    }
  } catch (error) {
    return { text, error };
  }
  return { text, error: null };
}
