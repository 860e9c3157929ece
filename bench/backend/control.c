/* SPDX-License-Identifier: Apache-2.0 */
/* The control port: numbers out, faults in.  Made for curl. */
#include <stdio.h>

#include "bench/backend/server.h"
#include "weir/base/clock.h"
#include "weir/base/json_out.h"

enum { STATS_MAX = 16 * 1024 };

static double longest_wait_s(struct server *s)
{
    uint64_t longest = engine_oldest_wait_ns(&s->engine, mono_now_ns());

    if (s->engine.longest_wait_ns > longest)
        longest = s->engine.longest_wait_ns;
    for (int i = 0; i < WAIT_RING; i++) {
        if (s->wait_ring_ns[i] > longest)
            longest = s->wait_ring_ns[i];
    }
    return (double)longest / 1e9;
}

/* Of the last whole second, or of one who still waits. */
static double longest_wait_lately_s(const struct server *s)
{
    uint64_t lately = s->wait_ring_ns[(s->ring_at + WAIT_RING - 1) % WAIT_RING],
             waiting = engine_oldest_wait_ns(&s->engine, mono_now_ns());

    return (double)(lately > waiting ? lately : waiting) / 1e9;
}

static void write_faults(struct json_out *j, const struct faults *f)
{
    json_open_object(j, "faults");
    json_num(j, "slow", f->slow, 2);
    json_bool(j, "stall", f->stall);
    json_i64(j, "status", f->status);
    json_num(j, "quota", f->quota, 2);
    json_i64(j, "in_band_at", f->in_band_at);
    json_i64(j, "cut_at", f->cut_at);
    json_bool(j, "blank", f->blank);
    json_bool(j, "mixed", f->mixed);
    json_bool(j, "empty", f->empty);
    json_bool(j, "early_head", f->early_head);
    json_bool(j, "reset", f->reset);
    json_bool(j, "bad_head", f->bad_head);
    json_bool(j, "unhealthy", f->unhealthy);
    json_i64(j, "fragile", f->fragile);
    json_close(j);
}

static void write_counters(struct json_out *j, const struct server *s)
{
#define WRITE_COUNTER(field, help) json_u64(j, #field, s->n.field);
    BACKEND_COUNTERS(WRITE_COUNTER)
#undef WRITE_COUNTER
    json_u64(j, "preempted", s->engine.preempted);
    json_u64(j, "steps", s->engine.steps);
    json_u64(j, "connections", s->port.n_open);
    json_u64(j, "max_connections", s->port.n_open_max);
    json_u64(j, "accepted", s->port.n_accepted);
    json_u64(j, "reset_while_down", s->port.n_refused);
    json_u64(j, "overflowed", s->port.n_overflowed);
}

static void stats_write(struct server *s, struct grow *g)
{
    char mem[STATS_MAX];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    json_cstr(&j, "engine", s->conf.name);
    json_cstr(&j, "state", s->down ? "down" : "up");
    json_num(&j, "uptime_s", (double)(mono_now_ns() - s->born_ns) / 1e9, 3);
    json_i64(&j, "slots", s->conf.slots);
    json_i64(&j, "running", s->engine.n_running + s->n_timed);
    json_i64(&j, "queued", s->engine.n_waiting);
    json_i64(&j, "api_busy", s->api.busy);
    json_i64(&j, "api_queued", s->api.n_waiting);
    json_u64(&j, "open", s->open);
    json_u64(&j, "max_open", s->open_max);
    json_num(&j, "longest_wait_s", longest_wait_s(s), 3);
    json_num(&j, "longest_wait_1s_s", longest_wait_lately_s(s), 3);
    json_u64(&j, "kv_used", s->engine.kv_used);
    json_u64(&j, "cold_left", s->cold_left);
    json_num(&j, "slow_now", s->engine.slow * s->speed, 3);
    write_counters(&j, s);
    write_faults(&j, &s->faults);
    json_close(&j);
    grow_put(g, text_slice(&t));
    grow_str(g, "\n");
}

static void list_kind(void *ctx, const char *name, const char *help)
{
    grow_printf(ctx, "  %-14s %s\n", name, help);
}

static void help_write(struct grow *g)
{
    grow_str(g, "weir-bench backend, control port\n\n"
                "  GET  /stats   numbers, JSON\n"
                "  POST /fault   lines of faults, ';' or ends of line between them:\n"
                "                [at TIME] NAME[=VALUE] [share=P] [retry-after=S] [code=N]\n"
                "                [requests=N] [for TIME]\n"
                "                curl -d 'slow=2 for 30s' http://HOST:PORT/fault\n"
                "                curl -d 'at 5s down; at 20s up-cold' http://HOST:PORT/fault\n"
                "  POST /reset   counters and maxima to zero\n"
                "  GET  /faults  this list\n\n");
    fault_kinds(list_kind, g);
}

static void answer_fault(struct server *s, struct httpd_conn *c, struct slice lines)
{
    char why[256] = "";
    struct grow g = {0};

    if (script_add(s, lines, why, sizeof why) == WEIR_OK) {
        stats_write(s, &g);
        httpd_answer(c, 200, "application/json", NULL, grow_slice(&g));
    } else {
        grow_str(&g, "{\"error\":");
        grow_json_str(&g, slice_str(why));
        grow_str(&g, "}\n");
        httpd_answer(c, 400, "application/json", NULL, grow_slice(&g));
    }
    grow_free(&g);
}

static void reset_counters(struct server *s)
{
    s->n = (struct counters){0};
    s->open_max = s->open;
    s->port.n_open_max = s->port.n_open;
    s->port.n_accepted = s->port.n_refused = s->port.n_overflowed = 0;
    s->engine.longest_wait_ns = 0;
    for (int i = 0; i < WAIT_RING; i++)
        s->wait_ring_ns[i] = 0;
}

static void on_request(void *ctx, struct httpd_conn *c, const struct httpd_request *r)
{
    struct server *s = ctx;
    struct grow g = {0};
    bool post = slice_eq(r->method, SLICE_LIT("POST"));

    if (post && slice_eq(r->target, SLICE_LIT("/fault"))) {
        answer_fault(s, c, r->body);
        return;
    }
    if (post && slice_eq(r->target, SLICE_LIT("/reset")))
        reset_counters(s);
    if (slice_eq(r->target, SLICE_LIT("/stats")) || slice_eq(r->target, SLICE_LIT("/reset"))) {
        stats_write(s, &g);
        httpd_answer(c, 200, "application/json", NULL, grow_slice(&g));
    } else {
        help_write(&g);
        httpd_answer(c, post ? 404 : 200, "text/plain; charset=utf-8", NULL, grow_slice(&g));
    }
    grow_free(&g);
}

static void on_gone(void *ctx, struct httpd_conn *c)
{
    (void)ctx, (void)c;
}

const struct httpd_handler control_handler = {on_request, on_gone, NULL};
