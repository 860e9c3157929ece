// SPDX-License-Identifier: Apache-2.0
// Makes the certificates and runs the tests with node's own runner.  Node reads NODE_EXTRA_CA_CERTS
// only when it starts, hence this step.  Arguments go to the runner: `node run.js chat.test.js`.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "./lib/certificates.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "weir-certs-"));
const chosen = process.argv.slice(2);
const tests = fs.readdirSync(here).filter((f) => f.endsWith(".test.js")).sort();

try {
  const { ca } = makeCertificates(dir);
  const run = spawnSync(process.execPath, ["--test", "--test-concurrency=1", ...(chosen.length > 0 ? chosen : tests)].filter(
    (a) => a !== "--test-concurrency=1" || Number(process.versions.node.split(".")[0]) >= 20), {
    cwd: here, stdio: "inherit", env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, WEIR_TEST_CERTS: dir } });
  process.exitCode = run.status ?? 1;
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
