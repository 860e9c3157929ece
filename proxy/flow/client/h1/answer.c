/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of HTTP/1: heads, framing, output.  Bytes are gathered in the worker's scratch,
 * of one session at a time, and leave in one send: when another session has something to say, and
 * at the end of the loop's round.  What the kernel does not take waits in s->out.
 */
#include "h1_priv.h"

enum { CHUNK_LINE_MAX = 24 };

static struct session *session_of(const struct client *c)
{
    struct session *s = LIST_OBJECT(c, struct session, client);

    WEIR_CHECK(s, SESSION_MAGIC);
    return s;
}

static size_t backlog_max(const struct session *s)
{
    /* The exchange stops at limits.buffer; one callback's worth may come on top. */
    return (size_t)s->w->snapshot->settings->limits.buffer + 4 * SCRATCH_BYTES + LINES_BYTES;
}

/* The connection is broken: closed soon, but not under the feet of an exchange that is writing. */
static void session_fail(struct session *s)
{
    s->broken = true;
    buf_free(&s->out);
    loop_defer_free(s->w->loop, &s->step);
}

static void hold_back(struct session *s, struct slice rest)
{
    if (buf_append(&s->out, rest, backlog_max(s)) != WEIR_OK) {
        session_fail(s);
        return;
    }
    if (s->write_until_ns == 0) {
        s->write_until_ns =
            loop_now_ns(s->w->loop) + s->w->snapshot->settings->client_timeouts.write_ns;
        s->write_unsent = conn_unsent(s->conn);
        session_set_timer(s);
    }
    conn_want_write(s->conn);
}

/* Sends what was gathered. */
void output_flush(struct worker *w)
{
    struct session *s = h1_of(w)->gathering;
    struct slice bytes = slice_of(w->clients->out, h1_of(w)->out_len);
    enum weir_status rc;

    if (s == NULL)
        return;
    h1_of(w)->gathering = NULL;
    h1_of(w)->out_len = 0;
    if (bytes.len == 0)
        return;
    rc = buf_empty(&s->out) ? conn_write_all(s->conn, &bytes) : WEIR_AGAIN;
    if (rc == WEIR_AGAIN)
        hold_back(s, bytes);
    else if (rc != WEIR_OK)
        session_fail(s);
    else if (s->state == SESSION_FLUSH)
        session_flushed(s);
}

static void gather(struct session *s)
{
    if (h1_of(s->w)->gathering == s)
        return;
    output_flush(s->w);
    h1_of(s->w)->gathering = s;
    h1_of(s->w)->out_len = 0;
}

static void session_put(struct session *s, struct slice bytes)
{
    while (bytes.len > 0 && s->state != SESSION_DEAD && !s->broken) {
        struct worker *w = s->w;
        size_t room, n;

        gather(s);
        room = SCRATCH_BYTES - h1_of(w)->out_len;
        n = bytes.len < room ? bytes.len : room;
        memcpy(w->clients->out + h1_of(w)->out_len, bytes.p, n);
        h1_of(w)->out_len += n;
        bytes = slice_from(bytes, n);
        if (h1_of(w)->out_len == SCRATCH_BYTES)
            output_flush(w);
    }
}

/* Bytes that fit at w->clients->out + h1_of(w)->out_len; 0 when nothing is to be written. */
static size_t session_room(struct session *s)
{
    if (s->state == SESSION_DEAD || s->broken)
        return 0;
    gather(s);
    return SCRATCH_BYTES - h1_of(s->w)->out_len;
}

static void put_str(struct session *s, const char *text)
{
    session_put(s, slice_str(text));
}

void session_on_writable(struct conn *c, void *owner)
{
    struct session *s = owner;
    enum weir_status rc;

    WEIR_CHECK(s, SESSION_MAGIC);
    rc = conn_write_waiting(c, &s->out);
    if (rc == WEIR_OK) {
        s->write_until_ns =
            buf_empty(&s->out)
                ? 0
                : loop_now_ns(s->w->loop) + s->w->snapshot->settings->client_timeouts.write_ns;
        session_set_timer(s);
    } else if (rc != WEIR_AGAIN) {
        session_close(s);
        return;
    }
    if (!buf_empty(&s->out)) {
        conn_want_write(c);
    } else if (s->state == SESSION_FLUSH) {
        session_flushed(s);
        return;
    } else if (s->state == SESSION_IDLE || s->state == SESSION_HEAD) {
        loop_defer_free(s->w->loop, &s->step); /* what was not parsed while this waited */
    }
    if (s->x != NULL && s->out.len < s->w->snapshot->settings->limits.buffer / 2) {
        exchange_resume(s->x);
    }
}

