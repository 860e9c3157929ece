/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends: received, parsed, and used in order.  Owner and thread: its worker.
 *
 * Input is received into the worker's scratch; only what is not used at once is kept in s->in.
 * While pipelined bytes are kept, reading is off, and the kernel's hangup tells of a client that
 * left.
 */
#include "h1_priv.h"

/* --- heads */

static void begin_exchange(struct session *s, const struct request_head *h)
{
    struct client_facts cf = {conn_peer(s->conn), conn_is_tls(s->conn),
                              snapshot_trusts(s->w->snapshot, conn_peer(s->conn))};
    struct exchange *x;

    s->served++;
    s->answer.http10 = h->minor == 0;
    s->answer.to_head = h->is_head;
    s->keep_alive = h->keep_alive && !s->w->draining &&
                    s->served < s->w->snapshot->settings->limits.keepalive_requests;
    s->body.kind = h->body;
    s->body.left = h->length;
    s->body.got = s->lingered = 0;
    s->body.done = h->body == BODY_NONE || (h->body == BODY_COUNTED && h->length == 0);
    s->body.paused = s->body.broken = s->answer.begun = false;
    s->body.continue_due = h->expect_continue && !s->body.done;
    s->body.begun_ns = session_now(s);
    chunked_init(&s->body.chunked);
    session_enter(s, SESSION_EXCHANGE);
    if (!s->body.done)
        session_body_deadline(s);
    x = exchange_request(s->w, &s->client, h, &cf);
    if (x == NULL) {
        session_close(s);
        return;
    }
    s->x = x;
    exchange_go(x);
}

void session_refuse_head(struct session *s, const struct head_error *err,
                         const struct request_head *h)
{
    struct client_facts cf = {conn_peer(s->conn), conn_is_tls(s->conn), false};
    struct exchange *x;

    s->answer.http10 = s->answer.to_head = s->keep_alive = false;
    s->body.done = s->body.broken = true;
    s->answer.begun = s->body.continue_due = false;
    session_enter(s, SESSION_EXCHANGE);
    x = exchange_bad_request(s->w, &s->client, err, h, &cf);
    if (x == NULL) {
        session_close(s);
        return;
    }
    s->x = x;
    exchange_go(x);
}

static size_t consume_head(struct session *s, struct slice in)
{
    struct request_head h;
    struct head_error err;
    size_t used = 0;
    enum parse p;

    if (!head_is_due(&s->head_wait, in, &s->w->snapshot->request_limits))
        return 0;
    p = request_parse(in, &s->w->snapshot->request_limits, s->w->scratch.fields, &h, &used, &err);
    if (p != PARSE_MORE)
        s->head_wait = (struct head_wait){0};
    switch (p) {
    case PARSE_DONE:
        begin_exchange(s, &h);
        return used;
    case PARSE_MORE:
        if (s->state == SESSION_IDLE)
            session_enter(s, SESSION_HEAD);
        return 0;
    case PARSE_BAD:
        session_refuse_head(s, &err, &h);
        return in.len;
    }
    WEIR_UNREACHABLE("parse");
}

/* Whoever does not read the answers gets no further ones made: nothing is parsed meanwhile. */
static bool waits_for_output(const struct session *s)
{
    return (s->state == SESSION_IDLE || s->state == SESSION_HEAD) && !buf_empty(&s->out);
}

static size_t consume_some(struct session *s, struct slice in)
{
    if (waits_for_output(s))
        return 0;
    switch (s->state) {
    case SESSION_IDLE:
    case SESSION_HEAD:
        return consume_head(s, in);
    case SESSION_EXCHANGE:
    case SESSION_DISCARD:
        return s->body.broken ? in.len : session_body_consume(s, in);
    case SESSION_TUNNEL:
        exchange_body(s->x, in);
        return in.len;
    case SESSION_FLUSH:
        if (!s->body.done && !s->body.broken)
            return session_body_consume(s, in);
        s->lingered += in.len;
        return in.len;
    case SESSION_LINGER:
    case SESSION_DEAD:
        s->lingered += in.len;
        return in.len;
    }
    WEIR_UNREACHABLE("session state");
}

