# SPDX-License-Identifier: Apache-2.0
"""A strict reader of HTTP/1.1 heads, apart from weir's own: what it does not like is Malformed."""

import re

TOKEN = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Malformed(AssertionError):
    """Bytes that are not HTTP as RFC 9112 has it."""


class Head:
    """The fields of a head in their order; names as they came, looked up without case."""

    def __init__(self, first, fields, raw):
        self.first = first
        self.fields = fields
        self.raw = raw

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        """The value of a field that may come once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))

    def names(self):
        return [n.lower() for n, _ in self.fields]

    def tokens(self, name):
        """The members of a comma-separated list, lower case, over all its fields."""
        joined = ",".join(self.all(name))
        return [t.strip().lower() for t in joined.split(",") if t.strip()]

    def __repr__(self):
        return f"<{self.first} {self.fields}>"


class RequestHead(Head):
    def __init__(self, first, fields, raw):
        super().__init__(first, fields, raw)
        parts = first.split(" ")
        if len(parts) != 3 or not all(parts):
            raise Malformed(f"request line {first!r}")
        self.method, self.target, self.version = parts
        if not TOKEN.match(self.method.encode("latin-1")):
            raise Malformed(f"method {self.method!r}")
        if self.version not in ("HTTP/1.1", "HTTP/1.0"):
            raise Malformed(f"version {self.version!r}")

    def framing(self):
        """("none"|"counted"|"chunked", length)"""
        return _framing(self, ("none", 0))


class ResponseHead(Head):
    def __init__(self, first, fields, raw):
        super().__init__(first, fields, raw)
        m = re.match(r"^(HTTP/1\.[01]) ([1-9][0-9][0-9]) (.*)$", first)
        if not m:
            raise Malformed(f"status line {first!r}")
        self.version, self.status, self.reason = m.group(1), int(m.group(2)), m.group(3)

    def framing(self, method):
        """("none"|"counted"|"chunked"|"close", length)"""
        if method == "HEAD" or self.status < 200 or self.status in (204, 304):
            if self.status == 204 or self.status < 200:
                if self.has("content-length") or self.has("transfer-encoding"):
                    raise Malformed(f"framing fields on a {self.status}")
            return ("none", 0)
        return _framing(self, ("close", 0))


def _framing(head, otherwise):
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if lengths and codings:
        raise Malformed("Content-Length with Transfer-Encoding")
    if codings:
        if [c.lower() for c in codings] != ["chunked"]:
            raise Malformed(f"Transfer-Encoding {codings}")
        if head.version == "HTTP/1.0":
            raise Malformed("Transfer-Encoding in HTTP/1.0")
        return ("chunked", 0)
    if lengths:
        if len(lengths) != 1 or not re.match(r"^[0-9]+$", lengths[0]):
            raise Malformed(f"Content-Length {lengths}")
        return ("counted", int(lengths[0]))
    return otherwise


def split_head(raw):
    """First line and fields of a whole head, its empty line included."""
    if not raw.endswith(b"\r\n\r\n"):
        raise Malformed("no empty line at the end")
    lines = raw[:-4].split(b"\r\n")
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise Malformed(f"field line {line!r}")
        value = value.strip(b" \t")
        if BAD_IN_VALUE.search(value):
            raise Malformed(f"field value {value!r}")
        fields.append((name.decode("latin-1"), value.decode("latin-1")))
    if b"\r" in lines[0] or b"\n" in lines[0]:
        raise Malformed(f"first line {lines[0]!r}")
    return lines[0].decode("latin-1"), fields


def request_head(raw):
    return RequestHead(*split_head(raw), raw)


def response_head(raw):
    return ResponseHead(*split_head(raw), raw)


def fields_text(fields):
    """Field lines of an iterable of pairs or of a dict."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    return "".join(f"{n}: {v}\r\n" for n, v in pairs)


def request(method="GET", target="/", fields=(), body=b"", host="weir.test", version="HTTP/1.1",
            chunks=None):
    """The bytes of a request.  chunks: a list of byte strings to be sent chunked instead."""
    text = f"{method} {target} {version}\r\n"
    if host is not None:
        text += f"Host: {host}\r\n"
    text += fields_text(fields)
    if chunks is not None:
        return (text + "Transfer-Encoding: chunked\r\n\r\n").encode("latin-1") + chunked(chunks)
    if body:
        text += f"Content-Length: {len(body)}\r\n"
    return (text + "\r\n").encode("latin-1") + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def chunked(chunks):
    return b"".join(chunk(c) for c in chunks if c) + LAST_CHUNK


def response(status=200, body=b"", fields=(), reason="Fine", length=True, version="HTTP/1.1"):
    text = f"{version} {status} {reason}\r\n" + fields_text(fields)
    if length:
        text += f"Content-Length: {len(body)}\r\n"
    return (text + "\r\n").encode("latin-1") + body
