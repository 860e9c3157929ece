/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection that speaks HTTP/1: its states, deadlines and input.  Owner and thread: its
 * worker.  What it answers is h1_answer.c; what a request means is the exchange's.
 *
 * Input is received into the worker's scratch; only what is not used at once is kept in s->in.
 * While pipelined bytes are kept, reading is off, and the kernel's hangup tells of a client that
 * left.
 */
#include "flow_priv.h"

#include <unistd.h>

enum { LINGER_MAX = 1024 * 1024 };
#define DRAIN_NS  (5 * NS_PER_S)
#define LINGER_NS (2 * NS_PER_S)

static const struct client_timeouts_conf *timeouts_of(const struct session *s)
{
    return &s->w->site->settings->client_timeouts;
}

static uint64_t now_of(const struct session *s)
{
    return loop_now_ns(s->w->loop);
}

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [SESSION_TLS] = BIT(SESSION_IDLE) | BIT(SESSION_DEAD),
    [SESSION_IDLE] = BIT(SESSION_HEAD) | BIT(SESSION_EXCHANGE) | BIT(SESSION_DEAD),
    [SESSION_HEAD] = BIT(SESSION_EXCHANGE) | BIT(SESSION_DEAD),
    [SESSION_EXCHANGE] = BIT(SESSION_IDLE) | BIT(SESSION_DRAIN) | BIT(SESSION_FLUSH) |
                         BIT(SESSION_TUNNEL) | BIT(SESSION_DEAD),
    [SESSION_DRAIN] = BIT(SESSION_IDLE) | BIT(SESSION_FLUSH) | BIT(SESSION_DEAD),
    [SESSION_FLUSH] = BIT(SESSION_LINGER) | BIT(SESSION_DEAD),
    [SESSION_LINGER] = BIT(SESSION_DEAD),
    [SESSION_TUNNEL] = BIT(SESSION_FLUSH) | BIT(SESSION_DEAD),
    [SESSION_DEAD] = 0,
};

static uint64_t state_limit_ns(const struct session *s, enum session_state state)
{
    switch (state) {
    case SESSION_IDLE:
        return timeouts_of(s)->keepalive_ns;
    case SESSION_HEAD:
        return timeouts_of(s)->head_ns;
    case SESSION_DRAIN:
        return DRAIN_NS;
    case SESSION_FLUSH:
        return timeouts_of(s)->write_ns;
    case SESSION_LINGER:
        return LINGER_NS;
    case SESSION_TLS:      /* the connection's own handshake deadline */
    case SESSION_EXCHANGE: /* the exchange's deadlines, and the body's below */
    case SESSION_TUNNEL:
    case SESSION_DEAD:
        return 0;
    }
    WEIR_UNREACHABLE("session state");
}

