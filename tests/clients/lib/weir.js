// SPDX-License-Identifier: Apache-2.0
// Runs the real weir: writes its file, starts it on free ports, waits until it answers, ends it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const build = process.env.WEIR_BUILD ?? path.resolve(here, "../../../build");
export const program = (name) => path.join(build, name);

export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// A value in libconfig's words: {} is a group, [] a list.
export function conf(value, depth = 0) {
  const pad = "  ".repeat(depth + 1);
  if (Array.isArray(value)) return `( ${value.map((v) => conf(v, depth + 1)).join(", ")} )`;
  if (value !== null && typeof value === "object") {
    const lines = Object.entries(value).map(([k, v]) => `${pad}${k} = ${conf(v, depth + 1)};`);
    return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

const settings = (top) => Object.entries(top).map(([k, v]) => `${k} = ${conf(v)};`).join("\n") + "\n";

async function answers(port) {
  const socket = net.connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

// `top` as in the settings file, without listeners, admin and log.  tls: {certificate, key} adds a
// second listener.  Gives {url, tlsUrl, log(), access(), ctl(), stop()}.
export async function startWeir(top, { tls } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "weir-clients-"));
  const port = await freePort();
  const tlsPort = tls ? await freePort() : 0;
  const listeners = [{ address: `127.0.0.1:${port}` }];
  if (tls) listeners.push({ address: `127.0.0.1:${tlsPort}`, tls });
  const file = path.join(dir, "weir.cfg");
  const access = path.join(dir, "access.log");
  fs.writeFileSync(file, settings({ workers: 2, listeners, ...top,
    admin: { socket: path.join(dir, "admin.sock"), http: "" }, log: { access } }));
  const child = spawn(program("weir"), ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (d) => { log += d; });
  const gone = once(child, "exit");
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`weir did not start:\n${log}`);
    return answers(port);
  }, "weir listens");
  return {
    url: `http://127.0.0.1:${port}`,
    tlsUrl: `https://127.0.0.1:${tlsPort}`,
    port,
    pid: child.pid,
    log: () => log,
    access: () => fs.existsSync(access) ? fs.readFileSync(access, "utf8").trim().split("\n").filter(Boolean).map((l) => JSON.parse(l)) : [],
    ctl: (line) => admin(path.join(dir, "admin.sock"), line),
    async stop() {
      child.kill("SIGTERM"); // drain
      child.kill("SIGTERM"); // at once
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await gone;
      clearTimeout(timer);
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

// One command on the admin socket; resolves to its answer.
async function admin(socketPath, line) {
  const socket = net.connect(socketPath);
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (d) => { text += d; });
  socket.write(`${line}\n`);
  await until(() => text.endsWith("\n\n") || text === "\n", `an answer to ${line}`);
  socket.destroy();
  if (text.startsWith("error: ")) throw new Error(`${line}: ${text}`);
  return text.trim();
}
