/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain JSON API: a pool of workers, first come first served, each busy for a lognormal time.
 * Answers say what was asked, so that a proxy's changes can be seen.
 */
#include <stdlib.h>

#include "bench/backend/server.h"
#include "bench/common/draw.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { ECHO_BODY_MAX = 4096 };

void api_init(struct server *s)
{
    s->api = (struct api_pool){.workers = s->conf.workers};
    list_init(&s->api.waiting);
}

static void echo_fields(struct grow *g, struct slice fields)
{
    bool more = false;

    while (fields.len > 0) {
        struct slice value = next_part(&fields, '\n');
        struct slice name = next_part(&value, ':');
        if (name.len == 0)
            continue;
        if (value.len > 0 && value.p[value.len - 1] == '\r')
            value.len--;
        grow_str(g, more ? ",[" : "[");
        grow_json_str(g, name);
        grow_str(g, ",");
        grow_json_str(g, slice_trim(value));
        grow_str(g, "]");
        more = true;
    }
}

static struct slice echo_text(const struct httpd_request *r)
{
    struct grow g = {0};

    grow_str(&g, "{\"method\":");
    grow_json_str(&g, r->method);
    grow_str(&g, ",\"target\":");
    grow_json_str(&g, r->target);
    grow_str(&g, ",\"headers\":[");
    echo_fields(&g, r->head->fields);
    grow_printf(&g, "],\"body_bytes\":%zu,\"body\":", r->body.len);
    grow_json_str(&g,
                  slice_of(r->body.p, r->body.len < ECHO_BODY_MAX ? r->body.len : ECHO_BODY_MAX));
    grow_str(&g, "}");
    return grow_slice(&g);
}

/* "ms=20" in the query overrides the drawn service time. */
static double asked_ms(struct slice target, double otherwise)
{
    double ms;

    (void)next_part(&target, '?');
    while (target.len > 0) {
        struct slice value = next_part(&target, '&');
        struct slice key = next_part(&value, '=');
        if (slice_eq(key, SLICE_LIT("ms")) && real_parse(value, &ms) == WEIR_OK && ms <= 600000)
            return ms;
    }
    return otherwise;
}

static void start_work(struct server *s, struct exchange *x)
{
    uint64_t us = (uint64_t)(x->service_ms * s->engine.slow * 1000);
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    s->api.busy++;
    x->job.state = JOB_RUNNING;
    (void)event_add(x->timer, &tv);
}

void api_go_on(struct server *s)
{
    while (s->api.busy < s->api.workers && !list_empty(&s->api.waiting) && !s->faults.stall) {
        struct exchange *x = LIST_OBJECT(s->api.waiting.next, struct exchange, node);
        list_remove(&x->node);
        s->api.n_waiting--;
        start_work(s, x);
    }
}

void api_leave(struct exchange *x)
{
    struct server *s = x->server;

    if (x->timer == NULL)
        return;
    if (x->job.state == JOB_RUNNING)
        s->api.busy--;
    if (x->job.state == JOB_WAITING) {
        list_remove(&x->node);
        s->api.n_waiting--;
    }
    x->job.state = JOB_IDLE;
    event_free(x->timer);
    x->timer = NULL;
    free((void *)(uintptr_t)x->echo.p);
    api_go_on(s);
}

static void on_worked(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *x = arg;
    struct httpd_conn *c;
    struct slice body;
    char extra[EXTRA_MAX];

    (void)fd, (void)what;
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->server->faults.stall) {
        struct timeval again = {0, 100000};
        (void)event_add(x->timer, &again);
        return;
    }
    c = x->conn;
    body = x->echo;
    x->echo = SLICE_NONE; /* the answer needs it longer than the worker */
    x->server->n.served++;
    life_request_served(x->server);
    answer_sums(x, body, extra);
    exchange_free(x);
    httpd_answer(c, 200, "application/json", extra, body);
    free((void *)(uintptr_t)body.p);
}

void api_take(struct server *s, struct exchange *x, const struct httpd_request *r)
{
    api_take_text(s, x, r, echo_text(r));
}

void api_take_text(struct server *s, struct exchange *x, const struct httpd_request *r,
                   struct slice text)
{
    double drawn = draw_lognormal(&s->rng, s->conf.service_ms, s->conf.service_sigma);

    x->service_ms = asked_ms(r->target, drawn);
    x->echo = text;
    x->timer = event_new(s->loop, -1, 0, on_worked, x);
    WEIR_ASSERT(x->timer != NULL);
    x->job.state = JOB_WAITING;
    x->job.since_ns = mono_now_ns();
    list_push_back(&s->api.waiting, &x->node);
    s->api.n_waiting++;
    api_go_on(s);
}
