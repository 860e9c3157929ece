/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole exchange: what clients send, what upstreams answer, how both end, what time passes,
 * what the gate is told and which allocation fails, in any order, read from one input as steps.
 *
 *   - nothing crashes, nothing leaks (ASan), nothing is left running when all is over;
 *   - each ticket is given back once, each request is one record and one count (whole_end);
 *   - never a clean half: what a client got is a row of answers in the strict reading of
 *     weir/http/head.h, and one that ends as a whole answer is all that an upstream had to say, or
 *     weir's own, unless an upstream itself was sent nonsense to say (`dirty`).
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/failing_memory.h"
#include "../unit/flow/whole.h"
#include "fuzz.h"
#include "weir/base/buf.h"
#include "weir/http/chunked.h"
#include "weir/http/head.h"

enum { CLIENTS = 3, PEERS = 6, STEPS_MAX = 400, HEARD_MAX = 1 << 22, FIELDS = 64 };

static const char settings[] =
    "workers = 1;\n"
    "listeners = ( { address = \"127.0.0.1:1\"; } );\n"
    "client_fin = \"keep\";\n"
    "limits = { connections = 8; body = \"64KiB\"; buffer = \"16KiB\"; };\n"
    "pools = ( { name = \"p\"; breaker = { min_requests = 3; };\n"
    "  retry = { budget = 1.0; };\n"
    "  upstreams = ( { name = \"a\"; url = \"http://127.0.0.1:1\"; max_streams = 1; },\n"
    "                { name = \"b\"; url = \"http://127.0.0.1:2\"; max_streams = 1; } ); } );\n"
    "routes = ( { path = \"/\"; pool = \"p\"; websocket = true; } );\n";

struct peer {
    int fd;
    struct buf heard;
};

struct play {
    struct whole *k;
    struct slice in;
    struct peer clients[CLIENTS], peers[PEERS];
    bool dirty; /* an upstream has said what no server says */
};

/* --- memory: the n-th allocation from now on is not to be had */

FAILING(char *, strndup, (const char *s, size_t n), (s, n))

static void fail_in(unsigned n)
{
    made = 0;
    fail_at = n;
}

static void run(struct play *p)
{
    armed = true;
    whole_run(p->k);
    armed = false;
}

/* --- the words of both sides; a step sends one of them whole, or a part of it */

#define STREAM_BODY      "{\"model\":\"m\",\"stream\":true}"
#define CONTENT          "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
#define CHUNK_OF_CONTENT "39\r\n" CONTENT "\r\n"

static const char *const asked[] = {
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n" STREAM_BODY,
    "POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n" STREAM_BODY,
    "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd",
    "HEAD /d HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /e HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 27\r\n\r\n" STREAM_BODY,
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
};

