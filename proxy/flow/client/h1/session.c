/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection that speaks HTTP/1: its states, deadlines and ends.  Owner and thread: its
 * worker.  What it reads is client/h1/input.c and client/h1/body.c, what it answers
 * client/h1/answer.c; what a request means is the exchange's.
 */
#include "h1_priv.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    LINGER_MAX = 1024 * 1024,
    DISCARDING_SHARE = 4, /* of all connections that many may send in vain */
};
#define DISCARD_NS (10 * NS_PER_S)
#define LINGER_NS  (2 * NS_PER_S)

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [SESSION_IDLE] = BIT(SESSION_HEAD) | BIT(SESSION_EXCHANGE) | BIT(SESSION_DEAD),
    [SESSION_HEAD] = BIT(SESSION_EXCHANGE) | BIT(SESSION_DEAD),
    [SESSION_EXCHANGE] = BIT(SESSION_IDLE) | BIT(SESSION_DISCARD) | BIT(SESSION_FLUSH) |
                         BIT(SESSION_TUNNEL) | BIT(SESSION_DEAD),
    [SESSION_DISCARD] = BIT(SESSION_IDLE) | BIT(SESSION_LINGER) | BIT(SESSION_DEAD),
    [SESSION_FLUSH] = BIT(SESSION_DISCARD) | BIT(SESSION_LINGER) | BIT(SESSION_DEAD),
    [SESSION_LINGER] = BIT(SESSION_DEAD),
    [SESSION_TUNNEL] = BIT(SESSION_FLUSH) | BIT(SESSION_DEAD),
    [SESSION_DEAD] = 0,
};

