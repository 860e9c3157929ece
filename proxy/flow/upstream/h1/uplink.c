/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to upstreams that speak HTTP/1: opened, lent to one exchange at a time, given back.
 * Owner and thread: the worker.  What they send is send.c, what they receive read.c, how they wait
 * for the next request idle.c.
 *
 *   CONNECTING → HEAD ⇄ (BODY) → IDLE → HEAD …     newest idle one first
 *   any        → DEAD
 */
#include "h1_priv.h"

#define LINGER_NS (2 * NS_PER_S)

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
void uplink_enter(struct h1_uplink *u, enum uplink_state next)
{
    WEIR_ASSERT((may_follow[u->state] & BIT(next)) != 0);
    u->state = next;
    u->uplink.open = next != UPLINK_CONNECTING && next != UPLINK_DEAD;
}

struct h1_uplink *h1_uplink_of(const struct uplink *base)
{
    struct h1_uplink *u = LIST_OBJECT(base, struct h1_uplink, uplink);

    WEIR_CHECK(u, UPLINK_MAGIC);
    return u;
}

static void free_deferred(struct loop_deferred *d)
{
    struct h1_uplink *u = LIST_OBJECT(d, struct h1_uplink, deferred);
    struct worker *w = u->w;

    snapshot_use_unref(&u->use);
    slab_give(&w->uplinks->slab, u);
}

/* Its owner, if it has one, has let it go or was told. */
void uplink_close(struct h1_uplink *u)
{
    if (u->state == UPLINK_DEAD)
        return;
    if (u->state == UPLINK_IDLE)
        idle_pool_of(u)->n_idle--;
    list_remove(&u->node);
    uplink_enter(u, UPLINK_DEAD);
    u->uplink.owner = NULL;
    loop_timer_stop(&u->timer);
    conn_close(&u->conn);
    buf_free(&u->first);
    buf_free(&u->receiving.in);
    buf_free(&u->sending.out);
    counter_sub(&u->w->counters.upstream_open, 1);
    loop_defer_free(u->w->loop, &u->deferred);
}

void uplink_fail(struct h1_uplink *u, enum upstream_end how, const char *why)
{
    if (u->uplink.owner != NULL)
        u->uplink.events->end(u->uplink.owner, how, why, NULL);
    if (u->state != UPLINK_DEAD)
        uplink_close(u);
}

void uplink_fail_later(struct h1_uplink *u)
{
    u->failed = true;
    loop_timer_at(&u->timer, loop_now_ns(u->w->loop));
}

static void on_timer(void *arg)
{
    struct h1_uplink *u = arg;

    WEIR_CHECK(u, UPLINK_MAGIC);
    if (u->failed)
        uplink_fail(u, END_LACKING, "out of memory");
    else if (u->state == UPLINK_IDLE || u->uplink.owner == NULL)
        uplink_close(u);
}

/* --- events of the connection */

static bool speaks_http2(const struct h1_uplink *u)
{
    if (u->upstream->tls != NULL)
        return slice_eq(conn_alpn(u->conn), SLICE_LIT("h2"));
    return !u->http1 && u->upstream->conf->http2 == UPSTREAM_HTTP2_CLEAR;
}

static void become_http2(struct h1_uplink *u)
{
    struct h2_becoming b = {.uplink = u->uplink,
                            .w = u->w,
                            .upstream = u->upstream,
                            .use = u->use,
                            .snapshot = u->snapshot,
                            .conn = u->conn,
                            .spoken_for = u->spoken_for};
    uint64_t took_ns = loop_now_ns(u->w->loop) - u->begun_ns;

    loop_timer_stop(&u->timer);
    if (!h2_become(u, &b)) {
        b.uplink.events->connect_failed(b.uplink.owner, WEIR_NO_MEMORY, "out of memory");
        uplink_close(u);
        return;
    }
    b.uplink.events->connected(b.uplink.owner, took_ns);
}

static void on_open(struct conn *c, void *owner)
{
    struct h1_uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    buf_free(&u->first);
    if (speaks_http2(u)) {
        become_http2(u);
        return;
    }
    uplink_enter(u, UPLINK_HEAD);
    u->uplink.events->connected(u->uplink.owner, loop_now_ns(u->w->loop) - u->begun_ns);
}

static bool connect_now(struct h1_uplink *u);

/* Tries the next address before it gives up. */
static bool try_next_address(struct h1_uplink *u)
{
    struct idle_pool *l = idle_pool_of(u);

    if (u->addresses_tried + 1 >= l->n_addrs)
        return false;
    l->next_addr = (uint8_t)((l->next_addr + 1) % l->n_addrs);
    u->addresses_tried++;
    conn_close(&u->conn);
    return connect_now(u);
}

static void on_fail(struct conn *c, void *owner, enum weir_status s, const char *why)
{
    struct h1_uplink *u = owner;
    char text[160];
    struct text t;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    text_init(&t, text, sizeof text); /* it belongs to the connection, which is closed first */
    text_str(&t, why);
    if (try_next_address(u))
        return;
    u->uplink.events->connect_failed(u->uplink.owner, s, text);
    uplink_close(u);
}

static void on_writable(struct conn *c, void *owner)
{
    struct h1_uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    if (u->uplink.owner != NULL)
        u->uplink.events->room(u->uplink.owner);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct h1_uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    (void)c;
    (void)reset;
    if (u->state == UPLINK_IDLE)
        uplink_close(u);
    /* else: reading is paused by the client's pace; the end is read in its turn */
}

