// SPDX-License-Identifier: Apache-2.0
// A backend for the Realtime API, as far as connections are concerned: it answers events in JSON with
// events, and does what a test asks for.
import { createHash } from "node:crypto";
import http from "node:http";
import { once } from "node:events";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];

function frame(kind, payload) {
  const head = payload.length < 126 ? Buffer.from([0x80 | kind, payload.length])
    : Buffer.from([0x80 | kind, 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, payload]);
}

// The first frame of a client in `bytes`: {kind, payload, size}; undefined: it is not whole.
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  let length = bytes[1] & 127, at = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  }
  const mask = bytes.subarray(at, at + 4), from = at + 4;
  if (bytes.length < from + length) return undefined;
  const payload = Buffer.from(bytes.subarray(from, from + length).map((b, i) => b ^ mask[i % 4]));
  return { kind: bytes[0] & 15, payload, size: from + length };
}

// sessions: {url, say(event), half(event), events, closed: the code, ended}
class Session {
  constructor(socket, url) {
    Object.assign(this, { socket, url, events: [], closed: undefined, ended: false });
    let waiting = Buffer.alloc(0);
    socket.on("data", (data) => {
      waiting = Buffer.concat([waiting, data]);
      for (let f = parse(waiting); f; f = parse(waiting)) {
        waiting = waiting.subarray(f.size);
        this.take(f);
      }
    });
    socket.on("close", () => { this.ended = true; });
    socket.on("error", () => {});
    this.say({ type: "session.created" });
  }

  say(event) { this.socket.write(frame(TEXT, Buffer.from(JSON.stringify(event)))); }

  half(event) { // as much of it as leaves a frame open
    const whole = frame(TEXT, Buffer.from(JSON.stringify(event)));
    this.socket.write(whole.subarray(0, whole.length - 3));
  }

  take({ kind, payload }) {
    if (kind === PING) this.socket.write(frame(PONG, payload));
    if (kind === CLOSE) {
      this.closed = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
      this.socket.end(frame(CLOSE, payload));
    }
    if (kind !== TEXT) return;
    const event = JSON.parse(payload);
    this.events.push(event);
    if (event.type !== "response.create") return;
    for (const word of ["one ", "two ", "three"]) this.say({ type: "response.output_text.delta", delta: word });
    this.say({ type: "response.done" });
  }
}

export async function startRealtime() {
  const sessions = [];
  const server = http.createServer((request, response) => response.end("no upgrade"));
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + MAGIC).digest("base64");
    const protocol = (request.headers["sec-websocket-protocol"] ?? "").split(",")[0].trim();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n${protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ""}\r\n`);
    sessions.push(new Session(socket, request.url));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    sessions,
    close() {
      for (const s of sessions) s.socket.destroy();
      server.close();
    },
  };
}