static uint64_t state_limit_ns(const struct session *s, enum session_state state)
{
    switch (state) {
    case SESSION_IDLE:
        return session_timeouts(s)->keepalive_ns;
    case SESSION_HEAD:
        return session_timeouts(s)->head_ns;
    case SESSION_DISCARD:
        return DISCARD_NS;
    case SESSION_FLUSH:
        return session_timeouts(s)->write_ns;
    case SESSION_LINGER:
        return LINGER_NS;
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
    h1_of(s->w)->n_discarding += (next == SESSION_DISCARD) - (s->state == SESSION_DISCARD);
    s->state = next;
    s->state_until_ns = limit == 0 ? 0 : session_now(s) + limit;
    session_set_timer(s);
    list_remove(&s->idle.node);
    if (next == SESSION_IDLE)
        client_idle_begin(s->w, &s->idle);
}

void session_set_timer(struct session *s)
{
    uint64_t due =
        deadline_sooner(deadline_sooner(s->state_until_ns, s->write_until_ns), s->body.until_ns);

    if (due == 0)
        s->timer.due_ns = 0; /* lazily: the armed event finds nothing to do */
    else
        loop_timer_at(&s->timer, due);
}

static void free_deferred(struct loop_deferred *d)
{
    struct session *s = LIST_OBJECT(d, struct session, deferred);
    struct worker *w = s->w;

    slab_give(&h1_of(w)->slab, s);
}

/* Ends the connection and, if there is one, tells its exchange.  Safe to call again. */
void session_close(struct session *s)
{
    struct worker *w = s->w;
    struct exchange *x = s->x;

    if (s->state == SESSION_DEAD)
        return;
    if (h1_of(w)->gathering == s && !s->broken)
        output_flush(w);
    if (s->state == SESSION_DEAD)
        return; /* that was its last answer */
    session_enter(s, SESSION_DEAD);
    s->x = NULL;
    if (h1_of(w)->gathering == s)
        h1_of(w)->gathering = NULL;
    loop_timer_stop(&s->timer);
    list_remove(&s->node);
    client_leave(w, &s->conn, &s->addresses);
    buf_free(&s->in);
    buf_free(&s->out);
    loop_defer_free(w->loop, &s->deferred);
    if (x != NULL)
        exchange_client_gone(x);
}

/* --- reading away what a client still sends */

bool session_may_discard(const struct session *s)
{
    return h1_of(s->w)->n_discarding < h1_of(s->w)->max / DISCARDING_SHARE + 1;
}

/* Everything has left: go on with what was to happen then. */
void session_flushed(struct session *s)
{
    if (s->state != SESSION_FLUSH)
        return;
    if (!s->body.done && !s->answer.cut && !s->body.continue_due &&
        s->answer.framing != BODY_TO_CLOSE && session_may_discard(s)) {
        session_enter(s, SESSION_DISCARD); /* many clients take an early end for a broken one */
        loop_defer_free(s->w->loop, &s->step);
    } else if (s->body.broken || !s->body.done || s->answer.cut || s->answer.tunnel) {
        session_linger(s);
    } else {
        session_close(s);
    }
}

/* In FLUSH: if there is nothing left to send now, go on at once. */
void session_flush_now(struct session *s)
{
    if (h1_of(s->w)->gathering == s)
        output_flush(s->w);
    if (s->state == SESSION_FLUSH && buf_empty(&s->out))
        session_flushed(s);
}

/*
 * Our side ends, the client's is read for a moment: what it still sends must not reset the answer
 * away (RFC 9112, 9.6).
 */
void session_linger(struct session *s)
{
    conn_shutdown(s->conn);
    session_enter(s, SESSION_LINGER);
    s->lingered = 0;
    s->body.until_ns = 0;
    buf_free(&s->in);
    conn_want_read(s->conn, true);
}

/* The body of a refused request has been read to its end. */
void session_discarded(struct session *s)
{
    if (s->keep_alive)
        session_enter(s, SESSION_IDLE);
    else
        session_linger(s);
}

/* --- events of the connection */

static void on_step(struct loop_deferred *d)
{
    struct session *s = LIST_OBJECT(d, struct session, step);

    WEIR_CHECK(s, SESSION_MAGIC);
    session_step(s);
}

static void on_readable(struct conn *c, void *owner)
{
    struct session *s = owner;

    WEIR_CHECK(s, SESSION_MAGIC);
    while (session_receive(s) && conn_has_pending(c) && conn_wants_read(c))
        continue;
    if (s->state == SESSION_LINGER && s->lingered > LINGER_MAX)
        session_close(s);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct session *s = owner;

    WEIR_CHECK(s, SESSION_MAGIC);
    (void)c;
    /* with "keep" the end is found by reading, behind what was sent before it */
    if (reset || s->state == SESSION_TUNNEL || !s->w->snapshot->settings->keep_half_closed)
        session_close(s);
}

/* The kernel announces room only when a good part of its buffer is free: look at what has left. */
static bool reads_slowly(struct session *s)
{
    size_t unsent = conn_unsent(s->conn);
    bool progress = unsent < s->write_unsent;

    s->write_unsent = unsent;
    if (progress)
        s->write_until_ns = session_now(s) + session_timeouts(s)->write_ns;
    return progress;
}

static void on_timer(void *arg)
{
    struct session *s = arg;
    uint64_t now;

    WEIR_CHECK(s, SESSION_MAGIC);
    now = session_now(s);
    if (deadline_is_due(s->write_until_ns, now) && !reads_slowly(s)) {
        session_close(s); /* it does not read */
    } else if (deadline_is_due(s->body.until_ns, now) && !s->body.paused) {
        session_body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body did not arrive in time");
    } else if (deadline_is_due(s->state_until_ns, now)) {
        if (s->state == SESSION_HEAD)
            session_refuse_head(
                s,
                &(struct head_error){408, CAUSE_REQUEST_TIMEOUT, "the head did not arrive in time"},
                NULL);
        else if (s->state == SESSION_DISCARD)
            session_linger(s);
        else
            session_close(s);
    }
    if (s->state != SESSION_DEAD)
        session_set_timer(s);
}

/* The process is ending: an idle connection goes, but one whose first request may be under way. */
static void session_idle_ends(struct session *s)
{
    if (s->served > 0) {
        session_close(s);
        return;
    }
    s->state_until_ns = session_now(s) + NS_PER_S;
    session_set_timer(s);
}

static const struct conn_events events = {
    .on_readable = on_readable,
    .on_writable = session_on_writable,
    .on_hangup = on_hangup,
};

static bool may_go(const struct client_idle *i, const struct addresses *of)
{
    const struct session *s = LIST_OBJECT(i, struct session, idle);

    return (of == NULL || s->addresses == of) && buf_empty(&s->out) &&
           (s->served > 0 || client_idle_long_enough(s->w, i));
}

static void go(struct client_idle *i)
{
    session_close(LIST_OBJECT(i, struct session, idle));
}

/* --- beginnings */

static struct session *session_create(struct worker *w, struct addresses *a)
{
    struct session *s = slab_take(&h1_of(w)->slab);

    if (s == NULL)
        return NULL;
    s->magic = SESSION_MAGIC;
    s->state = SESSION_IDLE;
    s->w = w;
    s->client.ops = &h1_client;
    s->addresses = a;
    s->idle.may_go = may_go;
    s->idle.close = go;
    list_init(&s->node);
    list_init(&s->idle.node);
    loop_deferred_init(&s->deferred, free_deferred);
    loop_deferred_init(&s->step, on_step);
    loop_timer_init(&s->timer, w->loop, on_timer, s);
    return s;
}

static void session_begin(struct session *s)
{
    list_push_back(&h1_of(s->w)->live, &s->node);
    s->state_until_ns = session_now(s) + session_timeouts(s)->keepalive_ns;
    session_set_timer(s);
    client_idle_begin(s->w, &s->idle);
}

bool h1_open(struct worker *w, int fd, const struct net_addr *peer, struct addresses *a)
{
    struct session *s = session_create(w, a);

    if (s == NULL) {
        (void)close(fd);
        return false;
    }
    s->conn = conn_accept(w->loop, fd, peer, NULL, 0, &events, s);
    if (s->conn == NULL) {
        slab_give(&h1_of(w)->slab, s);
        return false;
    }
    session_begin(s);
    return true;
}

bool h1_adopt(struct worker *w, struct conn *conn, struct addresses *a, struct slice early)
{
    struct session *s = session_create(w, a);

    if (s == NULL || buf_append(&s->in, early, SCRATCH_BYTES) != WEIR_OK) {
        if (s != NULL)
            slab_give(&h1_of(w)->slab, s);
        return false;
    }
    s->conn = conn;
    conn_set_owner(conn, &events, s);
    session_begin(s);
    if (early.len > 0)
        loop_defer_free(w->loop, &s->step);
    return true;
}

/* --- those of a worker */

struct h1_clients *h1_create(struct worker *w, uint32_t max)
{
    struct h1_clients *c = calloc(1, sizeof *c);

    (void)w;
    if (c == NULL)
        return NULL;
    c->max = max;
    slab_init(&c->slab, sizeof(struct session), max);
    list_init(&c->live);
    return c;
}

void h1_destroy(struct h1_clients **cp)
{
    struct h1_clients *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    slab_fini(&c->slab);
    free(c);
}

void h1_flush(struct worker *w)
{
    output_flush(w);
}

void h1_check_rates(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &h1_of(w)->live)
    session_check_rate(LIST_OBJECT(n, struct session, node), loop_now_ns(w->loop));
}

void h1_lame_duck(struct worker *w)
{
    LIST_EACH(n, &h1_of(w)->live)
    {
        struct session *s = LIST_OBJECT(n, struct session, node);

        s->keep_alive = s->keep_alive && s->answer.begun; /* a head that is out has promised */
    }
}

void h1_end_idle(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &h1_of(w)->live)
    {
        struct session *s = LIST_OBJECT(n, struct session, node);

        if (s->state == SESSION_IDLE)
            session_idle_ends(s);
    }
}

void h1_close(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &h1_of(w)->live)
    session_close(LIST_OBJECT(n, struct session, node));
}

size_t h1_bytes(void)
{
    return sizeof(struct session);
}