/* Each whole answer ends with what judge() looks for. */
static const char *const said[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello~",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    CHUNK_OF_CONTENT,
    "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n1\r\n~\r\n0\r\n\r\n",
    "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "2d\r\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nContent-Type: text/plain\r\n\r\nhalf",
    "HTTP/1.1 429 Slow down\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 71\r\n\r\n" CONTENT
    "data: [DONE]\n\n",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static unsigned char take(struct play *p)
{
    unsigned char c = p->in.len == 0 ? 0 : (unsigned char)p->in.p[0];

    p->in = slice_from(p->in, p->in.len > 0);
    return c;
}

/* --- sockets */

static void hear(struct peer *c)
{
    char *at;
    size_t room;
    ssize_t n;

    if (c->fd < 0)
        return;
    do {
        WEIR_ASSERT(buf_reserve(&c->heard, 4096, HEARD_MAX, &at, &room) == WEIR_OK);
        n = recv(c->fd, at, room, 0);
        if (n > 0)
            buf_commit(&c->heard, (size_t)n);
    } while (n > 0);
}

static void say(struct peer *c, struct slice s)
{
    if (c->fd >= 0 && s.len > 0)
        (void)!send(c->fd, s.p, s.len, MSG_NOSIGNAL);
}

static void part(struct peer *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

/* --- "never a clean half" */

/* The body of an answer in its framing; false: it is not whole.  *used: bytes of it. */
static bool read_body(const struct response_head *h, struct slice in, struct buf *body,
                      size_t *used)
{
    struct chunked c;
    struct slice data;
    enum parse rc = PARSE_MORE;
    size_t n;

    *used = 0;
    if (h->body == BODY_NONE)
        return true;
    if (h->body == BODY_TO_CLOSE)
        return false; /* its end is the connection's: nothing says that it is whole */
    if (h->body == BODY_COUNTED) {
        if (in.len < h->length)
            return false;
        *used = h->length;
        return buf_append(body, slice_of(in.p, h->length), HEARD_MAX) == WEIR_OK;
    }
    chunked_init(&c);
    while (in.len > *used && rc == PARSE_MORE) {
        rc = chunked_next(&c, slice_from(in, *used), &n, &data);
        WEIR_ASSERT(rc != PARSE_BAD);
        WEIR_ASSERT(buf_append(body, data, HEARD_MAX) == WEIR_OK);
        *used += n;
    }
    return rc == PARSE_DONE;
}

static bool is_own(const struct response_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        if (slice_eq_nocase(h->fields[i].name, SLICE_LIT("proxy-status")))
            return true;
    }
    return false;
}

static void judge_whole(const struct play *p, const struct response_head *h, struct slice body)
{
    if (p->dirty || is_own(h) || h->status != 200 || h->body == BODY_NONE)
        return;
    WEIR_ASSERT(slice_ends(body, SLICE_LIT("~")) || slice_ends(body, SLICE_LIT("[DONE]\n\n")));
}

/* Without HEAD among the requests each answer's framing is in its head. */
static void judge(const struct play *p, struct slice got)
{
    static const struct head_limits wide = {
        .line = 65536, .head = 262144, .fields = FIELDS, .body = UINT64_MAX};
    struct http_field fields[FIELDS];
    struct response_head h;
    struct head_error err;
    size_t used;
    bool whole = true;

    while (whole && got.len > 0) {
        struct buf body = BUF_INIT;
        enum parse rc = response_parse(got, &wide, false, true, fields, &h, &used, &err);

        WEIR_ASSERT(rc != PARSE_BAD);
        if (rc == PARSE_MORE || h.switched)
            return;
        got = slice_from(got, used);
        whole = read_body(&h, got, &body, &used);
        if (whole && h.status >= 200)
            judge_whole(p, &h, buf_slice(&body));
        got = slice_from(got, used);
        buf_free(&body);
    }
}

/* --- steps */

static void step_client(struct play *p, unsigned char what)
{
    struct peer *c = &p->clients[what % CLIENTS];
    unsigned char how = take(p);
    struct slice word = slice_str(asked[how % COUNT(asked)]);

    if (c->fd < 0 && c->heard.len == 0)
        c->fd = whole_connect(&p->k->listener);
    /* HEAD has answers without bodies, which judge() could not tell */
    if (slice_starts(word, SLICE_LIT("HEAD")) && c == &p->clients[0])
        word = slice_str(asked[0]);
    if (how & 0x80) { /* a part of it, and the rest never or later */
        size_t n = take(p);

        word.len = n < word.len ? n : word.len;
    }
    say(c, word);
}

static void step_client_raw(struct play *p, unsigned char what)
{
    struct peer *c = &p->clients[1 + what % (CLIENTS - 1)];
    size_t n = take(p);
    struct slice raw = slice_of(p->in.p, n < p->in.len ? n : p->in.len);

    if (c->fd < 0 && c->heard.len == 0)
        c->fd = whole_connect(&p->k->listener);
    say(c, raw);
    p->in = slice_from(p->in, raw.len);
}

static void step_accept(struct play *p)
{
    for (int i = 0; i < WHOLE_UPSTREAMS; i++) {
        for (int j = 0; j < PEERS; j++) {
            if (p->peers[j].fd < 0)
                p->peers[j].fd =
                    accept4(p->k->listening[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        }
    }
}

/* A server answers what it was asked, in whole pieces; anything else is dirty. */
static void step_upstream(struct play *p, unsigned char what)
{
    struct peer *u = &p->peers[what % PEERS];
    unsigned char how = take(p);
    struct slice word = slice_str(said[how % COUNT(said)]);

    if (how & 0x80) {
        size_t n = take(p);

        if (n < word.len) {
            word.len = n;
            p->dirty = true; /* the next word would come in its middle */
        }
    }
    say(u, word);
}

static void step_upstream_raw(struct play *p, unsigned char what)
{
    size_t n = take(p);
    struct slice raw = slice_of(p->in.p, n < p->in.len ? n : p->in.len);

    p->dirty = true;
    say(&p->peers[what % PEERS], raw);
    p->in = slice_from(p->in, raw.len);
}

static void step_end(struct play *p, unsigned char what)
{
    static const struct linger at_once = {1, 0};
    struct peer *c = what & 1 ? &p->clients[(what >> 2) % CLIENTS] : &p->peers[(what >> 2) % PEERS];

    if (c->fd < 0)
        return;
    hear(c);
    if (what & 2) {
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        part(c);
    } else if (what & 0x80) {
        (void)shutdown(c->fd, SHUT_WR);
    } else {
        part(c);
    }
}

static void step_time(struct play *p, unsigned char what)
{
    static const uint64_t ms[] = {1, 20, 100, 500, 1000, 3000, 10000, 70000};

    if (what & 8)
        whole_tick(p->k);
    else
        whole_pass(p->k, ms[what % COUNT(ms)] * NS_PER_MS);
}

static void step(struct play *p)
{
    unsigned char what = take(p), more = take(p);

    switch (what % 10) {
    case 0:
    case 1:
        step_client(p, more);
        break;
    case 2:
        step_client_raw(p, more);
        break;
    case 3:
        step_accept(p);
        break;
    case 4:
    case 5:
        step_upstream(p, more);
        break;
    case 6:
        step_upstream_raw(p, more);
        break;
    case 7:
        step_end(p, more);
        break;
    case 8:
        step_time(p, more);
        break;
    case 9:
        if (more & 1)
            hear(&p->clients[(more >> 1) % CLIENTS]);
        else if (more & 0x40)
            fail_in(more >> 1 & 0x1f);
        else
            whole_resolve(p->k, (more >> 1) % WHOLE_UPSTREAMS, (more & 0x80) == 0);
        break;
    }
    if ((what & 0x80) == 0) /* else the next step comes in the same round */
        run(p);
}

static void play_end(struct play *p)
{
    for (int i = 0; i < CLIENTS; i++)
        hear(&p->clients[i]);
    whole_again(p->k);
    hear(&p->clients[0]);
    judge(p, buf_slice(&p->clients[0].heard));
    for (int i = 0; i < CLIENTS; i++) {
        part(&p->clients[i]);
        buf_free(&p->clients[i].heard);
    }
    for (int i = 0; i < PEERS; i++) {
        part(&p->peers[i]);
        buf_free(&p->peers[i].heard);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct whole whole;
    static bool is_made;
    static struct play p;

    fail_in(0);
    p = (struct play){.k = &whole, .in = slice_of(data, size)};
    if (!is_made) {
        log_set_level(LOG_LEVEL_ERROR);
        whole_make(&whole, settings);
        is_made = true;
    }
    for (int i = 0; i < CLIENTS; i++)
        p.clients[i].fd = -1;
    for (int i = 0; i < PEERS; i++)
        p.peers[i].fd = -1;
    for (int i = 0; i < STEPS_MAX && p.in.len > 0; i++)
        step(&p);
    play_end(&p);
    return 0;
}
