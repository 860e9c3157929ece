# SPDX-License-Identifier: Apache-2.0
"""Certificates for the TLS tests, made with the openssl command when a run begins."""

import os
import ssl
import subprocess

from .need import missing, need


def _openssl(*args):
    done = subprocess.run([need("openssl"), *args], capture_output=True, text=True)
    if done.returncode:
        missing(f"an openssl that makes certificates: {(done.stderr.strip() or '?').splitlines()[-1]}")


class Authority:
    """A certificate authority of its own, in a folder."""

    def __init__(self, folder, name="weir test authority"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.key, self.pem = self._path("ca.key"), self._path("ca.pem")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-keyout", self.key, "-out", self.pem, "-days", "30",
                 "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, *names, days="30"):
        """(certificate, key) files for DNS names and IP addresses."""
        key, csr, pem = (self._path(f"{name}.{e}") for e in ("key", "csr", "pem"))
        alt = ",".join(("IP:" if n[0].isdigit() or ":" in n else "DNS:") + n for n in names)
        ext = self._path(f"{name}.ext")
        with open(ext, "w") as f:
            f.write(f"subjectAltName={alt}\nbasicConstraints=CA:FALSE\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", key, "-out", csr, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", csr, "-CA", self.pem, "-CAkey", self.key,
                 "-CAcreateserial", "-out", pem, "-days", days, "-extfile", ext)
        return pem, key

    def server(self, pem, key, client_ca=None, alpn=None):
        """A context for a scripted backend."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def client(self, pem=None, key=None, alpn=None, check=True):
        """A context for a scripted client that trusts this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.pem)
        if not check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if pem:
            context.load_cert_chain(pem, key)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context
