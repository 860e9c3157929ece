/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection before HTTP: the PROXY protocol where the listener asks for it, then TLS, or the
 * first bytes where HTTP/2 may come without it.  Ends by handing the connection over to the
 * protocol that it speaks.  Owner and thread: its worker.
 */
#include "client/client_priv.h"

#include <unistd.h>

#include "weir/net/proxied.h"

enum { ARRIVAL_MAGIC = 0xa881f4a1 };

/* What a client of HTTP/2 sends first (RFC 9113, 3.4); no request of HTTP/1 begins like this. */
static const struct slice preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

enum arrival_state {
    ARRIVAL_PROXIED, /* the PROXY protocol's header is read */
    ARRIVAL_TLS,     /* handshake under way */
    ARRIVAL_PREFACE, /* HTTP/1 or HTTP/2?  The first bytes tell */
    ARRIVAL_DEAD,
};

struct arrival {
    uint32_t magic;
    enum arrival_state state;
    struct worker *w;
    struct conn *conn;
    struct addresses *addresses; /* counted in these; a reference, NULL = off, or not yet */
    int listener;
    struct list node;
    struct client_idle idle; /* in PREFACE */
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct buf got; /* read so far */
};

static struct snapshot_listener *listener_of(const struct arrival *a)
{
    return a->w->snapshot->by_slot[a->listener]; /* NULL after a reload without it */
}

static void free_deferred(struct loop_deferred *d)
{
    struct arrival *a = LIST_OBJECT(d, struct arrival, deferred);

    slab_give(&a->w->clients->waiting, a);
}

static void die(struct arrival *a)
{
    a->state = ARRIVAL_DEAD;
    loop_timer_stop(&a->timer);
    list_remove(&a->node);
    list_remove(&a->idle.node);
    buf_free(&a->got);
    loop_defer_free(a->w->loop, &a->deferred);
}

static void arrival_close(struct arrival *a)
{
    if (a->state == ARRIVAL_DEAD)
        return;
    client_leave(a->w, &a->conn, &a->addresses);
    die(a);
}

static void hand_over(struct arrival *a, bool to_http2)
{
    struct slice early = buf_slice(&a->got);
    bool ok = to_http2 ? h2_adopt(a->w, a->conn, a->addresses, a->listener, early)
                       : h1_adopt(a->w, a->conn, a->addresses, early);

    if (ok)
        die(a);
    else
        arrival_close(a);
}

/* --- one stage after the other */

static bool may_be_http2_in_clear(const struct snapshot_listener *l)
{
    return l->tls == NULL && l->conf->http2 == LISTENER_HTTP2_CLEAR;
}

bool arrival_is_needed(const struct snapshot_listener *l)
{
    return l->tls != NULL || l->conf->proxy_protocol || may_be_http2_in_clear(l);
}

static void wait_for(struct arrival *a, uint64_t ns)
{
    loop_timer_at(&a->timer, loop_now_ns(a->w->loop) + ns);
}

static void begin_preface(struct arrival *a)
{
    a->state = ARRIVAL_PREFACE;
    wait_for(a, client_timeouts(a->w)->keepalive_ns);
    client_idle_begin(a->w, &a->idle);
}

static void begin_tls(struct arrival *a, struct snapshot_listener *l)
{
    loop_timer_stop(&a->timer); /* the handshake has its own */
    a->state = ARRIVAL_TLS;
    if (!conn_begin_tls(a->conn, l->tls, client_timeouts(a->w)->tls_ns))
        arrival_close(a);
}

/* The client is known: it is counted, and its protocol begins. */
static void begin_client(struct arrival *a)
{
    struct snapshot_listener *l = listener_of(a);

    if (l == NULL || !clients_let_in(a->w, l->addresses, conn_peer(a->conn))) {
        arrival_close(a);
        return;
    }
    a->addresses = l->addresses;
    addresses_ref(a->addresses);
    if (l->tls != NULL)
        begin_tls(a, l);
    else if (may_be_http2_in_clear(l))
        begin_preface(a);
    else
        hand_over(a, false);
}

/* --- the PROXY protocol */

static void say_bad(struct arrival *a, const char *what)
{
    char peer[NET_ADDR_TEXT_MAX];

    net_addr_format(conn_peer(a->conn), peer);
    log_info("client %s: closed: %s", peer, what);
}

/* Takes the bytes that belong to the header, and not one more: TLS may be behind it. */
static bool take(struct arrival *a, size_t n)
{
    char mem[PROXIED_MAX];
    size_t got = 0;

    return n == 0 || (conn_read(a->conn, mem, n, &got) == WEIR_OK && got == n);
}

static void read_proxied(struct arrival *a)
{
    char mem[PROXIED_MAX];
    struct proxied p;
    size_t got = 0, before = a->got.len, used = 0;
    enum weir_status rc = conn_peek(a->conn, mem, sizeof mem - before, &got);

    if (rc == WEIR_AGAIN)
        return;
    if (rc != WEIR_OK || buf_append(&a->got, slice_of(mem, got), PROXIED_MAX) != WEIR_OK) {
        arrival_close(a);
        return;
    }
    rc = proxied_read(buf_slice(&a->got), &p, &used);
    if (rc == WEIR_AGAIN && a->got.len < PROXIED_MAX && take(a, got))
        return;
    if (rc != WEIR_OK || !take(a, used - before)) {
        say_bad(a, "no header of the PROXY protocol");
        arrival_close(a);
        return;
    }
    buf_free(&a->got);
    if (p.named)
        conn_set_peer(a->conn, &p.client);
    begin_client(a);
}

