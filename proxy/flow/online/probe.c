/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one upstream's trial, each begun by the one before. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "online/probe_priv.h"
#include "upstream/health.h"
#include "upstream/once.h"
#include "weir/base/clock.h"

enum { IN_MAX = 256 * 1024 };

static void probe_begin(struct probe *p, enum probe_step step)
{
    p->step = step;
    loop_timer_at(&p->next, loop_refresh_now(p->loop));
}

void probe_found(struct probe *p, enum probe_result result, const char *fmt, ...)
{
    struct probe_finding *f = &p->found[p->step];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->result = result;
    f->ns = loop_refresh_now(p->loop) - p->began_ns;
}

void probe_end(struct probe *p)
{
    loop_timer_stop(&p->next);
    loop_timer_stop(&p->limit);
    resolver_unwatch(&p->watch);
    once_cancel(&p->once);
    stream_close(&p->stream);
    p->done(p, p->arg);
}

void probe_fail(struct probe *p, const char *why)
{
    probe_found(p, PROBE_BAD, "%s", why);
    probe_end(p);
}

void probe_pass(struct probe *p, enum probe_step next)
{
    stream_close(&p->stream);
    loop_timer_stop(&p->limit);
    if (next == PROBE_STEPS)
        probe_end(p);
    else
        probe_begin(p, next);
}

const char *probe_host(const struct probe *p)
{
    return p->upstream->host[0] != '\0' ? p->upstream->host : p->upstream->own_host;
}

const struct timeouts_conf *probe_timeouts(const struct probe *p)
{
    return &p->pool->conf->timeouts;
}

/* --- name */

static void on_addresses(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct probe *p = arg;
    char list[256] = "";

    if (p->n_addrs > 0)
        return; /* other news of later */
    if (n == 0) {
        probe_fail(p, why);
        return;
    }
    for (size_t i = 0; i < n && i < PROBE_ADDRS; i++) {
        char one[NET_ADDR_TEXT_MAX];
        size_t used = strlen(list);

        p->addrs[p->n_addrs++] = addrs[i];
        net_addr_format(&addrs[i], one);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", one);
    }
    probe_found(p, PROBE_GOOD, "%s", list);
    p->good = SIZE_MAX;
    probe_begin(p, PROBE_CONNECT);
}

static void resolve(struct probe *p)
{
    const struct net_url *url = &p->upstream->url;
    char text[300];
    struct net_addr a;

    if (url->unix_path) {
        (void)snprintf(text, sizeof text, "unix:%s", url->host);
        if (net_addr_parse(slice_str(text), &a) == WEIR_OK)
            on_addresses(&a, 1, NULL, p);
        else
            probe_fail(p, "the path of the socket is too long");
        return;
    }
    p->watch = resolver_watch(p->resolver, url->host, url->port, on_addresses, p);
    if (p->watch == NULL)
        probe_fail(p, "out of memory");
}

/* --- connect: every address by itself */

static void on_connected(void *owner)
{
    struct probe *p = owner;

    if (p->good == SIZE_MAX)
        p->good = p->at;
    p->at++;
    stream_close(&p->stream);
    probe_begin(p, PROBE_CONNECT);
}

static void on_not_connected(void *owner, enum weir_status s, const char *why)
{
    struct probe *p = owner;
    struct probe_finding *f = &p->found[PROBE_CONNECT];
    char address[NET_ADDR_TEXT_MAX];
    size_t used = strlen(f->text);

    (void)s;
    net_addr_format(&p->addrs[p->at], address);
    (void)snprintf(f->text + used, sizeof f->text - used, "%s%s: %s", used == 0 ? "" : "; ",
                   address, why);
    p->at++;
    stream_close(&p->stream);
    probe_begin(p, PROBE_CONNECT);
}

