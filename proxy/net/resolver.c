/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches names: asks, tells what has changed, asks again when the answer's time is up.  How a
 * question is asked is dns.c's.  On its loop's thread only.
 *
 * A failure is told once and does not take the last good answer away: an upstream whose name cannot
 * be resolved right now is most likely still where it was.
 */
#include "weir/net/resolver.h"

#include <stdlib.h>
#include <strings.h>

#include "resolver_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define LIFE_MIN_NS      (1 * NS_PER_S)
#define LIFE_MAX_NS      (3600 * NS_PER_S)
#define AFTER_FAILURE_NS (5 * NS_PER_S)
/* Answers out of the hosts file have no lifetime; somebody may edit it. */
#define FILE_LIFE_NS (30 * NS_PER_S)

static void watch_free(struct loop_deferred *d)
{
    free(LIST_OBJECT(d, struct resolver_watch, deferred));
}

static void look_again(struct resolver_watch *w, uint64_t after_ns)
{
    loop_timer_at(&w->timer, loop_now_ns(w->r->loop) + after_ns);
}

/* The same addresses in another order are no news: servers rotate them. */
static bool same_set(const struct resolver_watch *w, const struct net_addr *addrs, size_t n)
{
    if (n != w->n)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;

        while (j < n && !net_addr_equal(&addrs[i], &w->addrs[j]))
            j++;
        if (j == n)
            return false;
    }
    return true;
}

static void tell_addresses(struct resolver_watch *w, const struct net_addr *addrs, size_t n)
{
    bool news = w->failing != NULL || !same_set(w, addrs, n);

    w->failing = NULL;
    if (!news)
        return;
    memcpy(w->addrs, addrs, n * sizeof *addrs);
    w->n = n;
    w->fn(w->addrs, n, NULL, w->arg);
}

static void tell_failure(struct resolver_watch *w, const char *why)
{
    bool news = w->failing == NULL || strcmp(w->failing, why) != 0;

    w->failing = why;
    if (news)
        w->fn(NULL, 0, why, w->arg);
}

static bool copy_address(const struct ares_addrinfo_node *node, uint16_t port, struct net_addr *to)
{
    if (node->ai_addrlen > sizeof to->u)
        return false;
    *to = (struct net_addr){.len = node->ai_addrlen};
    memcpy(&to->u, node->ai_addr, node->ai_addrlen);
    if (to->u.sa.sa_family == AF_INET)
        to->u.in.sin_port = htons(port);
    else if (to->u.sa.sa_family == AF_INET6)
        to->u.in6.sin6_port = htons(port);
    else
        return false;
    return true;
}

static bool holds(const struct net_addr *addrs, size_t n, const struct net_addr *a)
{
    for (size_t i = 0; i < n; i++) {
        if (net_addr_equal(&addrs[i], a))
            return true;
    }
    return false;
}

static size_t copy_addresses(const struct ares_addrinfo *ai, uint16_t port,
                             struct net_addr to[RESOLVER_ADDRS_MAX])
{
    const struct ares_addrinfo_node *node = ai->nodes;
    size_t n = 0;

    for (; node != NULL && n < RESOLVER_ADDRS_MAX; node = node->ai_next) {
        if (copy_address(node, port, &to[n]) && !holds(to, n, &to[n]))
            n++;
    }
    return n;
}

/* The shortest lifetime of all that led to the answer, aliases included. */
static uint64_t life_of(const struct ares_addrinfo *ai)
{
    uint64_t least = LIFE_MAX_NS;

    for (const struct ares_addrinfo_node *n = ai->nodes; n != NULL; n = n->ai_next) {
        if (n->ai_ttl >= 0 && (uint64_t)n->ai_ttl * NS_PER_S < least)
            least = (uint64_t)n->ai_ttl * NS_PER_S;
    }
    for (const struct ares_addrinfo_cname *c = ai->cnames; c != NULL; c = c->next) {
        if (c->ttl >= 0 && (uint64_t)c->ttl * NS_PER_S < least)
            least = (uint64_t)c->ttl * NS_PER_S;
    }
    return least < LIFE_MIN_NS ? LIFE_MIN_NS : least;
}

