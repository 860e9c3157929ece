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
    LOOKED_AT_MAX = 64, /* idle ones, for the one that may go */
    LINGER_MAX = 1024 * 1024,
    DISCARDING_SHARE = 4, /* of all connections that many may send in vain */
};
#define DISCARD_NS (10 * NS_PER_S)
#define LINGER_NS  (2 * NS_PER_S)

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [SESSION_TLS] = BIT(SESSION_IDLE) | BIT(SESSION_DEAD),
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
    case SESSION_TLS:      /* the connection's own handshake deadline */
    case SESSION_EXCHANGE: /* the exchange's deadlines, and the body's below */
    case SESSION_TUNNEL:
    case SESSION_DEAD:
        return 0;
    }
    WEIR_UNREACHABLE("session state");
}

/* It may have to make room for a newcomer from here on. */
static void begin_idling(struct session *s)
{
    s->idle_since_ns = session_now(s);
    list_push_back(&s->w->clients->idle, &s->idle_node);
}

/* The only place that writes s->state. */
void session_enter(struct session *s, enum session_state next)
{
    uint64_t limit = state_limit_ns(s, next);

    WEIR_ASSERT((may_follow[s->state] & BIT(next)) != 0);
    s->w->clients->n_discarding += (next == SESSION_DISCARD) - (s->state == SESSION_DISCARD);
    s->state = next;
    s->state_until_ns = limit == 0 ? 0 : session_now(s) + limit;
    session_set_timer(s);
    list_remove(&s->idle_node);
    if (next == SESSION_IDLE)
        begin_idling(s);
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

static void free_deferred(struct loop_deferred *d)
{
    struct session *s = LIST_OBJECT(d, struct session, deferred);
    struct worker *w = s->w;

    slab_give(&w->clients->slab, s);
}

/* Ends the connection and, if there is one, tells its exchange.  Safe to call again. */
void session_close(struct session *s)
{
    struct worker *w = s->w;
    struct exchange *x = s->x;

    if (s->state == SESSION_DEAD)
        return;
    if (w->clients->gathering == s && !s->broken)
        output_flush(w);
    if (s->state == SESSION_DEAD)
        return; /* that was its last answer */
    s->w->clients->n_discarding -= s->state == SESSION_DISCARD;
    s->state = SESSION_DEAD;
    s->x = NULL;
    if (w->clients->gathering == s)
        w->clients->gathering = NULL;
    loop_timer_stop(&s->timer);
    list_remove(&s->node);
    list_remove(&s->idle_node);
    address_leave(s->addresses, conn_peer(s->conn));
    addresses_unref(&s->addresses);
    w->clients->gone(w);
    conn_close(&s->conn);
    buf_free(&s->in);
    buf_free(&s->out);
    loop_defer_free(w->loop, &s->deferred);
    if (x != NULL)
        exchange_client_gone(x);
}

/* --- reading away what a client still sends */

bool session_may_discard(const struct session *s)
{
    return s->w->clients->n_discarding < s->w->clients->max / DISCARDING_SHARE + 1;
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
    s->body_until_ns = 0;
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
    if (s->write_until_ns != 0 && now >= s->write_until_ns && !reads_slowly(s)) {
        session_close(s); /* it does not read */
    } else if (s->body_until_ns != 0 && now >= s->body_until_ns && !s->body_paused) {
        session_body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body did not arrive in time");
    } else if (s->state_until_ns != 0 && now >= s->state_until_ns) {
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
void session_idle_ends(struct session *s)
{
    if (s->served > 0) {
        session_close(s);
        return;
    }
    s->state_until_ns = session_now(s) + NS_PER_S;
    session_set_timer(s);
}

static const struct conn_events events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
    .on_writable = session_on_writable,
    .on_hangup = on_hangup,
};

static struct session *session_open(struct worker *w, int fd, const struct net_addr *peer,
                                    int listener)
{
    struct session *s = slab_take(&w->clients->slab);
    struct snapshot_listener *l = w->snapshot->by_slot[listener];

    if (s == NULL) {
        (void)close(fd);
        return NULL;
    }
    s->magic = SESSION_MAGIC;
    s->w = w;
    s->client.ops = &h1_client;
    s->addresses = l->addresses;
    addresses_ref(s->addresses);
    s->state = l->tls != NULL ? SESSION_TLS : SESSION_IDLE;
    list_init(&s->node);
    list_init(&s->idle_node);
    loop_deferred_init(&s->deferred, free_deferred);
    loop_deferred_init(&s->step, on_step);
    loop_timer_init(&s->timer, w->loop, on_timer, s);
    s->conn = conn_accept(w->loop, fd, peer, l->tls, session_timeouts(s)->tls_ns, &events, s);
    if (s->conn == NULL) {
        addresses_unref(&s->addresses);
        slab_give(&w->clients->slab, s);
        return NULL;
    }
    list_push_back(&w->clients->live, &s->node);
    if (s->state == SESSION_IDLE) {
        s->state_until_ns = session_now(s) + session_timeouts(s)->keepalive_ns;
        session_set_timer(s);
        begin_idling(s);
    }
    return s;
}

/* --- those of a worker */

struct clients *clients_create(struct worker *w, uint32_t max, void (*gone)(struct worker *w))
{
    struct clients *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->gone = gone;
    c->max = max;
    c->out = malloc(SCRATCH_BYTES);
    slab_init(&c->slab, sizeof(struct session), max);
    list_init(&c->live);
    list_init(&c->idle);
    if (c->out == NULL)
        clients_destroy(&c);
    else
        loop_on_flush(w->loop, output_flush, w);
    return c;
}

void clients_destroy(struct clients **cp)
{
    struct clients *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    slab_fini(&c->slab);
    free(c->out);
    free(c);
}

bool clients_open(struct worker *w, int fd, const struct net_addr *peer, int listener)
{
    return session_open(w, fd, peer, listener) != NULL;
}

/* Nobody is sent away who was only just let in and has not spoken yet. */
static bool may_go(const struct session *s, const struct addresses *of)
{
    uint64_t idle_ns = session_now(s) - s->idle_since_ns;

    return (of == NULL || s->addresses == of) && buf_empty(&s->out) &&
           (s->served > 0 || idle_ns >= NS_PER_S);
}

static struct session *longest_idle(const struct worker *w, const struct addresses *of)
{
    int looked = 0;

    LIST_EACH(n, &w->clients->idle)
    {
        struct session *s = LIST_OBJECT(n, struct session, idle_node);

        if (may_go(s, of))
            return s;
        if (++looked == LOOKED_AT_MAX)
            break;
    }
    return NULL;
}

bool clients_can_make_room(const struct worker *w)
{
    return longest_idle(w, NULL) != NULL;
}

bool clients_make_room(struct worker *w, const struct addresses *of)
{
    struct session *s = longest_idle(w, of);

    if (s != NULL)
        session_close(s);
    return s != NULL;
}

void clients_check_rates(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &w->clients->live)
    session_check_rate(LIST_OBJECT(n, struct session, node), loop_now_ns(w->loop));
}

void clients_lame_duck(struct worker *w)
{
    LIST_EACH(n, &w->clients->live)
    {
        struct session *s = LIST_OBJECT(n, struct session, node);

        s->keep_alive = s->keep_alive && s->answer_begun; /* a head that is out has promised */
    }
}

void clients_end_idle(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &w->clients->live)
    {
        struct session *s = LIST_OBJECT(n, struct session, node);

        if (s->state == SESSION_IDLE)
            session_idle_ends(s);
    }
}

void clients_close(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &w->clients->live)
    session_close(LIST_OBJECT(n, struct session, node));
}

size_t clients_bytes(void)
{
    return sizeof(struct session);
}
