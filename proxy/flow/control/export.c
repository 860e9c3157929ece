/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends spans to the collector (OTLP over HTTP, as JSON), in batches, on control's loop.  Nobody
 * waits for it: what the collector does not take in time is dropped and counted.  Control thread.
 *
 *     filling ─(1 s, or BATCH_BYTES)─► sending ─► 2xx: sent
 *                                        ├─ no answer, 429, 502, 503, 504: again, later and later
 *                                        └─ any other status, TRIES_MAX times: dropped
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/export.h"
#include "control/spans.h"
#include "upstream/once.h"
#include "weir/base/json_out.h"

enum { QUEUE_BYTES = 1024 * 1024, BATCH_BYTES = 256 * 1024, TRIES_MAX = 5 };
#define BATCH_AGE_NS (1 * NS_PER_S)
#define TIMEOUT_NS   (10 * NS_PER_S)
#define BACKOFF_NS   (1 * NS_PER_S)
#define BACKOFF_MAX  (30 * NS_PER_S)
#define AT_END_NS    (1 * NS_PER_S)

static void drop(struct export *e, struct export_batch *b)
{
    e->dropped += b->n;
    buf_free(&b->spans);
    b->n = 0;
}

/* One line for each change: works, does not. */
static void say(struct control *c, const char *why)
{
    struct export *e = &c->export;
    bool fails = why[0] != '\0', failed = e->error[0] != '\0';

    (void)snprintf(e->error, sizeof e->error, "%s", why);
    if (fails && !failed)
        log_warn("tracing: spans cannot be sent to %s: %s; they are kept for a while, then "
                 "dropped; requests go on",
                 c->snapshot->settings->tracing.endpoint, why);
    else if (!fails && failed)
        log_info("tracing: spans are sent again; %llu were dropped since the start",
                 (unsigned long long)e->dropped);
}

/* --- one batch */

