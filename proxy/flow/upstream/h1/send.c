/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as HTTP/1 bytes: its head, the framing of its body.  Head and body leave in one write
 * where that is possible; what the kernel does not take of head and framing waits in out, the body
 * stays with the exchange.  On the worker's thread.
 */
#include "h1_priv.h"

enum { CHUNK_HEAD_MAX = 24 };

static void put_framing(struct text *t, const struct upstream_request *r)
{
    if (r->body == BODY_COUNTED) {
        text_str(t, "Content-Length: ");
        text_u64(t, r->length);
        text_str(t, "\r\n");
    } else if (r->body == BODY_CHUNKED) {
        text_str(t, "Transfer-Encoding: chunked\r\n");
    }
}

static void put_head(struct text *t, const struct upstream_request *r)
{
    text_put(t, r->method);
    text_char(t, ' ');
    text_put(t, r->target);
    text_str(t, " HTTP/1.1\r\nHost: ");
    text_put(t, r->host);
    text_str(t, "\r\n");
    field_list_lines(r->fields, t);
    if (r->upgrade)
        text_str(t, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    put_framing(t, r);
    text_str(t, "\r\n");
}

/* The pieces of one write, in their order. */
struct pieces {
    struct slice waiting; /* head or framing from before */
    struct slice chunk;   /* the size of a chunk that begins */
    struct slice body;
    struct slice tail; /* what ends a chunk, and the body */
};

static int to_iovec(const struct pieces *p, struct iovec iov[4])
{
    const struct slice all[] = {p->waiting, p->chunk, p->body, p->tail};
    int n = 0;

    for (size_t i = 0; i < 4; i++) {
        if (all[i].len > 0)
            iov[n++] = (struct iovec){(void *)(uintptr_t)all[i].p, all[i].len};
    }
    return n;
}

static struct slice begin_chunk(struct h1_sending *s, size_t len, char mem[CHUNK_HEAD_MAX])
{
    struct text t;

    text_init(&t, mem, CHUNK_HEAD_MAX);
    text_hex(&t, len, 1);
    text_str(&t, "\r\n");
    s->left = len;
    return text_slice(&t);
}

static void frame(struct h1_sending *s, struct pieces *p, struct slice body, bool complete,
                  char mem[CHUNK_HEAD_MAX])
{
    bool ends;

    p->body = body;
    if (s->body != BODY_CHUNKED || s->complete)
        return;
    if (s->left == 0 && body.len > 0)
        p->chunk = begin_chunk(s, body.len, mem);
    if (p->body.len > s->left)
        p->body.len = (size_t)s->left;
    ends = complete && p->body.len == body.len;
    if (p->body.len > 0 && p->body.len == s->left)
        p->tail = ends ? SLICE_LIT("\r\n0\r\n\r\n") : SLICE_LIT("\r\n");
    else if (ends && s->left == 0)
        p->tail = SLICE_LIT("0\r\n\r\n");
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Keeps what was not written of head and framing; false: no memory. */
static bool keep_rest(struct h1_sending *s, const struct pieces *p, size_t wrote, bool body_taken)
{
    struct slice rest = slice_from(p->waiting, least(wrote, p->waiting.len));
    struct slice chunk = p->chunk;
    struct buf next = BUF_INIT;
    size_t before = p->waiting.len, after = before + p->chunk.len + p->body.len;
    bool ok;

    if (wrote == after + p->tail.len) {
        buf_free(&s->out);
        return true;
    }
    ok = buf_append(&next, rest, LINES_BYTES) == WEIR_OK;
    if (wrote > before)
        chunk = slice_from(chunk, least(wrote - before, chunk.len));
    ok = ok && buf_append(&next, chunk, LINES_BYTES) == WEIR_OK;
    if (body_taken && wrote >= after)
        ok = ok && buf_append(&next, slice_from(p->tail, least(wrote - after, p->tail.len)),
                              LINES_BYTES) == WEIR_OK;
    buf_free(&s->out);
    s->out = next;
    return ok;
}

/* Takes note of a write; returns the body bytes in it. */
static size_t account(struct h1_uplink *u, const struct pieces *p, size_t wrote, bool complete,
                      size_t offered)
{
    struct h1_sending *s = &u->sending;
    size_t before = p->waiting.len + p->chunk.len;
    size_t body = wrote <= before ? 0 : least(wrote - before, p->body.len);
    bool body_taken = body == p->body.len;

    u->written += wrote;
    if (s->body == BODY_CHUNKED || s->body == BODY_COUNTED)
        s->left -= least(body, (size_t)s->left);
    if (complete && body_taken && body == offered && wrote >= before + body)
        s->complete = true;
    if (!keep_rest(s, p, wrote, body_taken))
        uplink_fail_later(u);
    return body;
}

static bool is_empty(const struct pieces *p)
{
    return p->waiting.len + p->chunk.len + p->body.len + p->tail.len == 0;
}

/* A broken write is not judged here: an answer may still wait to be read, its end will be seen. */
static size_t send_all(struct h1_uplink *u, struct slice head, struct slice body, bool complete)
{
    size_t taken = 0;

    for (;;) {
        struct pieces p = {.waiting = head.len > 0 ? head : buf_slice(&u->sending.out)};
        struct slice rest = slice_from(body, taken);
        char mem[CHUNK_HEAD_MAX];
        struct iovec iov[4];
        size_t wrote = 0;
        enum weir_status rc;

        frame(&u->sending, &p, rest, complete, mem);
        if (is_empty(&p)) {
            u->sending.complete = complete;
            break;
        }
        rc = conn_write(u->conn, iov, to_iovec(&p, iov), &wrote);
        if (rc == WEIR_NO_MEMORY)
            uplink_fail_later(u); /* the connection is well, and would never tell */
        if (rc != WEIR_OK && rc != WEIR_AGAIN)
            break;
        taken += account(u, &p, wrote, complete, rest.len);
        head = SLICE_NONE;
        if (rc == WEIR_AGAIN)
            conn_want_write(u->conn);
        if (rc == WEIR_AGAIN || u->failed)
            break;
    }
    return taken;
}

/* Trailers are left out: nobody is told of them by "Trailer", and few look for them. */
size_t uplink_send(struct uplink *base, const struct upstream_request *r, struct slice body,
                   bool complete, struct slice trailers)
{
    struct h1_uplink *u = h1_uplink_of(base);
    struct text head = {0};

    (void)trailers;
    if (r != NULL) {
        text_init(&head, u->w->scratch.lines, LINES_BYTES);
        put_head(&head, r);
        u->to_head = r->to_head;
        u->upgrade = r->upgrade;
        u->sending.body = r->upgrade ? BODY_TO_CLOSE : r->body;
        u->sending.left = r->body == BODY_COUNTED ? r->length : 0;
        u->sending.complete = false;
    }
    return send_all(u, head.at == NULL ? SLICE_NONE : text_slice(&head), body, complete);
}

bool uplink_has_sent_all(const struct h1_uplink *u)
{
    return u->sending.complete && buf_empty(&u->sending.out);
}