/* Uses what can be used now, in order; returns how many bytes. */
static size_t consume(struct session *s, struct slice in)
{
    size_t used = 0;

    while (used < in.len && s->state != SESSION_DEAD) {
        size_t n = consume_some(s, slice_from(in, used));
        used += n;
        if (s->state == SESSION_DISCARD && s->body.done)
            session_discarded(s);
        else if (n == 0)
            break;
    }
    return used;
}

/* Reading makes sense while what comes can be used, or only an end is expected. */
static void set_reading(struct session *s)
{
    bool full = !buf_empty(&s->in) && s->state != SESSION_HEAD;

    if (s->state != SESSION_DEAD)
        conn_want_read(s->conn, !full && !s->eof_seen && !waits_for_output(s) &&
                                    !(s->state == SESSION_EXCHANGE && s->body.paused) &&
                                    !(s->state == SESSION_TUNNEL && s->body.paused));
}

static void keep(struct session *s, struct slice rest)
{
    size_t max = (size_t)s->w->snapshot->settings->limits.head + SCRATCH_BYTES;

    if (s->state != SESSION_DEAD && buf_append(&s->in, rest, max) != WEIR_OK)
        session_close(s);
}

/* Uses the bytes kept from before.  They are taken out of s->in meanwhile: what happens in between
 * may close or empty the session. */
static void consume_kept(struct session *s)
{
    struct buf kept = s->in;
    size_t used;

    s->in = BUF_INIT;
    used = consume(s, buf_slice(&kept));
    if (s->state == SESSION_DEAD || s->state == SESSION_LINGER || s->state == SESSION_FLUSH) {
        buf_free(&kept);
        return;
    }
    buf_consume(&kept, used);
    WEIR_ASSERT(buf_empty(&s->in));
    s->in = kept;
}

/* It ended its side, all it asked is answered, and the answers have left. */
static bool has_asked_all(const struct session *s)
{
    return s->eof_seen && (s->state == SESSION_IDLE || s->state == SESSION_HEAD) &&
           !waits_for_output(s);
}

/* Goes on once the state has changed so that kept bytes can be used. */
void session_step(struct session *s)
{
    if (s->state == SESSION_DEAD)
        return;
    if (s->broken) {
        session_close(s);
        return;
    }
    if (!buf_empty(&s->in))
        consume_kept(s);
    if (s->state == SESSION_DEAD)
        return;
    if ((s->state == SESSION_IDLE && s->w->quitting) || has_asked_all(s)) {
        session_close(s);
        return;
    }
    set_reading(s);
}

/*
 * The client ended its side, which client_fin = "keep" takes as: it has asked all it wants to.
 * What it asked before, pipelined requests included, is answered.
 */
static void on_eof(struct session *s)
{
    bool keep_half = s->w->snapshot->settings->keep_half_closed;
    bool under_way = s->state == SESSION_EXCHANGE || s->state == SESSION_FLUSH;

    if (!keep_half || !s->body.done || !(under_way || waits_for_output(s))) {
        session_close(s);
        return;
    }
    s->eof_seen = true;
    if (s->state == SESSION_EXCHANGE && buf_empty(&s->in))
        s->keep_alive = false;
    conn_want_read(s->conn, false);
}

bool session_receive(struct session *s)
{
    struct worker *w = s->w;
    size_t got = 0, used, room = SCRATCH_BYTES;
    char *at = w->scratch.in;
    bool kept = !buf_empty(&s->in);
    enum weir_status rc;

    if (kept &&
        buf_reserve(&s->in, 2048, (size_t)w->snapshot->settings->limits.head + SCRATCH_BYTES, &at,
                    &room) != WEIR_OK) {
        session_close(s);
        return false;
    }
    rc = conn_read(s->conn, at, room, &got);
    if (rc == WEIR_AGAIN)
        return false;
    if (rc != WEIR_OK) {
        if (rc == WEIR_CLOSED)
            on_eof(s);
        else
            session_close(s);
        return false;
    }
    if (kept) {
        buf_commit(&s->in, got);
        session_step(s);
        return s->state != SESSION_DEAD;
    }
    used = consume(s, slice_of(at, got));
    if (s->state == SESSION_DEAD)
        return false;
    if (used < got)
        keep(s, slice_of(at + used, got - used));
    if (s->state != SESSION_DEAD)
        session_step(s); /* an exchange that ended meanwhile may have left bytes to use */
    return s->state != SESSION_DEAD;
}
