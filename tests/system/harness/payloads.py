# SPDX-License-Identifier: Apache-2.0
"""Messages that two programs have read differently, by family.

The kinds are those of the findings of the HTTP Garden project (chunk sizes by strtoll and int(), lengths
by their longest prefix, CR, LF and NUL in values, white space that is stripped or not, lists of codings),
of the families of chunk smuggling (TERM.EXT, EXT.TERM, TERM.SPILL, SPILL.TERM, ONE.TWO, TWO.ONE), and of
what follows from the grammar by changing one thing.
"""

from .http1 import chunk

EVIL = b"GET /evil HTTP/1.1\r\nHost: weir.test\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
FIVE = b"0\r\n\r\n"  # five bytes that are a whole chunked body, too


def head(fields=b"", line=b"POST /one HTTP/1.1", host=b"Host: weir.test\r\n"):
    return line + b"\r\n" + host + fields + b"\r\n"


# --- values

LENGTHS = [
    b"5", b"05", b"0000000000000000000005", b"010", b"+5", b"-5", b"-0", b"-48", b"0x5", b"0X5", b"5_0", b"0_5",
    b"+1_0", b"5.0", b"5.", b".5", b"5e0", b"5;", b"5;a", b"5,5", b"5, 5", b"5,5,5", b"5,6", b"0,5", b"5,", b",5",
    b", 5", b"5 5", b"5\t5", b"", b" ", b"\t", b"\t5\t", b"5 ", b"5\x0b", b"\x0b5", b"\x0c5", b"5\x00", b"\x005", b"5\xa0",
    b"\xa05", b"\x855", b"5\xff", b"5Z", b"Z5", b'"5"', b"'5'", b"5\r", b"\r5", b"5\n", b"\n5", b"5h", b"5L", b"\xd9\xa5",
    b"\xef\xbc\x95", b"1\xb2", b"18446744073709551615", b"18446744073709551616", b"18446744073709551621",
    b"9223372036854775807", b"9223372036854775808", b"9223372036854775813", b"4294967296", b"4294967301",
    b"2147483648", b"340282366920938463463374607431768211461", b"identity", b"(5)", b"5 (five)", b"5\\", b"%35",
]

CODINGS = [
    b"chunked", b"Chunked", b"CHUNKED", b"chunked ", b"\tchunked", b"\tchunked\t", b",chunked", b", chunked",
    b"chunked,", b"chunked, ", b",,chunked", b"chunked,chunked", b"chunked, chunked", b"identity", b"identity, chunked",
    b"identity,chunked", b"chunked, identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"deflate,chunked",
    b"chunked  ,  gzip", b"x-gzip", b"trailers", b"blegh", b"", b" ", b"x, chunked", b"chunked;q=1", b"chunked;",
    b"chunked ;", b"chunked; a=b", b'"chunked"', b"'chunked'", b"[chunked]", b"{chunked}", b"chunked\x00", b"\x00chunked",
    b"chunked\x0b", b"\x0bchunked", b"\x0cchunked", b"\x85chunked", b"\xa0chunked\xa0", b"\xffchunked\xff", b"chunked\x1f",
    b"\x08chunked", b"chunked\x7f", b"chunk", b"chunke", b"chunkedx", b"xchunked", b"chunked x", b"x chunked",
    b"chunked\r", b"\rchunked", b"chunked\n", b"\nchunked", b"\n chunked", b"chunked\r\n ", b"\r\n chunked", b"\r\n\tchunked",
    b"chu\r\n nked", b"chunked,\r\n identity", b"c\xc4\xa5unked", b"\xe2\x84\xaachunked", b"chun\xe2\x84\xaaed", b"cow",
    b"chunked, cow", b"cow, chunked", b"=?utf-8?q?chunked?=", b"chunked%20", b"%63hunked", b"chunked=", b"=chunked",
]

NAMES = [
    b"%s ", b"%s\t", b" %s", b"\t%s", b"%s\x0b", b"\x0b%s", b"%s\x00", b"\x00%s", b"%s\x85", b"%s\xa0", b"\xa0%s", b"\xff%s",
    b"%s\r", b"\r%s", b"%s\n", b"\n%s", b"%s\r\n ", b"X:%s", b"X: y\r%s", b"X: y\n%s", b"X: y\x00%s", b":%s", b"%s:", b"'%s'", b'"%s"',
    b"(%s)", b"@%s", b"%s\x7f", b"%s\x1f", b"\\%s", b"/%s", b"[%s]", b"{%s}", b"%s;", b"%s=", b"X\r\n\r\n%s",
]