static void take_answer(struct resolver_watch *w, int status, const struct ares_addrinfo *ai)
{
    struct net_addr addrs[RESOLVER_ADDRS_MAX];
    size_t n = status == ARES_SUCCESS ? copy_addresses(ai, w->port, addrs) : 0;

    if (n == 0) {
        look_again(w, AFTER_FAILURE_NS);
        tell_failure(w,
                     status == ARES_SUCCESS ? "the name has no addresses" : ares_strerror(status));
        return;
    }
    look_again(w, w->asking ? FILE_LIFE_NS : life_of(ai));
    tell_addresses(w, addrs, n);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
    struct resolver_watch *w = arg;

    (void)timeouts;
    w->pending = false;
    w->r->pending--;
    if (w->ended)
        loop_defer_free(w->r->loop, &w->deferred);
    else if (status != ARES_EDESTRUCTION)
        take_answer(w, status, ai);
    if (ai != NULL)
        ares_freeaddrinfo(ai);
}

/* RFC 6761, 6.3: localhost and all below it are this machine, whoever else could be asked.  A bare
 * container has no hosts file that says so. */
static size_t this_machine(const struct resolver_watch *w, struct net_addr to[RESOLVER_ADDRS_MAX])
{
    static const char *const numbers[] = {"127.0.0.1", "::1"};
    static const char name[] = "localhost";
    size_t len = strlen(w->host), n = 0;
    const char *end = len < sizeof name - 1 ? w->host : w->host + len - (sizeof name - 1);

    if (strcasecmp(end, name) != 0 || (end != w->host && end[-1] != '.'))
        return 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (net_addr_make(slice_str(numbers[i]), w->port, &to[n]) == WEIR_OK)
            n++;
    }
    return n;
}

/* Addresses that no server has to be asked for. */
static size_t known(const struct resolver_watch *w, struct net_addr to[RESOLVER_ADDRS_MAX])
{
    return net_addr_make(slice_str(w->host), w->port, &to[0]) == WEIR_OK ? 1 : this_machine(w, to);
}

static void on_timer(void *arg)
{
    struct resolver_watch *w = arg;
    struct net_addr addrs[RESOLVER_ADDRS_MAX];
    size_t n = known(w, addrs);

    if (n > 0) {
        tell_addresses(w, addrs, n); /* for good */
        return;
    }
    dns_follow_changes(w->r);
    w->pending = w->asking = true;
    w->r->pending++;
    dns_ask(w->r, w->host, on_answer, w);
    w->asking = false;
}

struct resolver *resolver_create(struct loop *l)
{
    struct resolver *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->loop = l;
    list_init(&r->watches);
    list_init(&r->sockets);
    if (dns_open(r) != WEIR_OK)
        resolver_destroy(&r);
    return r;
}

void resolver_destroy(struct resolver **rp)
{
    struct resolver *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    dns_close(r);
    LIST_EACH_SAFE(n, t, &r->watches)
    {
        struct resolver_watch *w = LIST_OBJECT(n, struct resolver_watch, node);

        resolver_unwatch(&w);
    }
    free(r);
}

enum weir_status resolver_use_server(struct resolver *r, const struct net_addr *server)
{
    if (server->u.sa.sa_family != AF_INET && server->u.sa.sa_family != AF_INET6)
        return WEIR_BAD;
    r->server = *server;
    dns_close(r);
    return dns_open(r);
}

struct resolver_watch *resolver_watch(struct resolver *r, const char *host, uint16_t port,
                                      resolver_fn *fn, void *arg)
{
    struct resolver_watch *w = calloc(1, sizeof *w);

    if (w == NULL || strlen(host) >= sizeof w->host) {
        free(w);
        return NULL;
    }
    memcpy(w->host, host, strlen(host) + 1);
    w->r = r;
    w->port = port;
    w->fn = fn;
    w->arg = arg;
    loop_deferred_init(&w->deferred, watch_free);
    loop_timer_init(&w->timer, r->loop, on_timer, w);
    loop_timer_at(&w->timer, loop_now_ns(r->loop));
    list_push_back(&r->watches, &w->node);
    return w;
}

/* A question under way cannot be called back; its answer buries the watch. */
void resolver_unwatch(struct resolver_watch **wp)
{
    struct resolver_watch *w = *wp;

    *wp = NULL;
    if (w == NULL)
        return;
    w->ended = true;
    list_remove(&w->node);
    loop_timer_stop(&w->timer);
    if (!w->pending)
        loop_defer_free(w->r->loop, &w->deferred);
}