/* --- the first bytes of HTTP */

static bool can_be_http2(struct slice in)
{
    return memcmp(in.p, preface.p, in.len) == 0;
}

static void read_preface(struct arrival *a)
{
    char mem[24];
    size_t got = 0;
    enum weir_status rc = conn_read(a->conn, mem, preface.len - a->got.len, &got);

    if (rc == WEIR_AGAIN)
        return;
    if (rc != WEIR_OK || buf_append(&a->got, slice_of(mem, got), preface.len) != WEIR_OK) {
        arrival_close(a);
        return;
    }
    list_remove(&a->idle.node);
    if (!can_be_http2(buf_slice(&a->got)))
        hand_over(a, false);
    else if (a->got.len == preface.len)
        hand_over(a, true);
    else
        wait_for(a, client_timeouts(a->w)->head_ns);
}

/* --- events */

static void on_readable(struct conn *c, void *owner)
{
    struct arrival *a = owner;

    WEIR_CHECK(a, ARRIVAL_MAGIC);
    (void)c;
    if (a->state == ARRIVAL_PROXIED)
        read_proxied(a);
    else if (a->state == ARRIVAL_PREFACE)
        read_preface(a);
}

static void on_open(struct conn *c, void *owner)
{
    struct arrival *a = owner;

    WEIR_CHECK(a, ARRIVAL_MAGIC);
    hand_over(a, slice_eq(conn_alpn(c), SLICE_LIT("h2")));
}

static void on_fail(struct conn *c, void *owner, enum weir_status st, const char *why)
{
    struct arrival *a = owner;
    char peer[NET_ADDR_TEXT_MAX];

    WEIR_CHECK(a, ARRIVAL_MAGIC);
    net_addr_format(conn_peer(c), peer);
    log_debug("client %s: TLS handshake failed (%s): %s", peer, weir_status_text(st), why);
    arrival_close(a);
}

static void on_timer(void *arg)
{
    struct arrival *a = arg;

    WEIR_CHECK(a, ARRIVAL_MAGIC);
    if (a->state == ARRIVAL_PROXIED)
        say_bad(a, "no header of the PROXY protocol in time");
    arrival_close(a);
}

static const struct conn_events events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
};

static bool may_go(const struct client_idle *i, const struct addresses *of)
{
    const struct arrival *a = LIST_OBJECT(i, struct arrival, idle);

    return (of == NULL || a->addresses == of) && client_idle_long_enough(a->w, i);
}

static void go(struct client_idle *i)
{
    arrival_close(LIST_OBJECT(i, struct arrival, idle));
}

/* --- beginnings and ends */

static struct arrival *arrival_create(struct worker *w, int listener)
{
    struct arrival *a = slab_take(&w->clients->waiting);

    if (a == NULL)
        return NULL;
    a->magic = ARRIVAL_MAGIC;
    a->w = w;
    a->listener = listener;
    a->idle.may_go = may_go;
    a->idle.close = go;
    list_init(&a->node);
    list_init(&a->idle.node);
    loop_timer_init(&a->timer, w->loop, on_timer, a);
    loop_deferred_init(&a->deferred, free_deferred);
    return a;
}

static void begin(struct arrival *a, struct snapshot_listener *l)
{
    list_push_back(&a->w->clients->arrivals, &a->node);
    if (l->conf->proxy_protocol) {
        a->state = ARRIVAL_PROXIED;
        wait_for(a, client_timeouts(a->w)->head_ns);
        return;
    }
    a->addresses = l->addresses;
    addresses_ref(a->addresses);
    if (l->tls != NULL)
        a->state = ARRIVAL_TLS;
    else
        begin_preface(a);
}

/* Only who is trusted may say who a client is. */
static bool may_speak(struct worker *w, const struct snapshot_listener *l,
                      const struct net_addr *peer)
{
    char text[NET_ADDR_TEXT_MAX];

    if (!l->conf->proxy_protocol || snapshot_trusts(w->snapshot, peer))
        return true;
    net_addr_format(peer, text);
    log_info("client %s: closed: the listener takes the PROXY protocol from `trusted` peers only",
             text);
    return false;
}

bool arrival_open(struct worker *w, int fd, const struct net_addr *peer, int listener)
{
    struct snapshot_listener *l = w->snapshot->by_slot[listener];
    struct arrival *a = may_speak(w, l, peer) ? arrival_create(w, listener) : NULL;
    struct tls_server *tls = l->conf->proxy_protocol ? NULL : l->tls;

    if (a == NULL) {
        (void)close(fd);
        return false;
    }
    a->conn = conn_accept(w->loop, fd, peer, tls, client_timeouts(w)->tls_ns, &events, a);
    if (a->conn == NULL) {
        slab_give(&w->clients->waiting, a);
        return false;
    }
    begin(a, l);
    return true;
}

void arrivals_close(struct clients *c)
{
    LIST_EACH_SAFE(n, t, &c->arrivals)
    arrival_close(LIST_OBJECT(n, struct arrival, node));
}

size_t arrival_bytes(void)
{
    return sizeof(struct arrival);
}
