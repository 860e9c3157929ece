/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_RESOLVER_PRIV_H
#define WEIR_NET_RESOLVER_PRIV_H

#include <ares.h>
#include <sys/stat.h>

#include "loop_priv.h"
#include "weir/net/resolver.h"

enum { RESOLVER_HOST_MAX = 256 };

struct resolver {
    struct loop *loop;
    ares_channel channel;    /* NULL: could not be made; tried again with the next question */
    struct loop_timer timer; /* c-ares' own timeouts */
    struct list watches;
    struct list sockets;     /* c-ares' own */
    unsigned pending;        /* questions under way */
    struct timespec read_at; /* when resolv.conf was last changed, as of making the channel */
    struct net_addr server;  /* asked instead of the system's, if len != 0 */
};

/* dns.c: c-ares on the loop. */
enum weir_status dns_open(struct resolver *r) WEIR_MUST_CHECK;
void dns_close(struct resolver *r);
/* Reads resolv.conf anew if it has changed and nothing is under way. */
void dns_follow_changes(struct resolver *r);
void dns_ask(struct resolver *r, const char *host, ares_addrinfo_callback fn, void *arg);

struct resolver_watch {
    struct list node;
    struct resolver *r;
    resolver_fn *fn;
    void *arg;
    struct loop_timer timer; /* the next look */
    struct loop_deferred deferred;
    bool asking;         /* within dns_ask: an answer now comes from a file, not from a server */
    bool pending;        /* dns_ask will call back */
    bool ended;          /* unwatched */
    const char *failing; /* what fn was told last, NULL: that all is well or nothing yet */
    size_t n;            /* the last good answer */
    struct net_addr addrs[RESOLVER_ADDRS_MAX];
    uint16_t port;
    char host[RESOLVER_HOST_MAX];
};

#endif
