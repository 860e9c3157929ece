/* SPDX-License-Identifier: Apache-2.0 */
/* The data port: which request gets which answer.  Faults first, then routes, then chat. */
#include <string.h>

#include "bench/backend/server.h"
#include "weir/base/clock.h"

#define JSON "application/json"

static bool chance(struct server *s, double share)
{
    return share >= 1 || rng_unit(&s->rng) < share;
}

static bool over_quota(struct server *s)
{
    uint64_t now = mono_now_ns();
    double most = s->faults.quota > 1 ? s->faults.quota : 1;

    if (s->faults.quota <= 0)
        return false;
    s->quota_tokens += (double)(now - s->quota_ns) / 1e9 * s->faults.quota;
    s->quota_ns = now;
    if (s->quota_tokens > most)
        s->quota_tokens = most;
    if (s->quota_tokens < 1)
        return true;
    s->quota_tokens -= 1;
    return false;
}

/* True when a fault took the request. */
static bool fault_takes(struct server *s, struct httpd_conn *c, const struct dialect *d)
{
    const struct faults *f = &s->faults;

    if (f->reset) {
        s->n.broken++;
        httpd_break(c, true);
        return true;
    }
    if (f->bad_head) {
        s->n.broken++;
        httpd_raw(c, SLICE_LIT("220 this is no HTTP\r\n\r\n"));
        httpd_break(c, false);
        return true;
    }
    if (f->blank) {
        s->n.broken++;
        httpd_answer(c, 200, JSON, NULL, SLICE_NONE);
        return true;
    }
    if (f->status != 0 && chance(s, f->status_share)) {
        answer_refuse(s, c, d, f->status, f->retry_after_s);
        return true;
    }
    if (over_quota(s)) {
        answer_refuse(s, c, d, 429, f->retry_after_s);
        return true;
    }
    return false;
}

static bool is_loading(const struct server *s, const struct exchange *x)
{
    const struct clocked_conf *c = s->conf.clocked;
    double up_ms = (double)(mono_now_ns() - s->born_ns) / 1e6;

    return c->loading != NULL && strcmp(x->answer.model, c->loading) == 0 &&
           up_ms < c->loading_ms * s->engine.slow;
}

/* What a server that goes by the clock refuses: 0 is nothing. */
static int clocked_refusal(struct server *s, const struct exchange *x,
                           const struct httpd_request *r)
{
    struct slice key = head_field(r->head, "authorization");

    if (is_loading(s, x))
        return 503;
    return key_quota_take(&s->keys, s->conf.clocked, fnv_feed(fnv_start, key), mono_now_ns()) ? 0
                                                                                              : 429;
}

static void take_clocked(struct server *s, struct httpd_conn *c, const struct httpd_request *r,
                         struct exchange *x)
{
    const struct dialect *d = x->answer.dialect;
    int status = clocked_refusal(s, x, r);

    if (status == 0) {
        timed_take(s, x);
        return;
    }
    exchange_free(x);
    answer_refuse(s, c, d, status, s->conf.clocked->retry_after_s);
}

static void take_chat(struct server *s, struct httpd_conn *c, const struct httpd_request *r,
                      const struct dialect *d)
{
    struct exchange *x = exchange_new(s, c, r);
    double share = s->faults.in_band_at >= 0 ? s->faults.in_band_share : s->faults.cut_share;

    x->answer.dialect = d;
    if (!ask_read(s, r, x)) {
        exchange_free(x);
        answer_refuse(s, c, d, 400, -1);
        return;
    }
    x->breaks = chance(s, share);
    if (s->faults.mixed && x->answer.number % 2 == 0)
        (void)snprintf(x->answer.tag, sizeof x->answer.tag, "somebody-else");
    s->n.prompt_tokens += x->job.prompt;
    s->n.cached_tokens += x->job.cached;
    if (s->conf.clocked != NULL) {
        take_clocked(s, c, r, x);
        return;
    }
    if (!engine_submit(&s->engine, &x->job, mono_now_ns())) {
        exchange_free(x);
        answer_refuse(s, c, d, 503, -1);
        return;
    }
    if (x->stream && s->faults.early_head)
        answer_begin(x);
    life_update(s);
}