static void connect_over(struct probe *p)
{
    char bad[sizeof p->found[0].text];

    memcpy(bad, p->found[PROBE_CONNECT].text, sizeof bad);
    if (bad[0] == '\0')
        probe_found(p, PROBE_GOOD,
                    p->n_addrs == 1 ? "the address answers" : "all %zu addresses answer",
                    p->n_addrs);
    else
        probe_found(p, PROBE_BAD, "%s", bad);
    if (p->good == SIZE_MAX)
        probe_end(p);
    else
        probe_begin(p, p->upstream->tls != NULL ? PROBE_TLS : PROBE_ANSWER);
}

static void connect_next(struct probe *p)
{
    static const struct stream_events events = {
        .on_open = on_connected, .on_step = on_connected, .on_end = on_not_connected};

    if (p->at == p->n_addrs) {
        connect_over(p);
        return;
    }
    p->stream = stream_connect(p->loop, &p->addrs[p->at], NULL, SLICE_NONE,
                               probe_timeouts(p)->connect_ns, IN_MAX, &events, p);
    if (p->stream == NULL)
        probe_fail(p, "no descriptor or memory for a connection");
}

/* --- TLS and the answers */

static void on_patience_over(void *arg)
{
    struct probe *p = arg;

    probe_fail(p, p->reading.has_head ? "the answer does not end" : "no answer in time");
}

bool probe_open(struct probe *p, uint64_t within_ns, const struct stream_events *events)
{
    char mem[PROXIED_WRITTEN_MAX];

    p->stream = stream_connect(p->loop, &p->addrs[p->good], p->upstream->tls,
                               health_first_bytes(p->upstream->conf, mem),
                               probe_timeouts(p)->connect_ns, IN_MAX, events, p);
    if (p->stream == NULL) {
        probe_fail(p, "no descriptor or memory for a connection");
        return false;
    }
    loop_timer_at(&p->limit, loop_now_ns(p->loop) + within_ns);
    return true;
}

static void on_tls_open(void *owner)
{
    struct probe *p = owner;

    probe_found(p, PROBE_GOOD, "%s",
                p->upstream->conf->verify ? "the certificate is good for this name"
                                          : "the certificate was not looked at (verify is false)");
    probe_pass(p, PROBE_ANSWER);
}

static void on_broken(void *owner, enum weir_status s, const char *why)
{
    (void)s;
    probe_fail(owner, why);
}

static void try_tls(struct probe *p)
{
    static const struct stream_events events = {
        .on_open = on_tls_open, .on_step = on_tls_open, .on_end = on_broken};

    (void)probe_open(p, 2 * probe_timeouts(p)->connect_ns, &events);
}

/* --- one step after the other */

static void on_next(void *arg)
{
    struct probe *p = arg;

    if (p->step != PROBE_CONNECT || p->at == 0)
        p->began_ns = loop_now_ns(p->loop);
    switch (p->step) {
    case PROBE_NAME:
        resolve(p);
        break;
    case PROBE_CONNECT:
        connect_next(p);
        break;
    case PROBE_TLS:
        try_tls(p);
        break;
    case PROBE_ANSWER:
        probe_ask(p);
        break;
    case PROBE_GENERATE:
        probe_ask_generation(p);
        break;
    case PROBE_STEPS:
        break;
    }
}

struct probe *probe_create(struct loop *l, struct resolver *r, const struct snapshot_pool *pool,
                           const struct snapshot_upstream *u, const struct online_ask *ask,
                           void (*done)(struct probe *p, void *arg), void *arg)
{
    struct probe *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    p->loop = l;
    p->resolver = r;
    p->pool = pool;
    p->upstream = u;
    p->ask = ask;
    p->done = done;
    p->arg = arg;
    loop_timer_init(&p->next, l, on_next, p);
    loop_timer_init(&p->limit, l, on_patience_over, p);
    probe_begin(p, PROBE_NAME);
    return p;
}

const struct probe_finding *probe_finding(const struct probe *p, enum probe_step step)
{
    return &p->found[step];
}

void probe_destroy(struct probe **pp)
{
    struct probe *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    resolver_unwatch(&p->watch);
    loop_timer_stop(&p->next);
    loop_timer_stop(&p->limit);
    once_cancel(&p->once);
    stream_close(&p->stream);
    free(p);
}
