/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one upstream's trial, each begun by the one before. */
#include "online/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "online/reading.h"
#include "upstream/health.h"
#include "upstream/once.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/json_out.h"
#include "weir/net/stream.h"

enum { ADDRS = RESOLVER_ADDRS_MAX, IN_MAX = 256 * 1024 };

struct probe {
    struct loop *loop;
    struct resolver *resolver;
    struct resolver_watch *watch;
    const struct snapshot_pool *pool;
    const struct snapshot_upstream *upstream;
    const struct online_ask *ask;
    struct net_addr addrs[ADDRS];
    size_t n_addrs, at, good; /* at: the address that is tried; good: one that took a connect */
    struct stream *stream;
    struct once *once;             /* instead, over HTTP/2 */
    struct loop_timer next, limit; /* next: a step begins on a stack of its own */
    struct reading reading;
    enum probe_step step;
    uint64_t began_ns;
    struct probe_finding found[PROBE_STEPS];
    void (*done)(struct probe *p, void *arg);
    void *arg;
};

static void begin(struct probe *p, enum probe_step step)
{
    p->step = step;
    loop_timer_at(&p->next, loop_refresh_now(p->loop));
}

static void finding(struct probe *p, enum probe_result result, const char *fmt, ...)
    WEIR_PRINTF(3, 4);

static void finding(struct probe *p, enum probe_result result, const char *fmt, ...)
{
    struct probe_finding *f = &p->found[p->step];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->result = result;
    f->ns = loop_refresh_now(p->loop) - p->began_ns;
}

static void end(struct probe *p)
{
    loop_timer_stop(&p->next);
    loop_timer_stop(&p->limit);
    resolver_unwatch(&p->watch);
    once_cancel(&p->once);
    stream_close(&p->stream);
    p->done(p, p->arg);
}

static void fail(struct probe *p, const char *why)
{
    finding(p, PROBE_BAD, "%s", why);
    end(p);
}

static void pass(struct probe *p, enum probe_step next)
{
    stream_close(&p->stream);
    loop_timer_stop(&p->limit);
    if (next == PROBE_STEPS)
        end(p);
    else
        begin(p, next);
}

static const char *host_of(const struct probe *p)
{
    return p->upstream->host[0] != '\0' ? p->upstream->host : p->upstream->own_host;
}

static const struct timeouts_conf *timeouts(const struct probe *p)
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
        fail(p, why);
        return;
    }
    for (size_t i = 0; i < n && i < ADDRS; i++) {
        char one[NET_ADDR_TEXT_MAX];
        size_t used = strlen(list);

        p->addrs[p->n_addrs++] = addrs[i];
        net_addr_format(&addrs[i], one);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", one);
    }
    finding(p, PROBE_GOOD, "%s", list);
    p->good = SIZE_MAX;
    begin(p, PROBE_CONNECT);
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
            fail(p, "the path of the socket is too long");
        return;
    }
    p->watch = resolver_watch(p->resolver, url->host, url->port, on_addresses, p);
    if (p->watch == NULL)
        fail(p, "out of memory");
}

/* --- connect: every address by itself */

static void connect_next(struct probe *p);

static void on_connected(void *owner)
{
    struct probe *p = owner;

    if (p->good == SIZE_MAX)
        p->good = p->at;
    p->at++;
    stream_close(&p->stream);
    begin(p, PROBE_CONNECT);
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
    begin(p, PROBE_CONNECT);
}

static void connect_over(struct probe *p)
{
    char bad[sizeof p->found[0].text];

    memcpy(bad, p->found[PROBE_CONNECT].text, sizeof bad);
    if (bad[0] == '\0')
        finding(p, PROBE_GOOD, p->n_addrs == 1 ? "the address answers" : "all %zu addresses answer",
                p->n_addrs);
    else
        finding(p, PROBE_BAD, "%s", bad);
    if (p->good == SIZE_MAX)
        end(p);
    else
        begin(p, p->upstream->tls != NULL ? PROBE_TLS : PROBE_ANSWER);
}

