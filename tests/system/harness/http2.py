# SPDX-License-Identifier: Apache-2.0
"""A scripted client of HTTP/2: python3-h2 keeps the state, single frames can be sent raw."""

import json

from .client import Client, dial
from .deadline import Deadline, Late, USUAL
from .need import need_module
from .wire import Ended

for part in ("config", "connection", "events", "exceptions", "settings"):
    need_module(f"h2.{part}", "python3-h2")
h2 = need_module("h2", "python3-h2")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    """One frame as bytes, whatever it is worth."""
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
            + payload)


DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = \
    0, 1, 2, 3, 4, 6, 7, 8, 9


class Stream:
    """What came on a stream.  end: None while open, "end", or the code of its reset."""

    def __init__(self, number):
        self.id = number
        self.status = None
        self.interim = []
        self.fields = []
        self.body = bytearray()
        self.trailers = None
        self.end = None       # how the answer ended
        self.reset = None     # the code of a reset, also behind a whole answer

    def get(self, name, default=None):
        found = [v for n, v in self.fields if n == name.lower()]
        return found[0] if found else default

    @property
    def json(self):
        return json.loads(bytes(self.body))

    @property
    def code(self):
        return self.json["error"]["code"]

    def __repr__(self):
        return f"<stream {self.id}: {self.status} {bytes(self.body[:200])!r} {self.end}>"


