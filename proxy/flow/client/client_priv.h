/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_PRIV_H
#define WEIR_FLOW_CLIENT_PRIV_H

/*
 * What the protocols of clients share; private to client/.  A connection is accepted by client.c,
 * belongs to an arrival until its protocol is known, then to HTTP/1 or HTTP/2 for its life.
 */

#include "weir/base/buf.h"
#include "weir/base/slab.h"
#include "weir/net/conn.h"

#include "client/body_rate.h"
#include "client/client.h"
#include "exchange/exchange.h"
#include "worker/shared.h"

struct h1_clients;
struct h2_clients;

/* A connection without a request, which may have to make room for a newcomer. */
struct client_idle {
    struct list node; /* in clients.idle */
    uint64_t since_ns;
    bool (*may_go)(const struct client_idle *i, const struct addresses *of);
    void (*close)(struct client_idle *i);
};

/* Those of a worker. */
struct clients {
    uint32_t max;
    void (*gone)(struct worker *w);
    struct list idle;    /* struct client_idle, longest first */
    struct slab waiting; /* struct arrival */
    struct list arrivals;
    struct h1_clients *h1;
    struct h2_clients *h2;
    char *out; /* SCRATCH_BYTES: what is gathered for one connection until the round ends */
};

static inline void client_idle_begin(struct worker *w, struct client_idle *i)
{
    i->since_ns = loop_now_ns(w->loop);
    list_push_back(&w->clients->idle, &i->node);
}
/* Nobody is sent away who was only just let in and has not spoken yet. */
static inline bool client_idle_long_enough(const struct worker *w, const struct client_idle *i)
{
    return loop_now_ns(w->loop) - i->since_ns >= NS_PER_S;
}
static inline const struct client_timeouts_conf *client_timeouts(const struct worker *w)
{
    return &w->snapshot->settings->client_timeouts;
}

/* A connection is over: counted out of its listener, closed, told to the worker. */
static inline void client_leave(struct worker *w, struct conn **conn, struct addresses **a)
{
    address_leave(*a, conn_peer(*conn));
    addresses_unref(a);
    w->clients->gone(w);
    conn_close(conn);
}

/* --- client/arrival.c: what comes before HTTP */
bool arrival_open(struct worker *w, int fd, const struct net_addr *peer, int listener);
bool arrival_is_needed(const struct snapshot_listener *l);
void arrivals_close(struct clients *c);
size_t arrival_bytes(void);

/*
 * --- client/h1/: open takes a new descriptor, adopt an open connection of which `early` was read.
 * Both take over a reference to the addresses that the client is counted in.  False: no memory;
 * a descriptor is closed, a connection and the reference stay with the caller.
 */
struct h1_clients *h1_create(struct worker *w, uint32_t max); /* NULL: no memory */
void h1_destroy(struct h1_clients **c);
bool h1_open(struct worker *w, int fd, const struct net_addr *peer, struct addresses *a);
bool h1_adopt(struct worker *w, struct conn *conn, struct addresses *a, struct slice early);
void h1_flush(struct worker *w);
void h1_check_rates(struct worker *w);
void h1_lame_duck(struct worker *w);
void h1_end_idle(struct worker *w);
void h1_close(struct worker *w);
size_t h1_bytes(void);

/* --- client/h2/: the same. */
struct h2_clients *h2_create(struct worker *w, uint32_t max);
void h2_destroy(struct h2_clients **c);
bool h2_adopt(struct worker *w, struct conn *conn, struct addresses *a, int listener,
              struct slice early);
void h2_flush(struct worker *w);
void h2_check_rates(struct worker *w);
void h2_lame_duck(struct worker *w);
void h2_end_idle(struct worker *w);
void h2_settings_changed(struct worker *w);
void h2_close(struct worker *w);
size_t h2_bytes(void);

#endif