static const struct conn_events conn_events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = uplink_on_readable,
    .on_writable = on_writable,
    .on_hangup = on_hangup,
};

/* --- operations of an upstream */

static void op_want_data(struct uplink *base, bool want)
{
    conn_want_read(h1_uplink_of(base)->conn, want);
}

/*
 * The tunnel's last bytes are on their way: an end while bytes wait to be read here would be a
 * reset, and could take them back.
 */
static void linger(struct h1_uplink *u)
{
    u->uplink.owner = NULL;
    list_push_back(&idle_pool_of(u)->lingering, &u->node);
    conn_shutdown(u->conn);
    conn_want_read(u->conn, true);
    loop_timer_at(&u->timer, loop_now_ns(u->w->loop) + LINGER_NS);
}

static void op_release(struct uplink *base)
{
    struct h1_uplink *u = h1_uplink_of(base);

    if (u->state == UPLINK_TUNNEL)
        linger(u);
    else if (u->receiving.whole && uplink_has_sent_all(u) && idle_may_stay(u))
        idle_put(u);
    else
        uplink_close(u);
}

static void op_cancel(struct uplink *base)
{
    uplink_close(h1_uplink_of(base));
}

static bool op_may_have_begun(const struct uplink *base)
{
    const struct h1_uplink *u = h1_uplink_of(base);
    uint64_t acked = conn_acked(u->conn);

    /* Known only for TCP: the peer's kernel has taken nothing of what this request wrote. */
    return acked == 0 || acked > u->written_before;
}

static const struct upstream_ops h1_ops = {
    .send = uplink_send,
    .want_data = op_want_data,
    .release = op_release,
    .cancel = op_cancel,
    .may_have_begun = op_may_have_begun,
};

/* --- taking */

static bool connect_now(struct h1_uplink *u)
{
    struct idle_pool *l = idle_pool_of(u);
    bool either = !u->http1 && u->upstream->tls_http2 != NULL;

    u->begun_ns = loop_now_ns(u->w->loop);
    u->conn = conn_connect(u->w->loop, &l->addrs[l->next_addr],
                           either ? u->upstream->tls_http2 : u->upstream->tls, buf_slice(&u->first),
                           u->connect_ns, &conn_events, u);
    if (u->conn != NULL)
        counter_add(&u->w->counters.upstream_connects, 1);
    return u->conn != NULL;
}

/* False: no memory. */
static bool set_first(struct h1_uplink *u, const struct upstream_target *t)
{
    char mem[PROXIED_WRITTEN_MAX];
    size_t n = spoken_first_bytes(t, mem);

    u->spoken_for = spoken_for_of(t);
    u->written = n; /* for op_may_have_begun: the peer acknowledges them, too */
    return n == 0 || buf_append(&u->first, slice_of(mem, n), sizeof mem) == WEIR_OK;
}

static struct h1_uplink *open_new(struct worker *w, const struct upstream_target *t)
{
    struct h1_uplink *u = slab_take(&w->uplinks->slab);

    if (u == NULL)
        return NULL;
    u->uplink.ops = &h1_ops;
    u->magic = UPLINK_MAGIC;
    u->state = UPLINK_CONNECTING;
    u->w = w;
    u->upstream = t->upstream;
    u->connect_ns = t->connect_ns;
    u->http1 = t->http1;
    list_init(&u->node);
    loop_timer_init(&u->timer, w->loop, on_timer, u);
    loop_deferred_init(&u->deferred, free_deferred);
    if (!set_first(u, t) || !connect_now(u)) {
        buf_free(&u->first);
        slab_give(&w->uplinks->slab, u);
        return NULL;
    }
    u->use = snapshot_use_ref(t->use);
    counter_add(&w->counters.upstream_open, 1);
    return u;
}

static struct uplink *lend(struct h1_uplink *u, const struct upstream_target *t,
                           const struct upstream_events *events, void *owner)
{
    u->snapshot = t->use->snapshot;
    u->uplink.events = events;
    u->uplink.owner = owner;
    u->uplink.any_byte = u->receiving.whole = false;
    u->receiving.interims = 0;
    u->served++;
    u->written_before = u->written;
    return &u->uplink;
}

enum weir_status upstream_take(struct worker *w, const struct upstream_target *t, bool fresh,
                               const struct upstream_events *events, void *owner,
                               struct uplink **out)
{
    struct idle_pool *l = &w->uplinks->pools[t->upstream->slot];
    struct spoken_for whose = spoken_for_of(t);
    struct h1_uplink *u;

    *out = fresh || t->http1 ? NULL : h2_take(w, t, &whose, events, owner);
    if (*out != NULL)
        return WEIR_OK;
    u = fresh ? NULL : idle_take(w, l, &whose);
    if (u != NULL) {
        uplink_enter(u, UPLINK_HEAD);
        u->uplink.reused = true;
        *out = lend(u, t, events, owner);
        return WEIR_OK;
    }
    if (l->n_addrs == 0)
        return l->why[0] == '\0' ? WEIR_AGAIN : WEIR_DNS;
    u = open_new(w, t);
    if (u == NULL)
        return WEIR_NO_MEMORY;
    *out = lend(u, t, events, owner);
    return WEIR_OK;
}

size_t upstream_bytes(void)
{
    size_t h1 = sizeof(struct h1_uplink), h2 = h2_uplink_bytes();

    return h1 > h2 ? h1 : h2;
}
