// SPDX-License-Identifier: Apache-2.0
// An authority of our own and a certificate for 127.0.0.1, made by openssl when the tests start.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { missing } from "./missing.js";

function openssl(dir, args) {
  try {
    execFileSync("openssl", args, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  } catch (e) {
    if (e.code === "ENOENT") throw missing("openssl (Debian's package openssl)");
    throw missing(`an openssl that makes certificates: ${String(e.stderr).trim().split("\n").at(-1)}`);
  }
}
const newKey = (name) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name];

export function makeCertificates(dir) {
  fs.writeFileSync(path.join(dir, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  openssl(dir, ["req", "-x509", ...newKey("ca.key"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=weir client tests"]);
  openssl(dir, ["req", "-new", ...newKey("tls.key"), "-out", "tls.csr", "-subj", "/CN=localhost"]);
  openssl(dir, ["x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tls.pem", "-days", "2", "-extfile", "names"]);
  return files(dir);
}

export const files = (dir) => ({
  ca: path.join(dir, "ca.pem"),
  certificate: path.join(dir, "tls.pem"),
  key: path.join(dir, "tls.key"),
});