static void connect_next(struct probe *p)
{
    static const struct stream_events events = {
        .on_open = on_connected, .on_step = on_connected, .on_end = on_not_connected};

    if (p->at == p->n_addrs) {
        connect_over(p);
        return;
    }
    p->stream = stream_connect(p->loop, &p->addrs[p->at], NULL, SLICE_NONE, timeouts(p)->connect_ns,
                               IN_MAX, &events, p);
    if (p->stream == NULL)
        fail(p, "no descriptor or memory for a connection");
}

/* --- TLS and the answers */

static void on_patience_over(void *arg)
{
    struct probe *p = arg;

    fail(p, p->reading.has_head ? "the answer does not end" : "no answer in time");
}

static bool open_stream(struct probe *p, uint64_t within_ns, const struct stream_events *events)
{
    char mem[PROXIED_WRITTEN_MAX];

    p->stream = stream_connect(p->loop, &p->addrs[p->good], p->upstream->tls,
                               health_first_bytes(p->upstream->conf, mem), timeouts(p)->connect_ns,
                               IN_MAX, events, p);
    if (p->stream == NULL) {
        fail(p, "no descriptor or memory for a connection");
        return false;
    }
    loop_timer_at(&p->limit, loop_now_ns(p->loop) + within_ns);
    return true;
}

static void on_tls_open(void *owner)
{
    struct probe *p = owner;

    finding(p, PROBE_GOOD, "%s",
            p->upstream->conf->verify ? "the certificate is good for this name"
                                      : "the certificate was not looked at (verify is false)");
    pass(p, PROBE_ANSWER);
}

static void on_broken(void *owner, enum weir_status s, const char *why)
{
    (void)s;
    fail(owner, why);
}

static void try_tls(struct probe *p)
{
    static const struct stream_events events = {
        .on_open = on_tls_open, .on_step = on_tls_open, .on_end = on_broken};

    (void)open_stream(p, 2 * timeouts(p)->connect_ns, &events);
}

static const char *hint(int status)
{
    switch (status) {
    case 401:
    case 403:
        return "; it wants credentials: health.headers for checks, clients send their own";
    case 404:
        return "; is the path right?";
    case 421:
        return "; it wants another Host: see upstreams[].host";
    default:
        return "";
    }
}

/* By prior knowledge; a generation is asked for over HTTP/1.1 alone. */
static bool speaks_http2(const struct probe *p)
{
    return p->upstream->conf->http2 == UPSTREAM_HTTP2_CLEAR;
}

/* Without a path to check anything that HTTP has to say will do. */
static void judge_answer(struct probe *p)
{
    const struct health_conf *c = &p->pool->conf->health;
    bool checked = c->path[0] != '\0';
    bool good = checked ? health_status_is_good(c, p->reading.status) : p->reading.status != 421;

    finding(p, good ? PROBE_GOOD : PROBE_BAD, "GET %s (Host: %s): %d%s", checked ? c->path : "/",
            host_of(p), p->reading.status, good ? "" : hint(p->reading.status));
    if (good)
        pass(p, p->ask->generate != NULL && !speaks_http2(p) ? PROBE_GENERATE : PROBE_STEPS);
    else
        end(p);
}

static void judge_generation(struct probe *p)
{
    const struct reading *r = &p->reading;
    char shown[2 * READING_SHOWN];
    struct text t;

    text_init(&t, shown, sizeof shown);
    text_shown(&t, slice_of(r->shown, r->n_shown));
    if (r->status != 200)
        finding(p, PROBE_BAD, "%d%s: %s", r->status, hint(r->status), shown);
    else if (!r->stream)
        finding(p, PROBE_BAD, "200, but %s instead of a stream: %s",
                r->type[0] == '\0' ? "no content type" : r->type, shown);
    else if (r->answer.error != ERROR_NONE)
        finding(p, PROBE_BAD, "a 200 whose stream has an error: %s", shown);
    else if (!answer_is_whole(&r->answer, p->pool->conf->finish_reason_ends))
        finding(p, PROBE_BAD,
                "the stream has no end marker; end_marker = \"finish_reason\" if "
                "this backend never writes one");
    else
        finding(p, PROBE_GOOD, "%u events, whole", r->answer.events);
    if (p->found[PROBE_GENERATE].result == PROBE_GOOD)
        pass(p, PROBE_STEPS);
    else
        end(p);
}

