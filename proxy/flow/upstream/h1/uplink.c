/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to upstreams: opened, lent to one exchange at a time, kept for the next one, closed
 * early.  Owner and thread: the worker.  What they receive is upstream/h1/read.c.
 *
 *   CONNECTING → HEAD ⇄ (BODY) → IDLE → HEAD …     newest idle one first
 *   any        → DEAD
 */
#include "flow_priv.h"

#define SURPLUS_NS NS_PER_S

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [UPLINK_CONNECTING] = BIT(UPLINK_HEAD) | BIT(UPLINK_DEAD),
    [UPLINK_IDLE] = BIT(UPLINK_HEAD) | BIT(UPLINK_DEAD),
    [UPLINK_HEAD] = BIT(UPLINK_BODY) | BIT(UPLINK_IDLE) | BIT(UPLINK_TUNNEL) | BIT(UPLINK_DEAD),
    [UPLINK_BODY] = BIT(UPLINK_IDLE) | BIT(UPLINK_DEAD),
    [UPLINK_TUNNEL] = BIT(UPLINK_DEAD),
    [UPLINK_DEAD] = 0,
};

/* The only place that writes u->state. */
void uplink_enter(struct uplink *u, enum uplink_state next)
{
    WEIR_ASSERT((may_follow[u->state] & BIT(next)) != 0);
    u->state = next;
}

static struct idle_pool *idle_pool_of(const struct uplink *u)
{
    return &u->w->idle_pools[u->upstream->slot];
}

static void free_deferred(struct loop_deferred *d)
{
    struct uplink *u = LIST_OBJECT(d, struct uplink, deferred);
    struct worker *w = u->w;

    snapshot_use_unref(&u->use);
    slab_give(&w->uplinks, u);
}

void uplink_close(struct uplink *u)
{
    if (u->state == UPLINK_DEAD)
        return;
    if (u->state == UPLINK_IDLE)
        idle_pool_of(u)->n_idle--;
    list_remove(&u->node);
    uplink_enter(u, UPLINK_DEAD);
    loop_timer_stop(&u->timer);
    conn_close(&u->conn);
    buf_free(&u->in);
    counter_sub(&u->w->counters.upstream_open, 1);
    if (u->x != NULL) {
        u->x->uplink = NULL;
        u->x = NULL;
    }
    loop_defer_free(u->w->loop, &u->deferred);
}

/* --- idle ones */

static void on_idle_timeout(void *arg)
{
    struct uplink *u = arg;

    WEIR_CHECK(u, UPLINK_MAGIC);
    if (u->state == UPLINK_IDLE)
        uplink_close(u);
}

/* A second before the upstream would close it by its own Keep-Alive, or after ours. */
static uint64_t idle_limit_ns(const struct uplink *u)
{
    uint64_t own = u->upstream->conf->idle_timeout_ns;
    uint64_t promised = (uint64_t)u->keep_alive_s * NS_PER_S;

    if (promised == 0)
        return own;
    promised = promised > NS_PER_S ? promised - NS_PER_S : promised / 2;
    return promised < own ? promised : own;
}

static bool is_surplus(const struct uplink *u)
{
    return idle_pool_of(u)->n_idle >= u->upstream->conf->idle_connections;
}

/*
 * Answers come in bursts: more than idle_connections may be free for a moment, and missed in the
 * next.  They stay for a second, as long as there are no more of them than clients.
 */
static bool may_be_surplus(const struct uplink *u)
{
    return u->upstream->conf->idle_connections > 0 &&
           counter_get(&u->w->counters.upstream_open) <= u->w->n_sessions;
}

static bool may_idle(const struct uplink *u)
{
    return u->keep && !u->w->quitting && idle_limit_ns(u) > 0 &&
           (!is_surplus(u) || may_be_surplus(u)) &&
           (u->keep_alive_max == 0 || u->served < u->keep_alive_max);
}

static void make_idle(struct uplink *u)
{
    uint64_t limit_ns = idle_limit_ns(u);

    if (is_surplus(u) && limit_ns > SURPLUS_NS)
        limit_ns = SURPLUS_NS;
    uplink_enter(u, UPLINK_IDLE);
    u->x = NULL;
    idle_pool_of(u)->n_idle++;
    list_push_front(&idle_pool_of(u)->idle, &u->node);
    loop_timer_at(&u->timer, loop_now_ns(u->w->loop) + limit_ns);
    conn_want_read(u->conn, true); /* anything that comes now closes it */
}

void uplink_release(struct exchange *x, bool reusable)
{
    struct uplink *u = x->uplink;

    if (u == NULL)
        return;
    x->uplink = NULL;
    u->x = NULL;
    if (reusable && u->whole && may_idle(u))
        make_idle(u);
    else
        uplink_close(u);
}

void uplink_close_idle(struct worker *w, int slot)
{
    LIST_EACH_SAFE(n, t, &w->idle_pools[slot].idle)
    uplink_close(LIST_OBJECT(n, struct uplink, node));
}

/* --- taking */

static void begin(struct uplink *u, struct exchange *x)
{
    x->uplink = u;
    u->x = x;
    u->any_byte = u->whole = false;
    u->served++;
    u->written_before = u->written;
}

/*
 * The newest.  Whatever it may have received while idle has closed it already: its read event is
 * always on, and events are handled in the order in which they happened.
 */
static struct uplink *take_idle(struct worker *w, struct idle_pool *l)
{
    struct uplink *u;

