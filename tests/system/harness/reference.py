# SPDX-License-Identifier: Apache-2.0
"""What a byte string says in HTTP/1.1, by a reader that knows neither weir nor a socket.

It takes what RFC 9110 and 9112 allow and nothing else: all that two readers might take differently is
malformed.  `second_requests` and `second_answer` ask h11, written by others, for a second opinion.
"""

import re

import h11

from .http1 import Malformed, request_head, response_head

# Extensions are ignored (RFC 9112 7.1.1): what is in them only has to leave no doubt where the line ends.
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})([ \t]*;[\t -~\x80-\xff]*)?")
HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(:[0-9]*)?$")
TARGET = re.compile(r"^(/[!$-;=?-Z_a-z~\[\]@&'%\"<>\\^`{|}\x80-\xff]*|\*)$")


HIGH = bytes(min(b, 0x7e) if b >= 0x80 else b for b in range(256))


class Short(Exception):
    """The bytes end in the middle of a message."""


class Message:
    def __init__(self, head, body):
        self.head = head
        self.body = body


def _line(raw, at):
    end = raw.find(b"\r\n", at)
    if end < 0:
        if b"\n" in raw[at:]:
            raise Malformed("a bare LF")
        raise Short()
    if b"\r" in raw[at:end] or b"\n" in raw[at:end]:
        raise Malformed("a bare CR or LF")
    return raw[at:end], end + 2


def _head(raw, at, read):
    end = raw.find(b"\r\n\r\n", at)
    if end < 0:
        raise Short()
    return read(raw[at:end + 4]), end + 4


# What may be mended by whoever takes a message, because it is read in one way only, and is never sent on.

def _one_length(head):
    """The same length several times (RFC 9110 8.6)."""
    lengths = head.all("content-length")
    if len(lengths) > 1 and all(re.fullmatch("[0-9]+", v) for v in lengths) and len(set(map(int, lengths))) == 1:
        head.fields = [f for f in head.fields if f[0].lower() != "content-length"] + [("Content-Length", lengths[0])]


def _mended_request(raw):
    head = request_head(raw)
    _one_length(head)
    return head


def _mended_response(raw):
    """No blank before a missing reason; framing fields where there is never a body."""
    head = response_head(re.sub(rb"^(HTTP/1\.[01] [0-9]{3})\r\n", rb"\1 \r\n", raw))
    _one_length(head)
    if head.status == 204:
        head.fields = [f for f in head.fields if f[0].lower() not in ("content-length", "transfer-encoding")]
    return head


def _counted(raw, at, length):
    if len(raw) - at < length:
        raise Short()
    return raw[at:at + length], at + length


def _chunked(raw, at):
    body = b""
    while True:
        line, at = _line(raw, at)
        m = SIZE_LINE.fullmatch(line)
        if not m:
            raise Malformed(f"chunk size {line!r}")
        size = int(m.group(1), 16)
        if size == 0:
            break
        data, at = _counted(raw, at, size)
        end, at = _counted(raw, at, 2)
        if end != b"\r\n":
            raise Malformed(f"after a chunk {end!r}")
        body += data
    while True:
        line, at = _line(raw, at)
        if not line:
            return body, at
        if not re.fullmatch(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*", line):
            raise Malformed(f"trailer {line!r}")


def _body(raw, at, framing):
    kind, length = framing
    if kind == "none":
        return b"", at
    if kind == "counted":
        return _counted(raw, at, length)
    if kind == "chunked":
        return _chunked(raw, at)
    return raw[at:], len(raw)


def _check_request(head):
    hosts = head.all("host")
    if len(hosts) > 1 or not hosts and head.version == "HTTP/1.1":
        raise Malformed(f"Host {hosts}")
    if hosts and not HOST.match(hosts[0]):
        raise Malformed(f"Host {hosts}")
    absolute = re.match(r"^https?://([^/?]*)(.*)$", head.target, re.I)
    if absolute:
        if not HOST.match(absolute.group(1)):
            raise Malformed(f"authority {head.target!r}")
        head.authority, head.path = absolute.group(1), absolute.group(2) or "/"
        if not head.path.startswith("/"):
            head.path = "/" + head.path
    else:
        head.authority, head.path = (hosts or [""])[0], head.target
    if not TARGET.match(head.path):
        raise Malformed(f"target {head.target!r}")


def requests(raw, mended=False):
    """All whole requests of raw, and how it goes on: "end", "short" or "malformed"."""
    read = _mended_request if mended else request_head
    found, at = [], 0
    try:
        while True:
            while raw[at:at + 2] == b"\r\n":  # RFC 9112 2.2: empty lines before a request
                at += 2
            if at == len(raw):
                return found, "end"
            head, at = _head(raw, at, read)
            _check_request(head)
            body, at = _body(raw, at, head.framing())
            found.append(Message(head, body))
    except Short:
        return found, "short"
    except Malformed:
        return found, "malformed"


def answer(raw, method="GET", ended=True, mended=False):
    """The first final answer in raw and what follows it, or Short or Malformed.  ended: raw is all
    that will ever come, so an answer that goes on to the end of the connection is whole."""
    read = _mended_response if mended else response_head
    at = 0
    while True:
        head, at = _head(raw, at, read)
        if head.status >= 200 or head.status == 101:
            break
    framing = head.framing(method)
    if framing[0] == "close" and not ended:
        raise Short()
    body, at = _body(raw, at, framing)
    return Message(head, body), raw[at:]


def second_requests(raw):
    """By h11: (method, target, body) of all whole requests; h11.RemoteProtocolError if it objects."""
    c = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    # a target of bytes above 127 is sent on as it came; h11 objects to nothing but that
    c.receive_data(re.sub(rb"^[!-~]+ (\S*[\x80-\xff]\S*) ", lambda m: m[0].translate(HIGH), raw, flags=re.M))
    found, body, head = [], b"", None
    while True:
        event = c.next_event()
        if isinstance(event, h11.Request):
            head, body = event, b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            found.append((head.method.decode(), head.target.decode("latin-1"), body))
            c.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            c.send(h11.EndOfMessage())
            if c.our_state is not h11.DONE:
                return found
            c.start_next_cycle()
        else:
            return found


def second_answer(raw, method="GET"):
    """By h11: (status, body, whole) of the first final answer; h11.RemoteProtocolError if it objects."""
    c = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    c.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
    c.send(h11.EndOfMessage())
    c.receive_data(raw)
    status, body = None, b""
    while True:
        event = c.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, body, True
        elif not isinstance(event, h11.InformationalResponse):
            return status, body, False