static void judge(struct probe *p)
{
    if (p->reading.wrong != NULL)
        fail(p, p->reading.wrong);
    else if (p->step == PROBE_ANSWER)
        judge_answer(p);
    else
        judge_generation(p);
}

static void on_answer_step(void *owner)
{
    struct probe *p = owner;

    reading_feed(&p->reading, stream_in(p->stream));
    if (p->reading.wrong != NULL || p->reading.whole ||
        (p->step == PROBE_ANSWER && p->reading.has_head))
        judge(p);
}

static void on_answer_end(void *owner, enum weir_status s, const char *why)
{
    struct probe *p = owner;

    if (s != WEIR_CLOSED) {
        fail(p, why);
        return;
    }
    reading_feed(&p->reading, stream_in(p->stream));
    reading_end(&p->reading);
    judge(p);
}

static void put_check(struct text *t, const struct probe *p)
{
    const struct health_conf *c = &p->pool->conf->health;

    text_printf(t, "GET %s HTTP/1.1\r\n", c->path[0] == '\0' ? "/" : c->path);
    health_put_fields(t, c, host_of(p));
}

static void put_generation(struct text *t, const struct probe *p)
{
    char body[1024];
    struct json_out j;
    struct text b;

    text_init(&b, body, sizeof body);
    json_begin(&j, &b);
    json_open_object(&j, NULL);
    json_cstr(&j, "model", p->ask->generate);
    json_open_array(&j, "messages");
    json_open_object(&j, NULL);
    json_cstr(&j, "role", "user");
    json_cstr(&j, "content", "Hi");
    json_close(&j);
    json_close(&j);
    json_u64(&j, "max_tokens", 1);
    json_bool(&j, "stream", true);
    json_close(&j);
    text_printf(t,
                "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir-check\r\n"
                "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                host_of(p), b.len);
    if (p->ask->authorization != NULL)
        text_printf(t, "Authorization: %s\r\n", p->ask->authorization);
    text_str(t, "Connection: close\r\n\r\n");
    text_put(t, text_slice(&b));
}

/* --- the same over HTTP/2 by prior knowledge: the status alone */

static void on_once(void *arg, const struct response_head *h, enum weir_status s, const char *why)
{
    struct probe *p = arg;

    (void)s;
    p->once = NULL;
    if (h == NULL) {
        fail(p, why);
        return;
    }
    p->reading.status = h->status;
    judge_answer(p);
}

static void ask_once(struct probe *p)
{
    char request[20 * 1024], mem[PROXIED_WRITTEN_MAX];
    struct once_to to = {&p->addrs[p->good], p->upstream->tls,
                         health_first_bytes(p->upstream->conf, mem), true};
    struct text t;

    text_init(&t, request, sizeof request);
    put_check(&t, p);
    reading_begin(&p->reading, DIALECT_UNKNOWN);
    p->once = t.full ? NULL
                     : once_begin(p->loop, &to, p->pool->conf->health.timeout_ns, text_slice(&t),
                                  on_once, p);
    if (p->once == NULL)
        fail(p, "no descriptor or memory, or a field that HTTP/2 does not take");
}

/* --- and over HTTP/1.1 */

static void on_answer_open(void *owner)
{
    struct probe *p = owner;
    char request[20 * 1024];
    struct text t;

    text_init(&t, request, sizeof request);
    if (p->step == PROBE_ANSWER)
        put_check(&t, p);
    else
        put_generation(&t, p);
    if (t.full)
        fail(p, "the request's fields are longer than 16 KiB");
    else if (buf_append(stream_out(p->stream), text_slice(&t), sizeof request) != WEIR_OK)
        fail(p, "out of memory");
}

static void ask_for(struct probe *p, uint64_t within_ns)
{
    static const struct stream_events events = {
        .on_open = on_answer_open, .on_step = on_answer_step, .on_end = on_answer_end};

    reading_begin(&p->reading, DIALECT_OPENAI_CHAT);
    (void)open_stream(p, within_ns, &events);
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
        if (speaks_http2(p))
            ask_once(p);
        else
            ask_for(p, p->pool->conf->health.timeout_ns);
        break;
    case PROBE_GENERATE:
        ask_for(p, timeouts(p)->first_token_last_ns);
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
    begin(p, PROBE_NAME);
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
