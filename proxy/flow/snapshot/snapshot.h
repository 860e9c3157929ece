/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SNAPSHOT_H
#define WEIR_FLOW_SNAPSHOT_H

#include "weir/base/hash.h"
#include "weir/conf/settings.h"
#include "weir/fleet/means.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"
#include "weir/net/tls.h"
#include "weir/pages/refusal.h"

#include "snapshot/addresses.h"
#include "snapshot/gate.h"
#include "snapshot/slots.h"

/*
 * The snapshot: the settings in force and what was made from them, immutable.  Made by
 * control, read by all; exchanges hold a reference and end under the snapshot they began with.
 *
 * Upstreams have a slot: an index into every worker's idle_pools and counters, kept over reloads by
 * an upstream that keeps pool, name and URL.
 */
enum { SNAPSHOT_FIELDS_MAX = 1000 };

struct snapshot_upstream {
    const struct upstream_conf *conf;
    struct net_url url;
    struct tls_client *tls;       /* NULL: plain */
    struct tls_client *tls_http2; /* offers HTTP/2 as well; NULL: not to be spoken, or plain */
    int slot;
    int place;            /* in its gate */
    bool joins;           /* it was reserved there for this snapshot ... */
    uint32_t reservation; /* ... by this one, of an earlier snapshot maybe */
    char authority[300];  /* for messages */
    char own_host[280];   /* Host by its URL: with the port, unless that is the scheme's */
    char host[280];       /* the Host it is sent always; "" = the client's, where there is one */
};

/* Where spans go. */
struct snapshot_collector {
    bool on;
    struct net_url url;
    struct tls_client *tls; /* NULL: plain */
    char own_host[280];
};

struct snapshot_pool {
    const struct pool_conf *conf;
    struct gate *gate;
    struct snapshot_upstream *upstreams;
    size_t n_upstreams;
    struct quota_rule *limits;           /* of conf->limits */
    bool counts;                         /* there are limits: what requests take is wanted */
    int8_t by_place[POOL_UPSTREAMS_MAX]; /* index in upstreams; -1 = none of this snapshot's */
    int slot;                            /* of its counters, 1.. */
    int index;
};

struct snapshot_listener {
    const struct listener_conf *conf;
    int slot; /* kept over reloads by its address */
    struct net_addr addr;
    struct tls_server *tls;      /* NULL: plain */
    struct addresses *addresses; /* NULL: neither per_address nor max_connections is set */
};

struct snapshot {
    struct settings *settings; /* owned */
    struct snapshot_listener *listeners;
    struct snapshot_pool *pools;
    struct net_block *trusted;
    struct snapshot_listener *by_slot[SNAPSHOT_LISTENERS_MAX];
    struct page_set *pages;
    struct snapshot_collector collector;
    struct fleet_means *fleet; /* NULL: off */
    struct hash_key user_key;  /* of users' hashes; the process's, or the fleet's */
    struct head_limits request_limits, response_limits;
    uint32_t languages; /* as a set (language_set) */
    _Atomic uint32_t refs;
};

/*
 * Makes a snapshot of s (taken over on success only).  NULL and a sentence in why when a file or
 * address it names turns out unusable.  What `old` (NULL at the start) already has is shared:
 * slots (the book is control's), gates with all that is in them, counts of addresses.
 *
 *     snapshot_create ─► snapshot_commit ─► (every worker has it) ─► snapshot_join
 *                └► snapshot_abandon, then unref
 */
struct snapshot *snapshot_create(struct settings **s, const struct snapshot *old,
                                 struct slot_book *book, char *why, size_t room, uint64_t now_ns);
/* Puts its settings in force in the gates; to upstreams that it does not have nothing new goes. */
void snapshot_commit(struct snapshot *s, uint64_t now_ns);
/* Its new upstreams get requests.  Not before every worker knows them. */
void snapshot_join(struct snapshot *s, uint64_t now_ns);
/* Gives back the places in gates that were reserved for it. */
void snapshot_abandon(struct snapshot *s, uint64_t now_ns);
/* What its gate is told. */
struct gate_rules snapshot_gate_rules(const struct snapshot_pool *p);
/* Those of these names; NULL: there is none. */
const struct snapshot_pool *snapshot_pool_named(const struct snapshot *s, struct slice name);
const struct snapshot_upstream *snapshot_upstream_named(const struct snapshot_pool *p,
                                                        struct slice name);
/* The upstream that has a place in the gate of p; NULL: not of this snapshot. */
struct snapshot_upstream *snapshot_upstream_at(const struct snapshot_pool *p, int place);
void snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* any thread; the last one frees it */

/* Users are known by another key from now on; before the first request. */
void snapshot_rekey(struct snapshot *s, struct hash_key key);
/* What the user of this identity is known by; never 0. */
uint64_t snapshot_user(const struct snapshot *s, struct slice identity);
bool snapshot_trusts(const struct snapshot *s, const struct net_addr *peer);
/* The route of a request, -1 = no match; pool 0 without routes. */
int snapshot_route(const struct snapshot *s, struct slice method, struct slice host,
                   struct slice path, struct snapshot_pool **pool);

#endif
