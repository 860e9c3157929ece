/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of a snapshot: listeners, upstreams, pages, made of their settings.  What needs a file
 * or an address is here, and can be verified without running.  On the control thread.
 */
#include "snapshot/ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/flow/run.h"

static bool out_of_memory(char *why, size_t room)
{
    (void)snprintf(why, room, "out of memory");
    return false;
}

static const char *or_null(const char *s)
{
    return s[0] == '\0' ? NULL : s;
}

/* --- listeners */

static const struct snapshot_listener *old_listener(const struct snapshot *old, const char *address)
{
    for (size_t i = 0; old != NULL && i < old->settings->n_listeners; i++) {
        if (strcmp(old->listeners[i].conf->address, address) == 0)
            return &old->listeners[i];
    }
    return NULL;
}

/* The counts of an address list go on when the listener does. */
static bool make_addresses(struct snapshot_listener *l, const struct snapshot_listener *old)
{
    const struct listener_conf *c = l->conf;

    if (c->per_address == 0 && c->max_connections == 0)
        return true;
    if (old != NULL && old->addresses != NULL) {
        l->addresses = old->addresses;
        addresses_ref(l->addresses);
        addresses_set(l->addresses, c->per_address, c->max_connections);
        return true;
    }
    l->addresses = addresses_create(c->per_address, c->max_connections);
    return l->addresses != NULL;
}

static bool make_tls(struct snapshot_listener *l, const struct snapshot_listener *old, char *why,
                     size_t room)
{
    static const char *const alpn[] = {"h2", "http/1.1"};
    const struct listener_conf *c = l->conf;
    size_t skip = c->http2 == LISTENER_HTTP2_OFF ? 1 : 0;
    struct tls_pair *sni = calloc(c->n_sni + 1, sizeof *sni);
    struct tls_server_conf tc = {
        .first = {c->tls_certificate, c->tls_key},
        .sni = sni,
        .n_sni = c->n_sni,
        .client_ca = or_null(c->tls_client_ca),
        .alpn = alpn + skip,
        .n_alpn = 2 - skip,
    };

    if (sni == NULL)
        return out_of_memory(why, room);
    for (size_t i = 0; i < c->n_sni; i++)
        sni[i] = (struct tls_pair){c->sni[i].certificate, c->sni[i].key};
    if (old != NULL && old->conf->tls_client_ca[0] == '\0' && tc.client_ca == NULL)
        tc.resumes = old->tls;
    l->tls = tls_server_create(&tc, why, room);
    free(sni);
    return l->tls != NULL;
}

bool snapshot_listener_make(struct snapshot *s, struct snapshot_listener *l,
                            const struct listener_conf *c, const struct snapshot *from, char *why,
                            size_t room)
{
    const struct snapshot_listener *old = old_listener(from, c->address);

    l->conf = c;
    if (net_addr_parse(slice_str(c->address), &l->addr) != WEIR_OK) {
        (void)snprintf(why, room,
                       "listener address \"%s\" is not host:port, [v6]:port or unix:path",
                       c->address);
        return false;
    }
    s->by_slot[l->slot] = l;
    if (!make_addresses(l, old))
        return out_of_memory(why, room);
    return !c->tls || make_tls(l, old, why, room);
}

void snapshot_listener_fini(struct snapshot_listener *l)
{
    tls_server_release(&l->tls);
    addresses_unref(&l->addresses);
}

/* --- upstreams */