class Http2:
    """window: what the client lets come on each stream; acknowledge: gives it back at once."""

    def __init__(self, sock, window=None, acknowledge=True, authority="a.test", scheme="http"):
        self.wire = sock if isinstance(sock, Client) else Client(sock)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False, validate_inbound_headers=True))
        self.streams = {}
        self.acknowledge = acknowledge
        self.authority = authority
        self.scheme = scheme
        self.goaways = []     # (last id, code)
        self.pings = 0        # acknowledged
        self.settings = None  # the other side's, as {id: value}
        frames = need_module("hyperframe.frame", "python3-hyperframe")
        # What is under way goes on after a GOAWAY (RFC 9113, 6.8); python3-h2 would hear no more.
        self.h2._frame_dispatch_table[frames.GoAwayFrame] = self.on_goaway
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.flush()

    # out

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.wire.send_or_break(data)

    def raw(self, *frames):
        self.flush()
        return self.wire.send_or_break(b"".join(frames))

    def fields(self, method="GET", path="/", fields=(), authority=None):
        return [(":method", method), (":scheme", self.scheme),
                (":authority", authority or self.authority), (":path", path),
                *((n.lower(), str(v)) for n, v in fields)]

    def open(self, method="GET", path="/", fields=(), end=True, all_fields=None, flush=True):
        """Sends a head; the stream."""
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, all_fields or self.fields(method, path, fields),
                             end_stream=end)
        self.streams[number] = Stream(number)
        if flush:
            self.flush()
        return self.streams[number]

    def data(self, stream, data=b"", end=False, within=USUAL):
        """Sends body bytes as the windows allow."""
        deadline = Deadline(within)
        while True:
            room = min(self.h2.local_flow_control_window(stream.id), len(data),
                       self.h2.max_outbound_frame_size)
            last = room == len(data)
            if room <= 0 and not last:
                self.receive(deadline)
                continue
            self.h2.send_data(stream.id, data[:room], end_stream=end and last)
            self.flush()
            data = data[room:]
            if last:
                return

    def post(self, path="/", body=b"", fields=(), **more):
        s = self.open("POST", path, fields, end=False, **more)
        self.data(s, body, end=True)
        return s

    def cancel(self, stream, code=8):
        self.h2.reset_stream(stream.id, code)
        self.flush()

    # in

    def receive(self, deadline):
        """Takes what comes next; False: the connection has ended."""
        if deadline.left() <= 0:
            raise Late(f"nothing came: {self.streams} {self.goaways}")
        if not self.wire.buf and not self.wire.fill(deadline):
            return False
        for event in self.h2.receive_data(self.wire.take(len(self.wire.buf))):
            self.on(event)
        self.flush()
        return True

    def on(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            stream.fields = event.headers
            stream.status = int(stream.get(":status"))
        elif isinstance(event, h2.events.InformationalResponseReceived):
            stream.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            if self.acknowledge and event.flow_controlled_length:
                self.give_back(stream, event.flow_controlled_length)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            stream.end = "end"
        elif isinstance(event, h2.events.StreamReset) and stream:
            stream.reset = int(event.error_code)
            stream.end = stream.end or stream.reset
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings += 1
        elif isinstance(event, h2.events.RemoteSettingsChanged) and self.settings is None:
            self.settings = {int(k): v.new_value for k, v in event.changed_settings.items()}

    def on_goaway(self, said):
        self.goaways.append((said.last_stream_id, int(said.error_code)))
        return [], []

    def give_back(self, stream, n):
        try:
            self.h2.acknowledge_received_data(n, stream.id)
        except h2.exceptions.StreamClosedError:
            pass

    def until(self, claim, within=USUAL):
        """Receives until the claim is true."""
        deadline = Deadline(within)
        while not claim():
            if not self.receive(deadline):
                raise Ended(self.wire.ended, repr((self.streams, self.goaways)).encode())

    def answer(self, stream, within=USUAL):
        """A whole answer, or how it was cut."""
        self.until(lambda: stream.end is not None, within)
        return stream

    def ask(self, method="GET", path="/", fields=(), body=None, within=USUAL):
        s = self.open(method, path, fields, end=body is None)
        if body is not None:
            self.data(s, body, end=True)
        return self.answer(s, within)

    def body_until(self, stream, text, within=USUAL):
        self.until(lambda: text in stream.body, within)

    def ping(self, within=USUAL):
        """A round trip: whatever was sent before has been seen."""
        self.h2.ping(b"weirtest")
        self.flush()
        before = self.pings
        self.until(lambda: self.pings > before, within)

    def wait_end(self, within=USUAL):
        """Receives until the connection is over."""
        deadline = Deadline(within)
        while self.receive(deadline):
            pass
        return self.wire.ended

    def close(self):
        self.wire.close()


def connect2(weir, tls=None, source=None, **how):
    """A client of HTTP/2 of this weir; tls: a client's context, with h2 among its ALPN offers."""
    sock = dial(weir.address, source=source)
    if tls:
        sock = tls.wrap_socket(sock, server_hostname="one.test", suppress_ragged_eofs=False)
    c = Http2(sock, scheme="https" if tls else "http", **how)
    weir.clients.append(c.wire)
    return c


class Raw:
    """A client that says whatever frames it is told to, and reads what comes frame by frame."""

    def __init__(self, weir, within=USUAL):
        hpack = need_module("hpack", "python3-hpack")
        self.wire = Client(dial(weir.address))
        weir.clients.append(self.wire)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.status = {}    # of each stream
        self.bodies = {}
        self.ends = {}      # "end", or the code of a reset
        self.goaways = []   # (last id, code)
        self.acked = 0      # PINGs
        self.wire.send(PREFACE + frame(SETTINGS, 0, 0) +
                       frame(WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big")))

    def send(self, *frames):
        return self.wire.send_or_break(b"".join(frames))

    def head(self, stream, fields, end=True, **more):
        """A HEADERS frame; names and values as they are."""
        block = self.encoder.encode([(n.encode("latin-1"), v.encode("latin-1"))
                                     for n, v in fields], **more)
        return frame(HEADERS, 4 | end, stream, block)

    def read(self, deadline):
        """One frame, noted; False at the end."""
        while len(self.wire.buf) < 9 or \
                len(self.wire.buf) < 9 + int.from_bytes(self.wire.buf[:3], "big"):
            if not self.wire.fill(deadline):
                return False
        head = self.wire.take(9)
        payload = self.wire.take(int.from_bytes(head[:3], "big"))
        self.note(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        return True

    def note(self, kind, flags, stream, payload):
        number = int.from_bytes(payload[:4], "big")
        if kind == HEADERS:
            fields = dict(self.decoder.decode(payload))
            self.status[stream] = int(fields[":status"])
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.ends[stream] = self.ends.get(stream, number)
        elif kind == GOAWAY:
            self.goaways.append((number, int.from_bytes(payload[4:8], "big")))
        elif kind == SETTINGS and not flags & 1:
            self.send(frame(SETTINGS, 1, 0))
        elif kind == PING and flags & 1:
            self.acked += 1
        if kind in (HEADERS, DATA) and flags & 1:
            self.ends[stream] = "end"

    def until(self, claim, within=USUAL):
        deadline = Deadline(within)
        while not claim():
            if not self.read(deadline):
                raise Ended(self.wire.ended, repr((self.status, self.ends, self.goaways)).encode())

    def result(self, stream, within=USUAL):
        """(status, end) of a stream."""
        self.until(lambda: stream in self.ends, within)
        return self.status.get(stream), self.ends[stream]

    def ping(self, within=USUAL):
        before = self.acked
        self.send(frame(PING, 0, 0, b"weirtest"))
        self.until(lambda: self.acked > before, within)

    def wait_end(self, within=USUAL):
        """Reads to the end of the connection; the code of the last GOAWAY."""
        deadline = Deadline(within)
        while self.read(deadline):
            pass
        return self.goaways[-1][1] if self.goaways else None


class Request:
    """What came on a stream of a Server.  reset: the code; ended: its body is whole."""

    def __init__(self, number):
        self.id = number
        self.fields = []
        self.body = bytearray()
        self.ended = False
        self.reset = None
        self.trailers = None

    def get(self, name, default=None):
        found = [v for n, v in self.fields if n == name.lower()]
        return found[0] if found else default


class Server:
    """The other end of weir's connection to an upstream of HTTP/2."""

    def __init__(self, wire, streams=100, window=None):
        self.wire = wire
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        self.requests = {}
        self.taken = 0
        self.pings = 0
        self.mute = False  # answers nothing more, not even a PING
        self.h2.initiate_connection()
        change = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams}
        if window is not None:
            change[h2.settings.SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.h2.update_settings(change)
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.mute:
            self.wire.send_or_break(data)

    def receive(self, deadline):
        if not self.wire.buf and not self.wire.fill(deadline):
            return False
        for event in self.h2.receive_data(self.wire.take(len(self.wire.buf))):
            self.on(event)
        self.flush()
        return True

    def on(self, event):
        request = self.requests.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = request = Request(event.stream_id)
            request.fields = event.headers
        elif isinstance(event, h2.events.DataReceived):
            request.body += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            request.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            request.ended = True
        elif isinstance(event, h2.events.StreamReset) and request:
            request.reset = int(event.error_code)
        elif isinstance(event, h2.events.PingReceived):
            self.pings += 1

    def until(self, claim, within=USUAL):
        deadline = Deadline(within)
        while not claim():
            if not self.receive(deadline):
                raise Ended(self.wire.ended, repr(self.requests).encode())

    def request(self, within=USUAL):
        """The next request that is whole."""
        number = 1 + 2 * self.taken
        self.until(lambda: number in self.requests and self.requests[number].ended, within)
        self.taken += 1
        return self.requests[number]

    def begin(self, request, status=200, fields=(), end=False):
        self.h2.send_headers(request.id, [(":status", str(status)), *fields], end_stream=end)
        self.flush()

    def data(self, request, data=b"", end=False):
        """As the window allows, which must be enough."""
        while len(data) > 16384:
            self.h2.send_data(request.id, data[:16384])
            data = data[16384:]
        self.h2.send_data(request.id, data, end_stream=end)
        self.flush()

    def trailers(self, request, fields):
        self.h2.send_headers(request.id, fields, end_stream=True)
        self.flush()

    def answer(self, request, status=200, body=b"", fields=()):
        self.begin(request, status, [*fields, ("content-length", str(len(body)))])
        self.data(request, body, end=True)

    def reset(self, request, code):
        self.h2.reset_stream(request.id, code)
        self.flush()

    def goaway(self, last, code=0):
        self.wire.send(frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big")))


def fill_window(end, stream, byte, most=64 << 20):
    """An Http2 or a Server sends a body until weir gives no more window; how many bytes went."""
    def window():
        return end.h2.local_flow_control_window(stream.id)

    sent = 0
    while sent < most:
        try:
            end.until(lambda: window() > 0, 0.5)
        except Late:
            break
        room = min(window(), 16384)
        end.h2.send_data(stream.id, byte * room)
        end.flush()
        sent += room
    return sent