/* The only place that writes s->state. */
void session_enter(struct session *s, enum session_state next)
{
    uint64_t limit = state_limit_ns(s, next);

    WEIR_ASSERT((may_follow[s->state] & BIT(next)) != 0);
    s->state = next;
    s->state_until_ns = limit == 0 ? 0 : now_of(s) + limit;
    session_set_timer(s);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void session_set_timer(struct session *s)
{
    uint64_t due = sooner(sooner(s->state_until_ns, s->write_until_ns), s->body_until_ns);

    if (due == 0)
        s->timer.due_ns = 0; /* lazily: the armed event finds nothing to do */
    else
        loop_timer_at(&s->timer, due);
}

static void reap(struct loop_grave *g)
{
    struct session *s = LIST_OBJECT(g, struct session, grave);
    struct worker *w = s->w;

    slab_give(&w->sessions, s);
}

/* Ends the connection and, if there is one, tells its exchange.  Safe to call again. */
void session_close(struct session *s)
{
    struct worker *w = s->w;
    struct exchange *x = s->x;

    if (s->state == SESSION_DEAD)
        return;
    s->state = SESSION_DEAD;
    s->x = NULL;
    if (w->corked == s) {
        w->corked = NULL;
        w->out_len = 0;
    }
    loop_timer_stop(&s->timer);
    list_remove(&s->node);
    worker_session_gone(w, s);
    conn_close(&s->conn);
    buf_free(&s->in);
    buf_free(&s->out);
    loop_bury(w->loop, &s->grave);
    if (x != NULL)
        exchange_client_gone(x);
}

/* --- heads */

static void begin_exchange(struct session *s, const struct request_head *h)
{
    struct client_facts cf = {conn_peer(s->conn), conn_is_tls(s->conn),
                              site_trusts(s->w->site, conn_peer(s->conn))};
    struct exchange *x;

    s->served++;
    s->http10 = h->minor == 0;
    s->is_head = h->is_head;
    s->keep_alive = h->keep_alive && !s->w->draining &&
                    s->served < s->w->site->settings->limits.keepalive_requests;
    s->body = h->body;
    s->body_left = h->length;
    s->body_got = s->lingered = 0;
    s->body_done = h->body == BODY_NONE || (h->body == BODY_COUNTED && h->length == 0);
    s->body_paused = s->body_broken = s->answer_begun = s->answer_done = false;
    s->continue_due = h->expect_continue && !s->body_done;
    s->body_begun_ns = now_of(s);
    chunked_init(&s->chunked);
    session_enter(s, SESSION_EXCHANGE);
    if (!s->body_done)
        session_body_deadline(s);
    x = exchange_request(s->w, &s->codec, h, &cf);
    if (x == NULL) {
        session_close(s);
        return;
    }
    s->x = x;
    exchange_go(x);
}

static void refuse_head(struct session *s, const struct head_error *err,
                        const struct request_head *h)
{
    struct client_facts cf = {conn_peer(s->conn), conn_is_tls(s->conn), false};
    struct exchange *x;

    s->http10 = s->is_head = s->keep_alive = false;
    s->body_done = s->body_broken = true;
    s->answer_begun = s->answer_done = s->continue_due = false;
    session_enter(s, SESSION_EXCHANGE);
    x = exchange_bad_request(s->w, &s->codec, err, h, &cf);
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

    if (!head_is_due(&s->head_wait, in, &s->w->site->request_limits))
        return 0;
    p = request_parse(in, &s->w->site->request_limits, s->w->fields, &h, &used, &err);
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
        refuse_head(s, &err, &h);
        return in.len;
    }
    WEIR_UNREACHABLE("parse");
}

static size_t consume_some(struct session *s, struct slice in)
{
    switch (s->state) {
    case SESSION_IDLE:
    case SESSION_HEAD:
        return consume_head(s, in);
    case SESSION_EXCHANGE:
    case SESSION_DRAIN:
        return s->body_broken ? in.len : session_body_consume(s, in);
    case SESSION_TUNNEL:
        exchange_body(s->x, in);
        return in.len;
    case SESSION_LINGER:
    case SESSION_FLUSH:
    case SESSION_DEAD:
        s->lingered += in.len;
        return in.len;
    case SESSION_TLS:
        break;
    }
    WEIR_UNREACHABLE("bytes before the handshake");
}