UNDERSCORES = {b"Content-Length": b"Content_Length", b"Transfer-Encoding": b"Transfer_Encoding"}


def _named(name, value, body):
    for form in NAMES:
        yield head((form % name) + b": " + value + b"\r\n"), body
        yield head(b"A: b\r\n" + (form % name) + b": " + value + b"\r\nB: c\r\n"), body
    yield head(UNDERSCORES[name] + b": " + value + b"\r\n"), body
    yield head(name + b" " + value + b"\r\n"), body
    yield head(name + b"\r\n"), body
    cut = name.index(b"-") + 1
    yield head(name[:cut] + b"\r\n" + name[cut:] + b": " + value + b"\r\n"), body
    yield head(name[:cut] + b"\r\n " + name[cut:] + b": " + value + b"\r\n"), body
    for spelling in (name.lower(), name.upper(), name.swapcase()):
        yield head(spelling + b": " + value + b"\r\n"), body
        yield head(spelling + b":" + value + b"\r\n"), body


# --- families of requests: pairs of head and body

def lengths():
    for v in LENGTHS:
        yield head(b"Content-Length: " + v + b"\r\n"), FIVE
        yield head(b"Content-Length:" + v + b"\r\n"), b"01234567"


def two_lengths():
    short = [b"5", b"05", b"0", b"", b"6", b"+5", b"42"]
    for a in short:
        for b in short:
            yield head(b"Content-Length: " + a + b"\r\nContent-Length: " + b + b"\r\n"), FIVE
            yield head(b"Content-Length: " + a + b"\r\nA: b\r\ncontent-length: " + b + b"\r\n"), FIVE + EVIL


def codings():
    for v in CODINGS:
        yield head(b"Transfer-Encoding: " + v + b"\r\n"), FIVE
        yield head(b"Transfer-Encoding: " + v + b"\r\n"), chunk(b"Z") + FIVE + EVIL


def two_codings():
    short = [b"chunked", b"identity", b"", b"cow", b"gzip", b",", b"chunked, cow"]
    for a in short:
        for b in short:
            yield head(b"Transfer-Encoding: " + a + b"\r\nTransfer-Encoding: " + b + b"\r\n"), FIVE
            yield head(b"Transfer-Encoding: " + a + b"\r\nA: b\r\nTRANSFER-ENCODING: " + b + b"\r\n"), FIVE


def length_with_coding():
    for v in CODINGS:
        for length in (b"5", b"0", b"4", b"42"):
            te, cl = b"Transfer-Encoding: " + v + b"\r\n", b"Content-Length: " + length + b"\r\n"
            yield head(te + cl), FIVE
            yield head(cl + te), FIVE + EVIL


def names_of_length():
    yield from _named(b"Content-Length", b"5", FIVE)
    yield from _named(b"Content-Length", b"%d" % len(EVIL), EVIL)


def names_of_coding():
    yield from _named(b"Transfer-Encoding", b"chunked", FIVE)
    for bad, body in _named(b"Transfer-Encoding", b"chunked", FIVE):
        yield bad[:-2] + b"Content-Length: 5\r\n\r\n", body


def versions():
    for v in (b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/1.32", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/2.0",
              b"HTTP/0.9", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/", b"HTTP/\r\r1.1", b"HTTP/4294967297.1", b"HTTP/257.1",
              b"HTTP/1.257", b"http/1.1", b"HTTPS/1.1", b"HTTP /1.1", b"HTTP/1 .1", b"HTTP/1.1x", b"HTTP/1,1", b"HTTP-1.1",
              b"xHTTP/1.1", b"HTTP/+1.1", b"HTTP/1.+1", b"HTTP/-1.1", b"HTTP/1.1\t", b"HTTP/1.1 ", b" HTTP/1.1", b"\tHTTP/1.1",
              b"\nHTTP/1.1", b"\r\nHTTP/1.1", b""):
        line = b"POST /one " + v
        yield head(b"Content-Length: 5\r\n", line), FIVE
        yield head(CHUNKED, line), FIVE
        yield head(CHUNKED + b"Connection: keep-alive\r\n", line), FIVE + EVIL
        yield head(b"Content-Length: 5\r\nConnection: keep-alive\r\n", line), FIVE + EVIL