static void put_resource(struct json_out *j)
{
    char host[256] = "";
    const struct {
        const char *key, *value;
    } rows[] = {{"service.name", "weir"}, {"service.version", WEIR_VERSION}, {"host.name", host}};

    (void)gethostname(host, sizeof host - 1);
    json_open_object(j, "resource");
    json_open_array(j, "attributes");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_open_object(j, NULL);
        json_cstr(j, "key", rows[i].key);
        json_open_object(j, "value");
        json_cstr(j, "stringValue", rows[i].value);
        json_close(j);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

/* All of the body but its spans: what stands before them; behind them stands `tail`. */
static const char tail[] = "]}]}]}";

static void put_front(struct text *t)
{
    struct json_out j;

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_open_array(&j, "resourceSpans");
    json_open_object(&j, NULL);
    put_resource(&j);
    json_open_array(&j, "scopeSpans");
    json_open_object(&j, NULL);
    json_open_object(&j, "scope");
    json_cstr(&j, "name", "weir");
    json_cstr(&j, "version", WEIR_VERSION);
    json_close(&j);
    json_open_array(&j, "spans");
}

static bool make_request(const struct control *c, struct slice spans, struct buf *out)
{
    const struct snapshot_collector *to = &c->snapshot->collector;
    char front[1024], head[1024];
    size_t most = spans.len + sizeof front + sizeof head + sizeof tail;
    struct text f, h;

    text_init(&f, front, sizeof front);
    put_front(&f);
    text_init(&h, head, sizeof head);
    text_printf(&h,
                "POST /v1/traces HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir/%s\r\n"
                "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                "Connection: close\r\n\r\n",
                to->own_host, WEIR_VERSION, f.len + spans.len + sizeof tail - 1);
    return !f.full && !h.full && buf_append(out, text_slice(&h), most) == WEIR_OK &&
           buf_append(out, text_slice(&f), most) == WEIR_OK &&
           buf_append(out, spans, most) == WEIR_OK &&
           buf_append(out, SLICE_LIT(tail), most) == WEIR_OK;
}

static void send_batch(struct control *c);

static void wait_for(struct export *e, uint64_t now_ns, uint64_t at_least_ns)
{
    uint32_t doublings = e->fails < 6 ? e->fails : 6;
    uint64_t wait = doublings == 0 ? 0 : BACKOFF_NS << (doublings - 1);

    wait = wait > BACKOFF_MAX ? BACKOFF_MAX : wait;
    loop_timer_at(&e->timer, now_ns + (wait > at_least_ns ? wait : at_least_ns));
}

static void failed(struct control *c, const char *why, bool again, uint64_t at_least_ns)
{
    struct export *e = &c->export;

    e->fails++;
    e->tries++;
    if (!again || e->tries >= TRIES_MAX) {
        drop(e, &e->sending);
        e->tries = 0;
    }
    say(c, why);
    wait_for(e, loop_now_ns(c->loop), at_least_ns);
}

static bool is_worth_another_try(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static void on_answer(void *arg, const struct response_head *h, enum weir_status s, const char *why)
{
    struct control *c = arg;
    struct export *e = &c->export;
    char status[32];

    (void)s;
    e->once = NULL;
    if (h == NULL) {
        failed(c, why, true, 0);
        return;
    }
    if (h->status < 200 || h->status > 299) {
        uint64_t wait = response_retry_after_ms(h, wall_now_ns() / NS_PER_S) * NS_PER_MS;

        (void)snprintf(status, sizeof status, "status %d", h->status);
        failed(c, status, is_worth_another_try(h->status), wait > BACKOFF_MAX ? BACKOFF_MAX : wait);
        return;
    }
    e->sent += e->sending.n;
    buf_free(&e->sending.spans);
    e->sending.n = e->tries = e->fails = 0;
    say(c, "");
    if (e->filling.n > 0)
        loop_timer_at(&e->timer,
                      loop_now_ns(c->loop) + (e->ends_ns != 0 || e->filling.spans.len >= BATCH_BYTES
                                                  ? 0
                                                  : BATCH_AGE_NS));
}

static void send_batch(struct control *c)
{
    struct export *e = &c->export;
    struct buf request = BUF_INIT;

    if (!e->has_addr) {
        failed(c, "its name is not resolved", true, 0);
        return;
    }
    if (make_request(c, buf_slice(&e->sending.spans), &request))
        e->once = once_begin(c->loop, &(struct once_to){&e->addr, c->snapshot->collector.tls},
                             TIMEOUT_NS, buf_slice(&request), on_answer, c);
    buf_free(&request);
    if (e->once == NULL)
        failed(c, "there is no memory or descriptor for it", true, 0);
}

static void on_timer(void *arg)
{
    struct control *c = arg;
    struct export *e = &c->export;

    if (e->once != NULL || !c->snapshot->collector.on)
        return;
    if (e->sending.n == 0) {
        struct export_batch empty = e->sending;

        e->sending = e->filling;
        e->filling = empty;
    }
    if (e->sending.n > 0)
        send_batch(c);
}

/* --- what comes */

static bool append(struct export_batch *b, struct slice spans)
{
    size_t comma = b->n > 0 ? 1 : 0, room;
    char *at;

    if (buf_reserve(&b->spans, spans.len + comma, QUEUE_BYTES, &at, &room) != WEIR_OK)
        return false;
    if (comma > 0)
        *at = ',';
    memcpy(at + comma, spans.p, spans.len);
    buf_commit(&b->spans, spans.len + comma);
    return true;
}

/* Nothing is made of what would not fit: many sampled requests cost little when nobody takes them.
 */
static bool keep(struct control *c, const struct request_record *r,
                 const struct request_trace *trace, const char *path)
{
    struct export_batch *b = &c->export.filling;
    char mem[SPANS_MAX_BYTES];
    struct text t;

    if (b->spans.len + SPANS_MAX_BYTES > QUEUE_BYTES)
        return false;
    text_init(&t, mem, sizeof mem);
    spans_put(&t, c, r, trace, path);
    return !t.full && append(b, slice_of(mem + 1, t.len - 2)); /* without the brackets */
}

void export_record(struct control *c, const struct request_record *r,
                   const struct request_trace *trace, const char *path)
{
    struct export *e = &c->export;
    uint32_t n = spans_count(r, trace);

    if (!c->snapshot->collector.on || e->closed)
        return; /* a reload has switched it off, or the process ends */
    if (!keep(c, r, trace, path)) {
        e->dropped += n;
        return;
    }
    e->filling.n += n;
    if (e->once != NULL || e->sending.n > 0)
        return;
    if (e->filling.spans.len >= BATCH_BYTES)
        loop_timer_at(&e->timer, loop_now_ns(c->loop));
    else if (!loop_timer_is_on(&e->timer))
        loop_timer_at(&e->timer, loop_now_ns(c->loop) + BATCH_AGE_NS);
}

/* --- life */

static void on_addresses(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct control *c = arg;

    (void)why; /* is said when there is something to send */
    if (n == 0)
        return;
    c->export.addr = addrs[0];
    c->export.has_addr = true;
}

static bool watch(struct control *c)
{
    const struct snapshot_collector *to = &c->snapshot->collector;
    struct export *e = &c->export;
    char text[300];

    if (!to->on)
        return true;
    if (to->url.unix_path) {
        (void)snprintf(text, sizeof text, "unix:%s", to->url.host);
        e->has_addr = net_addr_parse(slice_str(text), &e->addr) == WEIR_OK;
        return e->has_addr;
    }
    e->watch = resolver_watch(c->resolver, to->url.host, to->url.port, on_addresses, c);
    return e->watch != NULL;
}

bool export_open(struct control *c)
{
    loop_timer_init(&c->export.timer, c->loop, on_timer, c);
    return watch(c);
}

void export_reload(struct control *c, const struct snapshot *old)
{
    struct export *e = &c->export;

    if (strcmp(old->settings->tracing.endpoint, c->snapshot->settings->tracing.endpoint) == 0)
        return;
    export_close(c);
    e->has_addr = false;
    e->error[0] = '\0';
    e->fails = e->tries = 0;
    e->closed = false;
    if (!watch(c))
        log_error("no memory to send spans: tried again each second");
}

void export_second(struct control *c)
{
    if (c->export.watch == NULL && !c->export.has_addr && !c->export.closed)
        (void)watch(c); /* or in a second */
}

bool export_is_done(struct control *c)
{
    struct export *e = &c->export;
    uint64_t now = loop_now_ns(c->loop);

    if (!c->snapshot->collector.on)
        return true;
    if (e->ends_ns == 0) {
        e->ends_ns = now + AT_END_NS;
        return false; /* the last records may be under way */
    }
    if (now >= e->ends_ns || e->error[0] != '\0')
        return true;
    if (e->once == NULL)
        on_timer(c);
    return e->once == NULL && e->sending.n == 0 && e->filling.n == 0;
}

void export_close(struct control *c)
{
    struct export *e = &c->export;

    loop_timer_stop(&e->timer);
    once_cancel(&e->once);
    resolver_unwatch(&e->watch);
    drop(e, &e->sending);
    drop(e, &e->filling);
    e->closed = true;
}