/* What there is beside chat */

static void take_models(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    static const char model[] =
        "{\"id\":\"%s\",\"object\":\"model\",\"created\":0,\"owned_by\":\"weir\"}";
    const struct clocked_conf *k = s->conf.clocked;
    struct grow g = {0};

    (void)r;
    grow_str(&g, "{\"object\":\"list\",\"data\":[");
    grow_printf(&g, model, k != NULL && k->loading != NULL ? "alpha" : "weir-bench");
    if (k != NULL && k->loading != NULL) {
        grow_str(&g, ",");
        grow_printf(&g, model, k->loading);
    }
    grow_str(&g, "]}");
    httpd_answer(c, 200, JSON, NULL, grow_slice(&g));
    grow_free(&g);
}

static void take_embeddings(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    struct grow g = {0};

    grow_str(&g,
             "{\"object\":\"list\",\"model\":\"weir-bench\",\"data\":[{\"object\":\"embedding\","
             "\"index\":0,\"embedding\":[0.25,-0.5,0.125]}],"
             "\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}");
    api_take_text(s, exchange_new(s, c, r), r, grow_slice(&g));
}

static void take_health(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    (void)r;
    if (s->faults.unhealthy)
        httpd_answer(c, 503, JSON, NULL, SLICE_LIT("{\"status\":\"unavailable\"}"));
    else
        httpd_answer(c, 200, JSON, NULL, SLICE_LIT("{\"status\":\"ok\"}"));
}

static void take_events(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    quiet_take(s, exchange_new(s, c, r));
}

static void take_socket(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    (void)s;
    socket_take(c, r);
}

static void take_api(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    api_take(s, exchange_new(s, c, r), r);
}

static const struct route {
    const char *path;
    bool below;         /* and what is below the path */
    const char *method; /* NULL: any; "GET" is HEAD as well */
    void (*take)(struct server *s, struct httpd_conn *c, const struct httpd_request *r);
} routes[] = {
    {"/v1/models", false, "GET", take_models}, {"/v1/embeddings", false, "POST", take_embeddings},
    {"/mcp", false, "GET", take_events},       {"/mcp", false, "POST", take_api},
    {"/events", false, "GET", take_events},    {"/ws", false, "GET", take_socket},
    {"/api/", true, NULL, take_api},
};

static bool route_is(const struct route *t, const struct httpd_request *r)
{
    struct slice path = r->target;
    const char *query = path.len == 0 ? NULL : memchr(path.p, '?', path.len);
    bool get = slice_eq(r->method, SLICE_LIT("GET")) || slice_eq(r->method, SLICE_LIT("HEAD"));

    if (query != NULL)
        path.len = (size_t)(query - path.p);
    if (t->below ? !slice_starts(path, slice_str(t->path)) : !slice_eq(path, slice_str(t->path)))
        return false;
    return t->method == NULL || (strcmp(t->method, "GET") == 0 && get) ||
           slice_eq(r->method, slice_str(t->method));
}

static void on_request(void *ctx, struct httpd_conn *c, const struct httpd_request *r)
{
    struct server *s = ctx;
    const struct dialect *d = dialect_of_path(r->target);

    if (slice_eq(r->target, SLICE_LIT("/health")) && !slice_eq(r->method, SLICE_LIT("POST"))) {
        take_health(s, c, r);
        return;
    }
    s->n.attempts++;
    life_request_arrived(s);
    if (s->down || fault_takes(s, c, d))
        return;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (route_is(&routes[i], r)) {
            routes[i].take(s, c, r);
            return;
        }
    }
    if (d != NULL && slice_eq(r->method, SLICE_LIT("POST")))
        take_chat(s, c, r, d);
    else
        answer_refuse(s, c, d, d != NULL ? 405 : 404, -1);
}

static void on_gone(void *ctx, struct httpd_conn *c)
{
    struct server *s = ctx;
    struct exchange *x = httpd_user(c);

    if (x == NULL)
        return;
    s->n.tokens_wasted += x->job.produced;
    if (s->down)
        s->n.killed++;
    else
        s->n.aborted++;
    exchange_free(x);
}

const struct httpd_handler answer_handler = {on_request, on_gone, socket_bytes};