def methods_and_targets():
    for m in (b"GET", b"get", b"G=\":<>(e),[T];?\"", b"GE\x00T", b"\x00", b"G\xefT", b"GET\x0b", b"\rGET", b"\nGET", b" GET", b"\tGET",
              b"GET:", b"GET,", b"\xef\xbb\xbfGET", b"CONNECT", b"TRACE", b"PRI", b"!#$%&'*+-.^_`|~09"):
        yield head(b"", m + b" /one HTTP/1.1"), b""
        yield head(b"Content-Length: 5\r\n", m + b" /one HTTP/1.1"), FIVE
    for t in (b"!", b"*", b"one", b"/one\x00", b"/on\x01e", b"/one\x7f", b"/one\x80", b"/o ne", b"/o\tne", b"/o\x0bne", b"/o\rne",
              b"/one\r", b"/o\nne", b"/one#a", b"//evil.test/one", b"http://weir.test/one", b"http://other.test/one",
              b"http://weir.test:80/one", b"HTTP://WEIR.TEST/one", b"http://a@weir.test/one", b"http:///one", b"http://",
              b"http:/one", b"https://weir.test/one", b"ftp://weir.test/one", b"http://weir.test", b"http://weir.test?x",
              b"http://wei r.test/", b"http://weir.test\x00/", b"http://weir.test#/", b"http://[::1]/one", b"http://[::1/one",
              b"/one HTTP/1.1\r\nHost: other.test\r\nX:", b"weir.test:80", b"/%", b"/%zz", b"/%00", b"/..", b"/\\..\\"):
        yield head(b"", b"GET " + t + b" HTTP/1.1"), b""
    for host in (b"", b"Host:\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a, b\r\n", b"Host: \xffa\xff\r\n", b"Host: a\x00.b\r\n",
                 b"Host : a\r\n", b" Host: a\r\n", b"Host: a b\r\n", b"Host: a/\r\n", b"Host: a@b\r\n", b"Host: a:b\r\n", b"Host: a:\r\n",
                 b"Host: [::1]:\r\n", b"Host: a:99999\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n", b"hOsT:a\r\n", b"Host: \ta\t \r\n"):
        yield head(b"", b"GET /one HTTP/1.1", host), b""
        yield head(b"", b"GET http://weir.test/one HTTP/1.1", host), b""
        yield head(b"", b"GET /one HTTP/1.0", host), b""