/* --- operations of a client */

static void op_interim(struct client *c, int status)
{
    struct session *s = session_of(c);

    if (s->answer.http10 || !s->body.continue_due || status != 100)
        return;
    s->body.continue_due = false;
    put_str(s, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* May the connection live on after this answer?  Decided when the head is written. */
static void settle_keep_alive(struct session *s, enum body_kind body)
{
    if (body == BODY_CHUNKED && s->answer.http10 && !s->answer.to_head)
        s->keep_alive = false; /* the end of the connection is the end of the body */
    if (s->body.done)
        return;
    if (s->body.continue_due || !session_may_discard(s))
        s->keep_alive = false; /* whether the body still comes is not known, or too many send one */
}

static enum body_kind framing_of(const struct session *s, int status, enum body_kind body)
{
    if (s->answer.to_head || status == 204 || status == 304 || status < 200)
        return BODY_NONE;
    if (body == BODY_CHUNKED && s->answer.http10)
        return BODY_TO_CLOSE;
    return body;
}

static void put_framing(struct session *s, int status, enum body_kind body, uint64_t length)
{
    char mem[64];
    struct text t;

    if (status == 204 || status < 200)
        return;
    text_init(&t, mem, sizeof mem);
    if (body == BODY_COUNTED) {
        text_str(&t, "Content-Length: ");
        text_u64(&t, length);
        text_str(&t, "\r\n");
    } else if (body == BODY_CHUNKED && !s->answer.http10) {
        text_str(&t, "Transfer-Encoding: chunked\r\n");
    } else if (body == BODY_NONE && status != 304 && !s->answer.to_head) {
        text_str(&t, "Content-Length: 0\r\n");
    }
    session_put(s, text_slice(&t));
}

static void put_status_line(struct session *s, const struct answer_head *h)
{
    char mem[32];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, s->answer.http10 ? "HTTP/1.0 " : "HTTP/1.1 ");
    text_u64(&t, (uint64_t)h->status);
    text_char(&t, ' ');
    session_put(s, text_slice(&t));
    session_put(s, h->reason.len > 0 ? h->reason : slice_str(reason_phrase(h->status)));
    put_str(s, "\r\n");
}

static void put_fields(struct session *s, const struct field_list *l)
{
    size_t n = field_list_lines_len(l);
    struct text t;

    if (n < session_room(s)) {
        text_init(&t, s->w->clients->out + h1_of(s->w)->out_len, n + 1);
        field_list_lines(l, &t);
        h1_of(s->w)->out_len += n;
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        session_put(s, l->at[i].name);
        put_str(s, ": ");
        session_put(s, l->at[i].value);
        put_str(s, "\r\n");
    }
}

static void op_head(struct client *c, const struct answer_head *h)
{
    struct session *s = session_of(c);

    settle_keep_alive(s, h->body);
    s->answer.framing = framing_of(s, h->status, h->body);
    s->answer.left = h->body == BODY_COUNTED ? h->length : 0;
    s->answer.begun = true;
    put_status_line(s, h);
    put_fields(s, h->fields);
    if (h->status == 101) {
        put_str(s, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    } else {
        put_framing(s, h->status, h->body, h->length);
        if (!s->keep_alive)
            put_str(s, "Connection: close\r\n");
        else if (s->answer.http10)
            put_str(s, "Connection: keep-alive\r\n");
    }
    put_str(s, "\r\n");
}

static void put_chunk(struct session *s, struct slice bytes)
{
    char mem[CHUNK_LINE_MAX];
    size_t room = session_room(s);
    bool fits = bytes.len + sizeof mem + 2 < room; /* in one piece */
    struct text t;

    text_init(&t, fits ? s->w->clients->out + h1_of(s->w)->out_len : mem, fits ? room : sizeof mem);
    text_hex(&t, bytes.len, 1);
    text_str(&t, "\r\n");
    if (fits) {
        text_put(&t, bytes);
        text_str(&t, "\r\n");
        h1_of(s->w)->out_len += t.len;
    } else {
        session_put(s, text_slice(&t));
        session_put(s, bytes);
        put_str(s, "\r\n");
    }
}

static void op_data(struct client *c, struct slice bytes)
{
    struct session *s = session_of(c);

    if (bytes.len == 0)
        return;
    switch (s->answer.framing) {
    case BODY_NONE:
        return; /* an answer to HEAD */
    case BODY_COUNTED:
        WEIR_ASSERT(bytes.len <= s->answer.left);
        s->answer.left -= bytes.len;
        session_put(s, bytes);
        return;
    case BODY_CHUNKED:
        put_chunk(s, bytes);
        return;
    case BODY_TO_CLOSE:
        session_put(s, bytes);
        return;
    }
    WEIR_UNREACHABLE("framing");
}

/* The exchange is over; what becomes of the connection. */
static void answer_done(struct session *s)
{
    s->x = NULL;
    s->body.paused = false;
    s->body.until_ns = 0;
    if (s->state != SESSION_EXCHANGE && s->state != SESSION_TUNNEL)
        return;
    if (!s->keep_alive || s->state == SESSION_TUNNEL) {
        session_enter(s, SESSION_FLUSH);
        session_flush_now(s);
        return;
    }
    session_enter(s, s->body.done ? SESSION_IDLE : SESSION_DISCARD);
    loop_defer_free(s->w->loop,
                    &s->step); /* pipelined bytes, and reading again, once this callback is over */
}

static void end_whole(struct session *s)
{
    WEIR_ASSERT(s->answer.framing != BODY_COUNTED || s->answer.left == 0);
    if (s->answer.framing == BODY_CHUNKED)
        put_str(s, "0\r\n\r\n");
    if (s->state != SESSION_DEAD)
        answer_done(s);
}

static void end_cut(struct session *s)
{
    s->keep_alive = false;
    s->answer.cut = true;
    if (s->answer.framing == BODY_TO_CLOSE || s->answer.framing == BODY_NONE ||
        s->state == SESSION_TUNNEL) {
        /* an orderly end would look like a whole answer: break the connection */
        if (h1_of(s->w)->gathering == s)
            output_flush(s->w);
        if (s->state == SESSION_DEAD)
            return;
        s->x = NULL;
        conn_break(s->conn);
        session_close(s);
        return;
    }
    if (s->state != SESSION_DEAD)
        answer_done(s); /* an end without the last chunk, or before the counted end */
}

static void op_end(struct client *c, enum client_end how, const struct field_list *trailers)
{
    struct session *s = session_of(c);

    (void)trailers;
    if (how == CLIENT_END_WHOLE)
        end_whole(s);
    else
        end_cut(s);
}

static size_t op_backlog(const struct client *c)
{
    /* What is gathered has not been refused by the kernel yet: no room will be announced for it. */
    return session_of(c)->out.len;
}

static void op_want_body(struct client *c, bool want)
{
    struct session *s = session_of(c);

    if (s->body.paused == !want)
        return;
    s->body.paused = !want;
    if (want) {
        s->body.until_ns =
            s->body.done
                ? 0
                : loop_now_ns(s->w->loop) + s->w->snapshot->settings->client_timeouts.body_idle_ns;
        session_set_timer(s);
        loop_defer_free(s->w->loop, &s->step);
    } else {
        s->body.until_ns = 0;
        conn_want_read(s->conn, false);
    }
}

static void op_close_after(struct client *c)
{
    session_of(c)->keep_alive = false;
}

static void op_tunnel(struct client *c)
{
    struct session *s = session_of(c);

    s->answer.framing = BODY_TO_CLOSE;
    s->answer.tunnel = true;
    s->keep_alive = false;
    session_enter(s, SESSION_TUNNEL);
    loop_defer_free(s->w->loop, &s->step);
}

static bool op_can_add(const struct client *c)
{
    return session_of(c)->answer.framing == BODY_CHUNKED;
}

static void op_local(const struct client *c, struct net_addr *out)
{
    conn_local(session_of(c)->conn, out);
}

const struct client_ops h1_client = {
    .interim = op_interim,
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .backlog = op_backlog,
    .want_body = op_want_body,
    .close_after = op_close_after,
    .tunnel = op_tunnel,
    .can_add = op_can_add,
    .local = op_local,
};
