# SPDX-License-Identifier: Apache-2.0
"""Many scripted exchanges at once through one weir: a backend and its clients in one loop.

An exchange is known by the field x-case of its request: the backend side finds its script by that.
A script is the bytes to send, in pieces with a pause of a loop's round between them, and how the
connection then ends: "fin", "rst" at once, or "late": a reset once the client has had something.
"""

import re
import selectors
import socket
import struct

from .deadline import Deadline, Late

RESET = struct.pack("ii", 1, 0)
CASE = re.compile(rb"\r\nx-case: (\d+)\r\n", re.I)
TOGETHER = 24


class Course:
    """One exchange.  got, how: what the client received, and "fin" or "rst"."""

    def __init__(self, request, pieces, end):
        self.request, self.pieces, self.end = request, list(pieces), end
        self.got, self.how = bytearray(), None
        self.client = self.peer = None


class Swarm:
    """within: for the whole of it; a backend that is asked twice for a case is an error."""

    def __init__(self, weir_address, listener, within):
        self.weir_address, self.listener = weir_address, listener
        self.deadline = Deadline(within)
        self.selector = selectors.DefaultSelector()
        self.waiting = {}

    def run(self, courses):
        self.courses = list(courses)
        self.next = self.over = 0
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        try:
            while self.over < len(self.courses):
                self._open_more()
                self._round()
        finally:
            self._close_all()

    def _round(self):
        left = self.deadline.left()
        if not left:
            stuck = [i for i, c in enumerate(self.courses) if c.client and not c.how]
            raise Late(f"no end came for cases {stuck}")
        for key, _ in self.selector.select(0 if self.waiting else min(left, 1)):
            if key.fileobj.fileno() >= 0:  # not closed by what came before it
                key.data()
        for number in list(self.waiting):
            self._send_some(self.courses[number])

    def _open_more(self):
        while self.next < len(self.courses) and self.next - self.over < TOGETHER:
            course = self.courses[self.next]
            course.number = self.next
            self.next += 1
            course.client = socket.create_connection(self.weir_address, 5)
            course.client.sendall(course.request)
            course.client.setblocking(False)
            self.selector.register(course.client, selectors.EVENT_READ,
                                   lambda c=course: self._client_reads(c))

    def _client_reads(self, course):
        try:
            data = course.client.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            data, course.how = b"", "rst"
        course.got += data
        if data:
            return
        course.how = course.how or "fin"
        self._close(course.client)
        self.over += 1
        if course.peer:
            self._close(course.peer)
            self.waiting.pop(course.number, None)

    def _accept(self):
        try:
            peer, _ = self.listener.accept()
        except BlockingIOError:
            return
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = bytearray()
        self.selector.register(peer, selectors.EVENT_READ, lambda: self._peer_reads(peer, head))

    def _peer_reads(self, peer, head):
        try:
            data = peer.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        head += data
        if not data:
            self._close(peer)
        elif b"\r\n\r\n" in head and self._request_is_whole(head):
            course = self.courses[int(CASE.search(head).group(1))]
            if course.how or course.peer:
                raise AssertionError(f"case {course.number} came to the backend twice")
            course.peer = peer
            head.clear()
            self.waiting[course.number] = course

    @staticmethod
    def _request_is_whole(head):
        length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head, re.I)
        at = head.index(b"\r\n\r\n") + 4
        return len(head) - at >= (int(length.group(1)) if length else 0)

    def _send_some(self, course):
        try:
            if course.pieces:
                course.peer.sendall(course.pieces.pop(0))
            elif course.end == "late" and not course.got:
                course.end = "rst"  # next time: the client has had a round to get something
            else:
                self._end(course)
        except OSError:
            self._end(course)

    def _end(self, course):
        del self.waiting[course.number]
        if course.end == "fin":
            try:
                course.peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return
        try:
            course.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass
        self._close(course.peer)

    def _close(self, sock):
        if sock.fileno() >= 0:
            self.selector.unregister(sock)
            sock.close()

    def _close_all(self):
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            if key.fileobj is not self.listener:
                key.fileobj.close()
        self.selector.close()
