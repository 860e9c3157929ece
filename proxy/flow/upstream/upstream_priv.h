/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_UPSTREAM_PRIV_H
#define WEIR_FLOW_UPSTREAM_PRIV_H

/* What the protocols towards upstreams share; private to upstream/. */

#include "weir/base/clock.h"
#include "weir/base/slab.h"
#include "weir/net/conn.h"
#include "weir/net/proxied.h"

#include "upstream/upstream.h"
#include "worker/shared.h"

/*
 * Whom a connection speaks for: with the PROXY protocol its first bytes have named a client, and
 * only requests of that client may share it.  All zero: for nobody, it began without.
 */
struct spoken_for {
    uint8_t ip[16];
    uint16_t port, kind; /* kind: an address family; AF_UNIX for all that have no address */
};

static inline bool is_spoken_for(const struct spoken_for *a)
{
    return a->kind != 0;
}
static inline bool spoken_for_same(const struct spoken_for *a, const struct spoken_for *b)
{
    return a->kind == b->kind && (a->kind == 0 || memcmp(a, b, sizeof *a) == 0);
}
/* --- upstream/spoken.c */
struct spoken_for spoken_for_client(const struct upstream_target *t);
static inline struct spoken_for spoken_for_of(const struct upstream_target *t)
{
    if (t->upstream->conf->proxy_protocol == UPSTREAM_PROXY_OFF)
        return (struct spoken_for){.kind = 0};
    return spoken_for_client(t);
}
/* What a connection for this request begins with; 0: nothing. */
size_t spoken_first_bytes(const struct upstream_target *t, char to[PROXIED_WRITTEN_MAX]);

/* How an answer ends whose connection has failed to be read with s, no AGAIN. */
static inline enum upstream_end upstream_broken_end(enum weir_status s)
{
    if (s == WEIR_NO_MEMORY)
        return END_LACKING;
    return s == WEIR_CLOSED ? END_SHORT : END_RESET;
}

enum { SPOKEN_LOOKED_AT_MAX = 64 }; /* connections, newest first, for one that fits */

/* Connections to one upstream in one worker that may take a request, and where to connect to. */
struct idle_pool {
    struct list idle; /* of HTTP/1, newest first */
    uint32_t n_idle;
    struct list lingering; /* of HTTP/1, behind a tunnel's end */
    struct list links;     /* of HTTP/2, newest first */
    uint32_t n_links;
    struct net_addr addrs[8]; /* as resolved; n 0 = not known (yet) */
    uint8_t n_addrs, next_addr;
    char why[96]; /* why there is no address */
};

/* Those of a worker. */
struct h2_uplinks;
struct uplinks {
    struct slab slab; /* an uplink of either protocol fits */
    struct idle_pool pools[SNAPSHOT_UPSTREAMS_MAX];
    struct h2_uplinks *h2; /* NULL until the first connection */
};

/*
 * --- upstream/h2/: an uplink is lent before it is known what its upstream speaks.  Once TLS has
 * agreed on HTTP/2 (or where it is spoken by prior knowledge), the object, which is an HTTP/1
 * uplink until then, becomes a stream of HTTP/2 in place: whoever holds it notices nothing.
 */
struct h2_becoming {
    struct uplink uplink; /* as it was lent */
    struct worker *w;
    struct snapshot_upstream *upstream;
    struct snapshot_use *use; /* of when it was opened; taken over */
    const struct snapshot *snapshot;
    struct conn *conn; /* taken over */
    struct spoken_for spoken_for;
};
/* mem: of uplinks.slab.  False: no memory; nothing was taken over. */
bool h2_become(void *mem, const struct h2_becoming *b);
/* A stream of a connection that has room for one; NULL: there is none. */
struct uplink *h2_take(struct worker *w, const struct upstream_target *t,
                       const struct spoken_for *whose, const struct upstream_events *events,
                       void *owner);
/* Connections without a stream go, the others take no more. */
void h2_links_close(struct idle_pool *l);
void h2_uplinks_destroy(struct h2_uplinks **u);
size_t h2_uplink_bytes(void);

#endif