    if (list_empty(&l->idle))
        return NULL;
    u = LIST_OBJECT(l->idle.next, struct uplink, node);
    WEIR_CHECK(u, UPLINK_MAGIC);
    list_remove(&u->node);
    l->n_idle--;
    u->timer.due_ns = 0;
    counter_add(&w->counters.upstream_reuses, 1);
    return u;
}

static void on_open(struct conn *c, void *owner)
{
    struct uplink *u = owner;
    struct worker *w;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    w = u->w;
    uplink_enter(u, UPLINK_HEAD);
    u->x->connect_took_ns = loop_now_ns(w->loop) - u->begun_ns;
    exchange_on_connected(u->x);
}

/* Tries the next address before it gives up. */
static bool try_next_address(struct exchange *x, struct idle_pool *l, uint8_t tried)
{
    if (tried + 1 >= l->n_addrs)
        return false;
    l->next_addr = (uint8_t)((l->next_addr + 1) % l->n_addrs);
    x->addresses_tried = (uint8_t)(tried + 1);
    return uplink_take(x, true) == WEIR_OK;
}

static void on_fail(struct conn *c, void *owner, enum weir_status s, const char *why)
{
    struct uplink *u = owner;
    struct exchange *x;
    struct idle_pool *l;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    x = u->x;
    l = idle_pool_of(u);
    x->uplink = NULL;
    u->x = NULL;
    if (!try_next_address(x, l, x->addresses_tried))
        exchange_on_connect_failed(x, s, why);
    uplink_close(u);
}

static void on_writable(struct conn *c, void *owner)
{
    struct uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    if (u->x != NULL)
        uplink_push(u);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    (void)reset;
    if (u->state == UPLINK_IDLE)
        uplink_close(u);
    /* else: reading is paused by the client's pace; the end is read in its turn */
}

static const struct conn_events events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = uplink_on_readable,
    .on_writable = on_writable,
    .on_hangup = on_hangup,
};

static struct uplink *open_new(struct exchange *x, struct idle_pool *l)
{
    struct worker *w = x->w;
    struct uplink *u = slab_take(&w->uplinks);

    if (u == NULL)
        return NULL;
    u->magic = UPLINK_MAGIC;
    u->state = UPLINK_CONNECTING;
    u->w = w;
    u->upstream = x->upstream;
    u->use = x->use;
    u->use->exchanges++;
    u->begun_ns = loop_now_ns(w->loop);
    list_init(&u->node);
    loop_timer_init(&u->timer, w->loop, on_idle_timeout, u);
    loop_deferred_init(&u->deferred, free_deferred);
    u->conn = conn_connect(w->loop, &l->addrs[l->next_addr], x->upstream->tls,
                           x->pool->conf->timeouts.connect_ns, &events, u);
    if (u->conn == NULL) {
        snapshot_use_unref(&u->use);
        slab_give(&w->uplinks, u);
        return NULL;
    }
    counter_add(&w->counters.upstream_open, 1);
    counter_add(&w->counters.upstream_connects, 1);
    return u;
}

enum weir_status uplink_take(struct exchange *x, bool fresh)
{
    struct idle_pool *l = &x->w->idle_pools[x->upstream->slot];
    struct uplink *u = fresh ? NULL : take_idle(x->w, l);

    if (u != NULL) {
        uplink_enter(u, UPLINK_HEAD);
        u->reused = true;
        begin(u, x);
        exchange_on_connected(x);
        return WEIR_OK;
    }
    if (l->n_addrs == 0)
        return l->why[0] == '\0' ? WEIR_AGAIN : WEIR_DNS;
    u = open_new(x, l);
    if (u == NULL)
        return WEIR_SYS;
    begin(u, x);
    return WEIR_OK;
}

/* --- sending */

bool uplink_may_have_begun(const struct uplink *u)
{
    uint64_t acked = conn_acked(u->conn);

    /* Known only for TCP: the peer's kernel has taken nothing of what this request wrote. */
    return acked == 0 || acked > u->written_before;
}

static int gather(const struct exchange *x, struct iovec iov[2])
{
    struct slice head = slice_from(buf_slice(&x->request), x->request_sent);
    struct slice body = slice_from(buf_slice(&x->body), x->body_sent);
    int n = 0;

    if (head.len > 0)
        iov[n++] = (struct iovec){(void *)(uintptr_t)head.p, head.len};
    if (body.len > 0)
        iov[n++] = (struct iovec){(void *)(uintptr_t)body.p, body.len};
    return n;
}

static void advance(struct exchange *x, size_t wrote)
{
    size_t head = x->request.len - x->request_sent;
    size_t n = wrote < head ? wrote : head;

    x->request_sent += (uint32_t)n;
    x->body_sent += (uint32_t)(wrote - n);
    if (x->state == EXCHANGE_TUNNEL && x->body_sent == x->body.len) {
        buf_free(&x->body);
        x->body_sent = 0;
    }
}

/* A broken write is not judged here: an answer may still wait to be read, its end will be seen. */
void uplink_push(struct uplink *u)
{
    struct exchange *x = u->x;
    struct iovec iov[2];
    int n;

    while ((n = gather(x, iov)) > 0) {
        size_t wrote = 0;
        enum weir_status rc = conn_write(u->conn, iov, n, &wrote);

        if (rc == WEIR_AGAIN) {
            conn_want_write(u->conn);
            break;
        }
        if (rc != WEIR_OK)
            return;
        u->written += wrote;
        advance(x, wrote);
    }
    exchange_on_room(x);
}