/* Uses what can be used now, in order; returns how many bytes. */
static size_t consume(struct session *s, struct slice in)
{
    size_t used = 0;

    while (used < in.len && s->state != SESSION_DEAD) {
        size_t n = consume_some(s, slice_from(in, used));
        used += n;
        if (s->state == SESSION_DRAIN && s->body_done)
            session_enter(s, SESSION_IDLE);
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
        conn_want_read(s->conn, !full && !(s->state == SESSION_EXCHANGE && s->body_paused) &&
                                    !(s->state == SESSION_TUNNEL && s->body_paused));
}

static void keep(struct session *s, struct slice rest)
{
    size_t max = (size_t)s->w->site->settings->limits.head + SCRATCH_BYTES;

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
    if (s->state == SESSION_IDLE && (s->w->quitting || s->eof_seen)) {
        session_close(s);
        return;
    }
    set_reading(s);
}

static void on_step(struct loop_grave *g)
{
    struct session *s = LIST_OBJECT(g, struct session, step);
    struct worker *w = s->w;

    WEIR_CHECK(s, SESSION_MAGIC);
    session_step(s);
    session_uncork(w);
}

/* The client ended its side. */
static void on_eof(struct session *s)
{
    bool keep_half = s->w->site->settings->keep_half_closed;

    if (s->state == SESSION_EXCHANGE && keep_half && s->body_done) {
        s->eof_seen = true;
        s->keep_alive = false;
        conn_want_read(s->conn, false);
        return;
    }
    session_close(s);
}

static bool receive(struct session *s)
{
    struct worker *w = s->w;
    size_t got = 0, used, room = SCRATCH_BYTES;
    char *at = w->in;
    bool kept = !buf_empty(&s->in);
    enum weir_status rc;

    if (kept && buf_reserve(&s->in, 2048, (size_t)w->site->settings->limits.head + SCRATCH_BYTES,
                            &at, &room) != WEIR_OK) {
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

static void on_readable(struct conn *c, void *owner)
{
    struct session *s = owner;
    struct worker *w;

    WEIR_CHECK(s, SESSION_MAGIC);
    w = s->w;
    while (receive(s) && conn_has_pending(c) && conn_wants_read(c))
        continue;
    if (s->state == SESSION_LINGER && s->lingered > LINGER_MAX)
        session_close(s);
    session_uncork(w);
}

static void on_open(struct conn *c, void *owner)
{
    struct session *s = owner;

    WEIR_CHECK(s, SESSION_MAGIC);
    (void)c;
    session_enter(s, SESSION_IDLE);
}

static void on_fail(struct conn *c, void *owner, enum weir_status st, const char *why)
{
    struct session *s = owner;
    char peer[NET_ADDR_TEXT_MAX];

    WEIR_CHECK(s, SESSION_MAGIC);
    net_addr_format(conn_peer(c), peer);
    log_debug("client %s: TLS handshake failed (%s): %s", peer, weir_status_text(st), why);
    session_close(s);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct session *s = owner;
    struct worker *w;

    WEIR_CHECK(s, SESSION_MAGIC);
    (void)c;
    w = s->w;
    if (reset || s->state != SESSION_EXCHANGE || !w->site->settings->keep_half_closed)
        session_close(s);
    else
        s->keep_alive = false;
    session_uncork(w);
}

/* The kernel announces room only when a good part of its buffer is free: look at what has left. */
static bool reads_slowly(struct session *s)
{
    size_t unsent = conn_unsent(s->conn);
    bool progress = unsent < s->write_unsent;

    s->write_unsent = unsent;
    if (progress)
        s->write_until_ns = now_of(s) + timeouts_of(s)->write_ns;
    return progress;
}

static void on_timer(void *arg)
{
    struct session *s = arg;
    struct worker *w;
    uint64_t now;

    WEIR_CHECK(s, SESSION_MAGIC);
    w = s->w;
    now = now_of(s);
    if (s->write_until_ns != 0 && now >= s->write_until_ns && !reads_slowly(s)) {
        session_close(s); /* it does not read */
    } else if (s->body_until_ns != 0 && now >= s->body_until_ns && !s->body_paused) {
        session_body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body did not arrive in time");
    } else if (s->state_until_ns != 0 && now >= s->state_until_ns) {
        if (s->state == SESSION_HEAD)
            refuse_head(
                s,
                &(struct head_error){408, CAUSE_REQUEST_TIMEOUT, "the head did not arrive in time"},
                NULL);
        else
            session_close(s);
    }
    if (s->state != SESSION_DEAD)
        session_set_timer(s);
    session_uncork(w);
}

/* The process is ending: an idle connection goes, but one whose first request may be under way. */
void session_idle_ends(struct session *s)
{
    if (s->served > 0) {
        session_close(s);
        return;
    }
    s->state_until_ns = now_of(s) + NS_PER_S;
    session_set_timer(s);
}

static const struct conn_events events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
    .on_writable = session_on_writable,
    .on_hangup = on_hangup,
};

struct session *session_open(struct worker *w, int fd, int listener)
{
    struct session *s = slab_take(&w->sessions);
    struct site_listener *l = w->site->by_slot[listener];

    if (s == NULL) {
        (void)close(fd);
        return NULL;
    }
    s->magic = SESSION_MAGIC;
    s->w = w;
    s->codec.ops = &h1_codec;
    s->addresses = l->addresses;
    addresses_hold(s->addresses);
    s->state = l->tls != NULL ? SESSION_TLS : SESSION_IDLE;
    list_init(&s->node);
    loop_grave_init(&s->grave, reap);
    loop_grave_init(&s->step, on_step);
    loop_timer_init(&s->timer, w->loop, on_timer, s);
    s->conn = conn_accept(w->loop, fd, l->tls, timeouts_of(s)->tls_ns, &events, s);
    if (s->conn == NULL) {
        addresses_release(&s->addresses);
        slab_give(&w->sessions, s);
        return NULL;
    }
    list_push_back(&w->live_sessions, &s->node);
    if (s->state == SESSION_IDLE) {
        s->state_until_ns = now_of(s) + timeouts_of(s)->keepalive_ns;
        session_set_timer(s);
    }
    return s;
}
