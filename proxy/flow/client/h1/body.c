/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's body on an HTTP/1 connection: unframed, bounded, timed, handed to the exchange; or
 * read away after an early answer, so that the connection can be kept.  On the session's worker.
 */
#include "h1_priv.h"

void session_body_deadline(struct session *s)
{
    s->body.until_ns = s->body.done ? 0 : session_now(s) + session_timeouts(s)->body_idle_ns;
    session_set_timer(s);
}

static void body_is_done(struct session *s)
{
    s->body.done = true;
    s->body.until_ns = 0;
    if (s->x != NULL)
        exchange_body_end(s->x, SLICE_NONE); /* its trailers end here */
}

void session_body_bad(struct session *s, int status, enum cause cause, const char *what)
{
    s->keep_alive = false;
    s->body.done = true; /* nothing after it can be trusted */
    s->body.broken = true;
    s->body.until_ns = 0;
    if (s->x != NULL)
        exchange_body_bad(s->x, status, cause, what);
    else if (s->state == SESSION_DISCARD)
        session_linger(s);
}

static bool body_too_large(struct session *s, size_t more)
{
    uint64_t most = s->w->snapshot->settings->limits.body;

    s->body.got += more;
    /* what a chunk announces counts: it need not be waited for */
    return s->body.kind == BODY_CHUNKED &&
           (s->body.got > most || chunked_left(&s->body.chunked) > most - s->body.got);
}

static void body_bytes(struct session *s, struct slice data)
{
    if (data.len == 0)
        return;
    if (s->state == SESSION_DISCARD || s->state == SESSION_FLUSH) {
        s->lingered += data.len;
        if (s->lingered > s->w->snapshot->settings->limits.body && s->state == SESSION_DISCARD)
            session_linger(s);
    } else if (s->x != NULL) {
        exchange_body(s->x, data);
    }
}

static size_t consume_counted(struct session *s, struct slice in)
{
    size_t n = in.len < s->body.left ? in.len : (size_t)s->body.left;

    s->body.left -= n;
    s->body.got += n;
    body_bytes(s, slice_of(in.p, n));
    if (s->body.left == 0 && s->state != SESSION_DEAD)
        body_is_done(s);
    return n;
}

static size_t consume_chunked(struct session *s, struct slice in)
{
    struct slice data = SLICE_NONE;
    size_t used = 0;
    enum parse p = chunked_next(&s->body.chunked, in, &used, &data);

    if (p == PARSE_BAD) {
        session_body_bad(s, 400, CAUSE_BAD_REQUEST, "the chunked framing of the body is broken");
        return in.len;
    }
    if (s->x != NULL && body_too_large(s, data.len)) {
        session_body_bad(s, 413, CAUSE_REQUEST_TOO_LARGE, "the body is larger than limits.body");
        return in.len;
    }
    body_bytes(s, data);
    if (p == PARSE_DONE && s->state != SESSION_DEAD)
        body_is_done(s);
    return used;
}

size_t session_body_consume(struct session *s, struct slice in)
{
    if (s->body.done || s->body.paused)
        return 0;
    session_body_deadline(s);
    return s->body.kind == BODY_COUNTED ? consume_counted(s, in) : consume_chunked(s, in);
}

static bool body_too_slow(const struct session *s, uint64_t now_ns)
{
    return body_is_too_slow(session_timeouts(s)->body_rate, s->body.got, now_ns - s->body.begun_ns);
}

/* Called by the worker's second tick: the least rate of a body. */
void session_check_rate(struct session *s, uint64_t now_ns)
{
    if (s->state == SESSION_EXCHANGE && !s->body.done && !s->body.paused &&
        body_too_slow(s, now_ns))
        session_body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body arrives too slowly");
}