/* RFC 9110 7.2: the URL's authority; a unix socket has none that would be a name. */
static void put_own_host(const struct net_url *url, char out[280])
{
    bool v6 = strchr(url->host, ':') != NULL;
    char port[8] = "";

    if (url->unix_path) {
        (void)snprintf(out, 280, "localhost");
        return;
    }
    if (url->port != (url->tls ? 443 : 80))
        (void)snprintf(port, sizeof port, ":%u", url->port);
    (void)snprintf(out, 280, "%s%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : "", port);
}

static void set_host(struct snapshot_upstream *u)
{
    const char *told = u->conf->host[0] == '\0' ? (u->url.tls ? "url" : "client") : u->conf->host;

    put_own_host(&u->url, u->own_host);
    if (strcmp(told, "url") == 0)
        told = u->own_host;
    else if (strcmp(told, "client") == 0)
        told = "";
    (void)snprintf(u->host, sizeof u->host, "%.279s", told);
}

bool snapshot_upstream_make(struct snapshot_upstream *u, const struct upstream_conf *c, char *why,
                            size_t room)
{
    static const char *const alpn[] = {"h2", "http/1.1"};
    const char *static_why = "";
    struct tls_client_conf tc;

    u->conf = c;
    if (net_url_parse(slice_str(c->url), &u->url, &static_why) != WEIR_OK) {
        (void)snprintf(why, room, "upstream url \"%s\": %s", c->url, static_why);
        return false;
    }
    (void)snprintf(u->authority, sizeof u->authority, "%s", c->url);
    set_host(u);
    if (!u->url.tls)
        return true;
    tc = (struct tls_client_conf){
        .ca = or_null(c->ca),
        .server_name = c->server_name[0] != '\0' ? c->server_name : u->url.host,
        .verify = c->verify,
        .certificate = or_null(c->certificate),
        .key = or_null(c->key),
        .alpn = alpn + 1,
        .n_alpn = 1,
    };
    u->tls = tls_client_create(&tc, why, room);
    if (u->tls == NULL || c->http2 == UPSTREAM_HTTP2_OFF)
        return u->tls != NULL;
    tc.alpn = alpn;
    tc.n_alpn = 2;
    u->tls_http2 = tls_client_create(&tc, why, room);
    return u->tls_http2 != NULL;
}

/* --- the collector of spans */

bool snapshot_collector_make(struct snapshot_collector *c, const struct tracing_conf *conf,
                             char *why, size_t room)
{
    const char *static_why = "";
    struct tls_client_conf tc = {.verify = true, .server_name = c->url.host};

    if (conf->endpoint[0] == '\0')
        return true;
    if (net_url_parse(slice_str(conf->endpoint), &c->url, &static_why) != WEIR_OK) {
        (void)snprintf(why, room, "tracing.endpoint \"%s\": %s", conf->endpoint, static_why);
        return false;
    }
    put_own_host(&c->url, c->own_host);
    c->on = true;
    if (c->url.tls)
        c->tls = tls_client_create(&tc, why, room);
    return !c->url.tls || c->tls != NULL;
}

/* --- verifying without running */

struct verify {
    void (*fn)(const char *sentence, void *arg);
    void *arg;
    size_t n;
};

static void complain(struct verify *v, const char *why)
{
    v->n++;
    v->fn(why, v->arg);
}

static void verify_listener(struct verify *v, const struct listener_conf *c)
{
    struct snapshot none = {0};
    struct snapshot_listener l = {0};
    char why[600];

    if (!snapshot_listener_make(&none, &l, c, NULL, why, sizeof why))
        complain(v, why);
    snapshot_listener_fini(&l);
}

static void verify_upstream(struct verify *v, const struct upstream_conf *c)
{
    struct snapshot_upstream u = {0};
    char why[600];

    if (!snapshot_upstream_make(&u, c, why, sizeof why))
        complain(v, why);
    tls_client_release(&u.tls);
    tls_client_release(&u.tls_http2);
}

static void verify_collector(struct verify *v, const struct tracing_conf *conf)
{
    struct snapshot_collector c = {0};
    char why[600];

    if (!snapshot_collector_make(&c, conf, why, sizeof why))
        complain(v, why);
    tls_client_release(&c.tls);
}

static void verify_fleet(struct verify *v, const struct fleet_conf *c)
{
    struct fleet_means *m;
    char why[600];

    if (c->redis[0] == '\0')
        return;
    m = fleet_means_create(c, why, sizeof why);
    if (m == NULL)
        complain(v, why);
    fleet_means_destroy(&m);
}

struct page_set *snapshot_pages_make(const struct settings *s, char *why, size_t room)
{
    const char *pools[SNAPSHOT_POOLS_MAX], *strange;
    struct page_set *set =
        page_set_load(s->pages.directory, (const char *const *)s->pages.languages,
                      s->pages.n_languages, why, room);

    if (set == NULL)
        return NULL;
    for (size_t i = 0; i < s->n_pools; i++)
        pools[i] = s->pools[i].name;
    strange = page_set_strange_pool(set, pools, s->n_pools);
    if (strange != NULL) {
        (void)snprintf(why, room, "%s: there is a page for a pool \"%s\", but no such pool",
                       s->pages.directory, strange);
        page_set_destroy(&set);
    }
    return set;
}

size_t flow_verify(const struct settings *s, void (*fn)(const char *sentence, void *arg), void *arg)
{
    struct verify v = {fn, arg, 0};
    char why[600];

    for (size_t i = 0; i < s->n_listeners; i++)
        verify_listener(&v, &s->listeners[i]);
    for (size_t k = 0; k < s->n_pools; k++) {
        for (size_t i = 0; i < s->pools[k].n_upstreams; i++)
            verify_upstream(&v, &s->pools[k].upstreams[i]);
    }
    verify_collector(&v, &s->tracing);
    verify_fleet(&v, &s->fleet);
    if (s->pages.directory[0] != '\0') {
        struct page_set *p = snapshot_pages_make(s, why, sizeof why);
        if (p == NULL)
            complain(&v, why);
        page_set_destroy(&p);
    }
    return v.n;
}