def values():
    for bad in (b"\x00", b"\r", b"\n", b"\r\r\n", b"\n\r\n", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x85", b"\xa0", b"\xff", b"\t"):
        yield head(b"A: v" + bad + b"alue\r\n"), b""
        yield head(b"A: " + bad + b"value\r\n"), b""
        yield head(b"A: value" + bad + b"\r\n"), b""
        yield head(b"A:" + bad + bad + EVIL + b"\r\n"), b""
        yield head(b"A: b" + bad + b"Content-Length: 5\r\n"), FIVE
    for fold in (b"\r\n b", b"\r\n\tb", b"\r\n \r\n", b"\n b", b"\r b", b"\r\n\x0bb", b"\r\n\rb"):
        yield head(b"A: a" + fold + b"\r\n"), b""
        yield head(b"Content-Length: 5" + fold + b"\r\n"), FIVE
    for line in (b":", b": a", b"A", b"\x00: a", b"A\x00", b"A b: c", b"\rZGET /evil: HTTP/1.1", b"A: b\r\n\rX", b"a:b\r\nc\x00"):
        yield head(line + b"\r\n"), b""
        yield head(line + b"\r\nContent-Length: 5\r\n"), FIVE
    for hop in (b"Connection: Content-Length", b"Connection: Transfer-Encoding", b"Connection: Host", b"Connection: close, keep-alive",
                b"Connection: \x00", b"Proxy-Connection: keep-alive", b"TE: trailers, chunked", b"Trailer: Content-Length",
                b"Upgrade: websocket\r\nConnection: upgrade", b"Expect: 100-continue", b"Expect: x", b"Keep-Alive: timeout=1"):
        yield head(hop + b"\r\nContent-Length: 5\r\n"), FIVE
        yield head(hop + b"\r\n" + CHUNKED), chunk(b"abc") + FIVE


# --- chunks, alike for requests and answers

SIZES = [b"5", b"05", b"0000000000000005", b"00000000000000005", b"5 ", b" 5", b"\t5", b"5\t", b"0x5", b"0X5", b"x5", b"+5", b"-5", b"5_", b"_5",
         b"0_5", b"5.", b"5,", b"5;", b"5 ;", b"5; ", b"5;;", b"5:", b"5=", b"5h", b"5g", b"5Z", b"5these-bytes", b"\r5", b"\n5", b"\r\n5", b"5\r",
         b"5\x00", b"\x005", b"5\x0b", b"\x0c5", b"5\xa0", b"\x855", b"\xd9\xa5", b"", b"-0", b"-0x0", b"0x0", b"0_0", b"+0", b"10000000000000005",
         b"100000005", b"ffffffff00000005", b"fffffffffffffffb", b"ffffffffffffffff", b"8000000000000005", b"7fffffffffffffff",
         b"1000000000000000000000000000000005", b"#5", b"%35", b'"5"', b"'5'", b"(5)", b"5 5", b"5\t5", b"5 x", b"0 5", b"five"]

EXTENSIONS = [b";a", b";a=b", b';a="b"', b' ;a', b" ; a = b", b"\t;a", b"; a", b";", b";;", b";a;", b"; ;", b"\r;a", b";\ra", b";\r\ra", b";a\rb", b";a\r", b";\na",
              b"\n;a", b";a\n", b";a=\nb", b';a="\n"', b';a="\r\n"', b';a="', b';a="b', b';a="\\"', b";a\x00", b";\x00", b";a\x0b", b";a=b=c", b";a b",
              b";=b", b";\xff", b";a=\xff", b";(", b" a", b"\x0b;a", b";a=b\r\r"]

ENDS = [b"\r\n", b"\n", b"\r", b"\r\r", b"\n\n", b"\n\r", b"\r\r\n", b"\r\n\r\n", b"", b"XX", b"X", b"\rX", b"X\n", b"\r\n ", b" \r\n", b"\x00\r\n", b"0\r\n"]

TRAILERS = [b"", b"A: b\r\n", b"A:b\r\n", b"A:\r\n", b"A\r\n", b":\r\n", b": b\r\n", b" A: b\r\n", b"A: b\r\n c\r\n", b"A : b\r\n", b"A: b\n", b"A: b\r", b"A\x00: b\r\n",
            b"A: \x00\r\n", b"A: b\rc\r\n", b"X:POST /evil HTTP/1.1\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: evil\r\n",
            b"Connection: close\r\n", b"\n", b"\r", b"XX", b"GET /evil HTTP/1.1\r\nHost: a\r\n"]


def chunk_bodies():
    for s in SIZES:
        yield s + b"\r\nhello\r\n0\r\n\r\n"
        yield b"1\r\nZ\r\n" + s + b"\r\nhello\r\n0\r\n\r\n" + EVIL
        yield b"5\r\nhello\r\n" + s + b"\r\n\r\n" + EVIL
        yield s + b"\r\n\r\n"
    for e in EXTENSIONS:
        yield b"5" + e + b"\r\nhello\r\n0\r\n\r\n"
        yield b"5\r\nhello\r\n0" + e + b"\r\n\r\n"
        yield b"2" + e + b"XX\r\n10\r\n1f\r\nAAAABBBBCCCC\r\n0\r\n\r\n" + EVIL + b"0\r\n\r\n"
        yield b"2" + e + b"\r\n02\r\n2d\r\n0\r\n\r\n" + EVIL + b"\r\n0\r\n\r\n"
    for e in ENDS:
        yield b"5" + e + b"hello\r\n0\r\n\r\n"
        yield b"5\r\nhello" + e + b"0\r\n\r\n"
        yield b"5\r\nhello\r\n0" + e + b"\r\n"
        yield b"5\r\nhello\r\n0\r\n" + e
        yield b"5\r\nhello\r\n0\r\n" + e + EVIL
        yield b"5\r\nhello" + e + b"2c\r\n" + EVIL + e + b"0\r\n\r\n"
    for t in TRAILERS:
        yield b"5\r\nhello\r\n0\r\n" + t + b"\r\n"
        yield b"0\r\n" + t + b"\r\n" + EVIL
    yield b"5\r\nhello!!\r\n0\r\n\r\n"
    yield b"17\r\n0\r\n\r\n" + EVIL[:18] + b"\r\n\r\n0\r\n\r\n"


def chunks():
    for body in chunk_bodies():
        yield head(CHUNKED), body


REQUESTS = {f.__name__: f for f in (lengths, two_lengths, codings, two_codings, length_with_coding, names_of_length,
                                    names_of_coding, versions, methods_and_targets, values, chunks)}

# Whatever the values are: two codings, or a length and a coding.
NEVER_SERVED = ("two_codings", "length_with_coding")


# --- families of answers: whole byte strings

OK = b"HTTP/1.1 200 OK\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def answer_lengths():
    for v in LENGTHS:
        yield OK + b"Content-Length: " + v + b"\r\n\r\n" + FIVE
        yield OK + b"Content-Length: 5\r\nContent-Length: " + v + b"\r\n\r\n" + FIVE


def answer_codings():
    for v in CODINGS:
        yield OK + b"Transfer-Encoding: " + v + b"\r\n\r\n" + chunk(b"hello") + FIVE
        yield OK + b"Transfer-Encoding: " + v + b"\r\nContent-Length: 5\r\n\r\n" + FIVE
        yield OK + b"Content-Length: 5\r\nTransfer-Encoding: " + v + b"\r\n\r\n" + FIVE + SECOND


def answer_names():
    for name, value in ((b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")):
        for form in NAMES:
            yield OK + (form % name) + b": " + value + b"\r\n\r\n" + FIVE
            yield OK + b"A: b\r\n" + (form % name) + b": " + value + b"\r\nContent-Length: 5\r\n\r\n" + FIVE


def answer_chunks():
    for body in chunk_bodies():
        yield OK + CHUNKED + b"\r\n" + body.replace(EVIL, SECOND)


def answer_lines():
    for line in (b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 0200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK",
                 b"HTTP/1.1 +200 OK", b"HTTP/1.1 -200 OK", b"HTTP/1.1 2_0 OK", b"HTTP/1.1 0xC8 OK", b"HTTP/1.1 200\rOK", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 O\rK",
                 b"HTTP/1.1 200 O\nK", b"HTTP/1.1 200 \xff", b"HTTP/1.1 600 x", b"HTTP/1.1 999 x", b"HTTP/1.1 099 x", b"HTTP/1.1 000 x", b"HTTP/1.1 99 x",
                 b"HTTP/1.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.10 200 OK", b"HTTP/11 200 OK", b"http/1.1 200 OK", b"ICY 200 OK",
                 b"HTTP/1.1 204 No", b"HTTP/1.1 304 No", b"HTTP/1.1 205 No", b"HTTP/1.1 101 Up", b"HTTP/1.1 100 Go", b"HTTP/1.1 199 x", b" HTTP/1.1 200 OK",
                 b"\r\nHTTP/1.1 200 OK", b"\nHTTP/1.1 200 OK", b"\x00HTTP/1.1 200 OK", b"\xef\xbb\xbfHTTP/1.1 200 OK"):
        yield line + b"\r\nContent-Length: 5\r\n\r\nhello"
        yield line + b"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        yield line + b"\r\n\r\n" + SECOND


def answer_values():
    for bad in (b"\x00", b"\r", b"\n", b"\r\r\n", b"\n\r\n", b"\x01", b"\x0b", b"\x7f", b"\x85", b"\xff", b"\t", b"\r\n ", b"\r\n\t", b"\r\n\r"):
        yield OK + b"A: v" + bad + b"alue\r\nContent-Length: 5\r\n\r\nhello"
        yield OK + b"A:" + bad + b"Set-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello"
        yield OK + b"Content-Length: 5\r\nA: b" + bad + b"\r\n\r\nhello"
    for interim in (b"HTTP/1.1 100 Go\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 P\r\nContent-Length: 5\r\n\r\n",
                    b"HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 100 Go\n\n"):
        yield interim + OK + b"Content-Length: 5\r\n\r\nhello"
        yield interim * 3 + OK + b"Content-Length: 5\r\n\r\nhello"


def answers_that_spill():
    for spill in (SECOND, b"\r\n", b"\r\n" + SECOND, b"x", b"HTTP/1.1 100 Go\r\n\r\n", b"\x00", EVIL):
        yield OK + b"Content-Length: 5\r\n\r\nhello" + spill
        yield OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n" + spill
        yield b"HTTP/1.1 204 No\r\n\r\n" + spill
        yield b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n" + spill
        yield OK + b"Content-Length: 0\r\n\r\n" + spill


ANSWERS = {f.__name__: f for f in (answer_lengths, answer_codings, answer_names, answer_chunks, answer_lines,
                                   answer_values, answers_that_spill)}
