/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data port: what each request gets.  Routing, faults, and the engine's tokens turned into the
 * words of the request's dialect.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/backend/server.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define JSON "application/json"

void exchange_free(struct exchange *x)
{
    struct server *s = x->server;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    api_leave(x);
    engine_remove(&s->engine, &x->job);
    if (x->conn != NULL)
        httpd_set_user(x->conn, NULL);
    s->open--;
    x->magic = 0;
    free(x);
    life_update(s);
}

static struct exchange *exchange_new(struct server *s, struct httpd_conn *c)
{
    struct exchange *x = calloc(1, sizeof *x);

    WEIR_ASSERT(x != NULL);
    x->magic = EXCHANGE_MAGIC;
    x->server = s;
    x->conn = c;
    list_init(&x->node);
    list_init(&x->job.node);
    x->answer.number = s->n.attempts;
    x->answer.created = wall_now_ns() / NS_PER_S;
    httpd_set_user(c, x);
    s->open++;
    if (s->open > s->open_max)
        s->open_max = s->open;
    return x;
}

void answer_refuse(struct server *s, struct httpd_conn *c, const struct dialect *d, int status,
                   int retry_after_s)
{
    struct grow g = {0};
    char extra[64] = "";

    if (retry_after_s >= 0)
        (void)snprintf(extra, sizeof extra, "Retry-After: %d\r\n", retry_after_s);
    if (d == NULL)
        d = dialect_of_path(SLICE_LIT("/v1/chat/completions"));
    d->refusal(&g, status);
    if (status >= 429)
        s->n.refused++;
    httpd_answer(c, status, JSON, extra, grow_slice(&g));
    grow_free(&g);
}

/* Streams */

static void stream_begin(struct exchange *x)
{
    x->begun = true;
    httpd_begin(x->conn, 200, "text/event-stream; charset=utf-8", "Cache-Control: no-cache\r\n");
}

/* Sends the scratch as one piece.  False: the client was found gone, the exchange with it. */
static bool send_scratch(struct exchange *x)
{
    struct httpd_conn *c = x->conn;

    httpd_piece(c, grow_slice(&x->server->scratch));
    return httpd_user(c) == x;
}

/* The stream is over as it should be. */
static void stream_done(struct exchange *x, bool broken)
{
    struct server *s = x->server;
    struct httpd_conn *c = x->conn;

    if (broken) {
        s->n.broken++;
        s->n.tokens_wasted += x->job.produced;
    } else {
        s->n.served++;
        life_request_served(s);
    }
    exchange_free(x);
    httpd_end(c);
}

static void stream_cut(struct exchange *x)
{
    struct server *s = x->server;
    struct httpd_conn *c = x->conn;
    enum cut_how how = s->faults.cut_how;

    if (how == CUT_CLEAN) {
        stream_done(x, true);
        return;
    }
    s->n.broken++;
    s->n.tokens_wasted += x->job.produced;
    exchange_free(x);
    httpd_break(c, how == CUT_RESET);
}

/* An error event instead of token number produced; the stream ends with it. */
static void stream_error(struct exchange *x)
{
    struct server *s = x->server;

    x->answer.dialect->error(&s->scratch, &x->answer, s->faults.in_band_code);
    if (send_scratch(x))
        stream_done(x, true);
}

static void stream_empty(struct exchange *x)
{
    x->answer.produced = 0;
    x->answer.dialect->end(&x->server->scratch, &x->answer);
    if (send_scratch(x))
        stream_done(x, true);
}

static void stream_token(struct exchange *x)
{
    struct server *s = x->server;
    const struct faults *f = &s->faults;
    uint32_t before = x->job.produced - 1;
    bool first = before == 0, last = x->job.state == JOB_IDLE;

    if (!x->begun)
        stream_begin(x);
    grow_clear(&s->scratch);
    if (f->in_band_at >= 0 && x->breaks && before >= (uint32_t)f->in_band_at) {
        stream_error(x);
        return;
    }
    if (first)
        x->answer.dialect->begin(&s->scratch, &x->answer);
    if (f->empty) {
        stream_empty(x);
        return;
    }
    if (f->cut_at >= 0 && x->breaks && before >= (uint32_t)f->cut_at) {
        stream_cut(x);
        return;
    }
    x->answer.dialect->token(&s->scratch, &x->answer, before);
    if (last)
        x->answer.dialect->end(&s->scratch, &x->answer);
    if (send_scratch(x) && last)
        stream_done(x, false);
}

static void answer_whole(struct exchange *x)
{
    struct server *s = x->server;
    struct httpd_conn *c = x->conn;

    grow_clear(&s->scratch);
    x->answer.dialect->whole(&s->scratch, &x->answer);
    s->n.served++;
    life_request_served(s);
    exchange_free(x);
    httpd_answer(c, 200, JSON, NULL, grow_slice(&s->scratch));
}

void answer_token(void *server, struct engine_job *job)
{
    struct server *s = server;
    struct exchange *x = LIST_OBJECT(job, struct exchange, job);

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    s->n.tokens++;
    x->answer.produced = job->produced;
    if (x->stream)
        stream_token(x);
    else if (job->state == JOB_IDLE)
        answer_whole(x);
}

/* Requests */

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

static void take_chat(struct server *s, struct httpd_conn *c, const struct httpd_request *r,
                      const struct dialect *d)
{
    struct exchange *x = exchange_new(s, c);
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
    if (!engine_submit(&s->engine, &x->job, mono_now_ns())) {
        exchange_free(x);
        answer_refuse(s, c, d, 503, -1);
        return;
    }
    if (x->stream && s->faults.early_head)
        stream_begin(x);
    life_update(s);
}

static void answer_models(struct httpd_conn *c)
{
    httpd_answer(c, 200, JSON, NULL,
                 SLICE_LIT("{\"object\":\"list\",\"data\":[{\"id\":\"weir-bench\",\"object\":"
                           "\"model\",\"created\":0,\"owned_by\":\"weir\"}]}"));
}

static void answer_health(struct server *s, struct httpd_conn *c)
{
    if (s->faults.unhealthy)
        httpd_answer(c, 503, JSON, NULL, SLICE_LIT("{\"status\":\"unavailable\"}"));
    else
        httpd_answer(c, 200, JSON, NULL, SLICE_LIT("{\"status\":\"ok\"}"));
}

static void on_request(void *ctx, struct httpd_conn *c, const struct httpd_request *r)
{
    struct server *s = ctx;
    const struct dialect *d = dialect_of_path(r->target);
    bool get = slice_eq(r->method, SLICE_LIT("GET")) || slice_eq(r->method, SLICE_LIT("HEAD"));

    if (slice_eq(r->target, SLICE_LIT("/health")) && get) {
        answer_health(s, c);
        return;
    }
    s->n.attempts++;
    life_request_arrived(s);
    if (s->down || fault_takes(s, c, d))
        return;
    if (d != NULL && slice_eq(r->method, SLICE_LIT("POST")))
        take_chat(s, c, r, d);
    else if (d != NULL)
        answer_refuse(s, c, d, 405, -1);
    else if (slice_eq(r->target, SLICE_LIT("/v1/models")) && get)
        answer_models(c);
    else if (slice_starts(r->target, SLICE_LIT("/api/")))
        api_take(s, exchange_new(s, c), r);
    else
        answer_refuse(s, c, d, 404, -1);
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

const struct httpd_handler answer_handler = {on_request, on_gone};
