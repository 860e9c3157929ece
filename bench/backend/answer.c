/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: tokens turned into the words of the request's dialect, with what faults make of them.
 * Which request gets which is in requests.c.
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
    if (x->timed)
        timed_leave(x);
    else
        api_leave(x);
    engine_remove(&s->engine, &x->job);
    if (x->conn != NULL)
        httpd_set_user(x->conn, NULL);
    s->open--;
    x->magic = 0;
    free(x);
    life_update(s);
}

struct exchange *exchange_new(struct server *s, struct httpd_conn *c, const struct httpd_request *r)
{
    struct exchange *x = calloc(1, sizeof *x);

    WEIR_ASSERT(x != NULL);
    x->magic = EXCHANGE_MAGIC;
    x->server = s;
    x->conn = c;
    list_init(&x->node);
    list_init(&x->job.node);
    x->hashed = head_field(r->head, "x-bench-hash").len > 0;
    x->asked_sum = fnv_feed(fnv_start, r->body);
    x->sent_sum = fnv_start;
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

void answer_sums(const struct exchange *x, struct slice body, char extra[EXTRA_MAX])
{
    extra[0] = '\0';
    if (x->hashed)
        (void)snprintf(extra, EXTRA_MAX,
                       "X-Bench-Asked: %016llx\r\nX-Bench-Answer: %016llx\r\n"
                       "X-Bench-First-Ms: %.3f\r\n",
                       (unsigned long long)x->asked_sum,
                       (unsigned long long)fnv_feed(fnv_start, body), x->told_ms);
}

void answer_begin(struct exchange *x)
{
    char extra[EXTRA_MAX] = "Cache-Control: no-cache\r\n";
    size_t n = strlen(extra);

    x->begun = true;
    if (x->hashed)
        (void)snprintf(extra + n, sizeof extra - n,
                       "X-Bench-Asked: %016llx\r\nX-Bench-First-Ms: %.3f\r\n",
                       (unsigned long long)x->asked_sum, x->told_ms);
    httpd_begin(x->conn, 200, "text/event-stream; charset=utf-8", extra);
}

/* Sends the scratch as one piece.  False: the client was found gone, the exchange with it. */
static bool send_scratch(struct exchange *x)
{
    struct httpd_conn *c = x->conn;

    if (x->hashed)
        x->sent_sum = fnv_feed(x->sent_sum, grow_slice(&x->server->scratch));
    httpd_piece(c, grow_slice(&x->server->scratch));
    return httpd_user(c) == x;
}

/* The sum of all that was sent so far, as a comment: what comes before the end marker is covered.
 */
static bool send_sum(struct exchange *x)
{
    struct server *s = x->server;

    if (!x->hashed)
        return true;
    grow_clear(&s->scratch);
    grow_printf(&s->scratch, ": sum %016llx\n\n", (unsigned long long)x->sent_sum);
    return send_scratch(x);
}

/* The dialect's first events go into the scratch, once. */
static void put_opening(struct exchange *x)
{
    if (!x->opened)
        x->answer.dialect->begin(&x->server->scratch, &x->answer);
    x->opened = true;
}

bool answer_ping(struct exchange *x)
{
    struct server *s = x->server;

    if (!x->begun)
        answer_begin(x);
    grow_clear(&s->scratch);
    put_opening(x);
    grow_str(&s->scratch, x->answer.dialect->ping);
    return send_scratch(x);
}

bool answer_quiet_piece(struct exchange *x, const char *text)
{
    grow_clear(&x->server->scratch);
    grow_str(&x->server->scratch, text);
    return send_scratch(x);
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

void answer_quiet_end(struct exchange *x)
{
    if (send_sum(x))
        stream_done(x, false);
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
    bool last = x->job.state == JOB_IDLE;

    if (!x->begun)
        answer_begin(x);
    grow_clear(&s->scratch);
    if (f->in_band_at >= 0 && x->breaks && before >= (uint32_t)f->in_band_at) {
        stream_error(x);
        return;
    }
    put_opening(x);
    if (f->empty) {
        stream_empty(x);
        return;
    }
    if (f->cut_at >= 0 && x->breaks && before >= (uint32_t)f->cut_at) {
        stream_cut(x);
        return;
    }
    x->answer.dialect->token(&s->scratch, &x->answer, before);
    if (!last || x->hashed) {
        if (!send_scratch(x) || !last || !send_sum(x))
            return;
        grow_clear(&s->scratch);
    }
    x->answer.dialect->end(&s->scratch, &x->answer);
    if (send_scratch(x))
        stream_done(x, false);
}

static void answer_whole(struct exchange *x)
{
    struct server *s = x->server;
    struct httpd_conn *c = x->conn;
    char extra[EXTRA_MAX];

    grow_clear(&s->scratch);
    x->answer.dialect->whole(&s->scratch, &x->answer);
    s->n.served++;
    life_request_served(s);
    answer_sums(x, grow_slice(&s->scratch), extra);
    exchange_free(x);
    httpd_answer(c, 200, JSON, extra, grow_slice(&s->scratch));
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
