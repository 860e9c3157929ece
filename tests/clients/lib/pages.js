// SPDX-License-Identifier: Apache-2.0
// Serves weir's own answers as pages-show writes them, byte for byte: the address says which,
// /?a=CAUSE&a=LANGUAGE&a=MILLISECONDS&a=SHARE&a=INCIDENT.
import { execFile } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { program } from "./weir.js";

const run = promisify(execFile);

async function answer(socket, request) {
  const { searchParams } = new URL(request.split(" ")[1], "http://x");
  const { stdout } = await run(program("tests/clients/pages-show"), searchParams.getAll("a"), { encoding: "buffer" });
  socket.end(stdout);
}

export async function servePages() {
  const served = []; // when
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      served.push(performance.now());
      answer(socket, data.toString("latin1")).catch((e) => { console.error(e); socket.destroy(); });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = `http://127.0.0.1:${server.address().port}/`;
  return {
    served,
    url: (...words) => `${at}?${words.map((w) => `a=${encodeURIComponent(w)}`).join("&")}`,
    close: () => server.close(),
  };
}
