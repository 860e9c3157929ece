/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SITE_H
#define WEIR_FLOW_SITE_H

#include "weir/base/hash.h"
#include "weir/conf/settings.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"
#include "weir/net/tls.h"
#include "weir/pages/refusal.h"

#include "snapshot/addresses.h"
#include "snapshot/gate.h"

/*
 * The site: an immutable snapshot of the settings and of what was made from them.  Made by control,
 * read by all; exchanges hold a reference and end under the site they began with.
 *
 * Upstreams have a slot: an index into every worker's lanes and counters, kept over reloads by an
 * upstream that keeps pool, name and URL.
 */
enum {
    SITE_LISTENERS_MAX = 64,
    SITE_POOLS_MAX = 64,
    SITE_UPSTREAMS_MAX = 256,
    SITE_FIELDS_MAX = 1000,
};

struct site_upstream {
    const struct upstream_conf *conf;
    struct net_url url;
    struct tls_client *tls; /* NULL: plain */
    int slot;
    int index;           /* in its pool and gate */
    char authority[300]; /* for messages */
};

struct site_pool {
    const struct pool_conf *conf;
    struct gate *gate;
    struct site_upstream *upstreams;
    size_t n_upstreams;
    int slot; /* of its counters, 1.. */
    int index;
};

struct site_listener {
    const struct listener_conf *conf;
    int slot; /* kept over reloads by its address */
    struct net_addr addr;
    struct tls_server *tls;      /* NULL: plain */
    struct addresses *addresses; /* NULL: neither per_address nor max_connections is set */
};

struct site {
    struct settings *settings; /* owned */
    struct site_listener *listeners;
    struct site_pool *pools;
    struct net_block *trusted;
    struct site_listener *by_slot[SITE_LISTENERS_MAX];
    int next_listener, next_pool, next_upstream; /* slots are never used again */
    struct page_set *pages;
    struct hash_key user_key; /* of users' hashes; the process's */
    struct head_limits request_limits, response_limits;
    uint32_t languages; /* as a set (language_set) */
    _Atomic uint32_t refs;
};

/*
 * Makes a site of s (taken over on success only).  NULL and a sentence in why when a file or
 * address it names turns out unusable.  What `old` (NULL at the start) already has is shared or
 * taken over: slots, gates, what gates have learnt, counts of addresses.
 */
struct site *site_create(struct settings **s, const struct site *old, char *why, size_t room,
                         uint64_t now_ns);
/* Puts its settings in force in gates that it shares with the old one. */
void site_commit(struct site *s, uint64_t now_ns);
void site_hold(struct site *s);
void site_release(struct site *s); /* any thread; the last one frees it */

bool site_trusts(const struct site *s, const struct net_addr *peer);
/* The route of a request, -1 = no match; pool 0 without routes. */
int site_route(const struct site *s, struct slice method, struct slice host, struct slice path,
               struct site_pool **pool);

#endif
