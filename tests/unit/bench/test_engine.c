/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "bench/backend/engine.h"
#include "bench/common/draw.h"
#include "weir/base/clock.h"

static const struct engine_conf small = {
    .name = "small", .slots = 2, .t0_ms = 10, .a_ms = 1, .c_us = 100, .chunk = 100};

struct log {
    struct engine_job *jobs[64];
    uint32_t produced[64];
    int n;
};

static void on_token(void *ctx, struct engine_job *job)
{
    struct log *l = ctx;

    if (l->n < 64) {
        l->jobs[l->n] = job;
        l->produced[l->n] = job->produced;
    }
    l->n++;
}

static struct engine_job job_of(uint32_t prompt, uint32_t wanted)
{
    struct engine_job j = {.prompt = prompt, .wanted = wanted};

    list_init(&j.node);
    return j;
}

Test(engine, a_step_takes_t0_plus_a_per_request_plus_c_per_prompt_token)
{
    struct engine e;
    struct engine_job a = job_of(50, 2);
    struct log l = {0};

    engine_init(&e, &small);
    cr_assert(engine_submit(&e, &a, 1000));
    /* 10 ms + 1 ms + 50 x 0.1 ms, and the nanosecond that keeps steps from being empty */
    cr_assert_eq(engine_due_ns(&e), 1000 + 16 * NS_PER_MS + 1);
    engine_run(&e, 1000 + 16 * NS_PER_MS, on_token, &l);
    cr_assert_eq(l.n, 0);
    engine_run(&e, 1000 + 16 * NS_PER_MS + 1, on_token, &l);
    cr_assert_eq(l.n, 1);
    cr_assert_eq(a.produced, 1);
    cr_assert_eq(engine_due_ns(&e), 1000 + 27 * NS_PER_MS + 2);
}

Test(engine, long_prompts_take_several_steps_before_the_first_token)
{
    struct engine e;
    struct engine_job a = job_of(250, 1);
    struct log l = {0};

    engine_init(&e, &small);
    cr_assert(engine_submit(&e, &a, 0));
    engine_run(&e, engine_due_ns(&e), on_token, &l);
    engine_run(&e, engine_due_ns(&e), on_token, &l);
    cr_assert_eq(l.n, 0, "100 of 250 prompt tokens a step");
    engine_run(&e, engine_due_ns(&e), on_token, &l);
    cr_assert_eq(l.n, 1);
    cr_assert_eq(a.state, JOB_IDLE, "it has all it wanted");
    cr_assert_eq(e.n_running, 0);
    cr_assert_eq(engine_due_ns(&e), 0);
}

Test(engine, the_rest_waits_first_come_first_served)
{
    struct engine e;
    struct engine_job j[4];
    struct log l = {0};

    engine_init(&e, &small);
    for (int i = 0; i < 4; i++) {
        j[i] = job_of(1, 1);
        cr_assert(engine_submit(&e, &j[i], 0));
    }
    cr_assert_eq(e.n_running, 1, "the second comes with the next step");
    cr_assert_eq(e.n_waiting, 3);
    while (engine_due_ns(&e) != 0)
        engine_run(&e, engine_due_ns(&e), on_token, &l);
    cr_assert_eq(l.n, 4);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(l.jobs[i], &j[i]);
    cr_assert_eq(e.n_waiting + e.n_running, 0);
}

Test(engine, a_request_that_leaves_gives_its_slot_to_the_next)
{
    struct engine e;
    struct engine_job a = job_of(1, 100), b = job_of(1, 100), c = job_of(1, 1), idle = job_of(1, 1);
    struct log l = {0};

    engine_init(&e, &small);
    cr_assert(engine_submit(&e, &a, 0) && engine_submit(&e, &b, 0) && engine_submit(&e, &c, 0));
    engine_run(&e, engine_due_ns(&e), on_token, &l);
    cr_assert_eq(e.n_running, 2);
    engine_remove(&e, &a);
    engine_remove(&e, &idle);
    cr_assert_eq(e.n_running, 1);
    engine_run(&e, engine_due_ns(&e), on_token, &l);
    cr_assert_eq(e.n_running, 2, "c has the slot");
    engine_remove(&e, &b);
    engine_remove(&e, &c);
    cr_assert_eq(e.n_running + e.n_waiting, 0);
    cr_assert_eq(e.kv_used, 0);
}

Test(engine, a_bounded_queue_refuses)
{
    struct engine_conf conf = small;
    struct engine e;
    struct engine_job a = job_of(1, 1), b = job_of(1, 1), c = job_of(1, 1);

    conf.slots = 1;
    conf.queue_max = 1;
    engine_init(&e, &conf);
    cr_assert(engine_submit(&e, &a, 0));
    cr_assert(engine_submit(&e, &b, 0));
    cr_assert_not(engine_submit(&e, &c, 0));
    cr_assert_eq(c.state, JOB_IDLE);
}

Test(engine, a_known_prefix_is_not_computed_again)
{
    struct engine e;
    struct engine_job a = job_of(50, 1);

    engine_init(&e, &small);
    a.cached = 50;
    cr_assert(engine_submit(&e, &a, 0));
    cr_assert_eq(engine_due_ns(&e), 11 * NS_PER_MS + NS_PER_MS / 10 + 1);
}

Test(engine, a_pause_stops_everything_and_the_step_begins_anew)
{
    struct engine e;
    struct engine_job a = job_of(10, 1);
    struct log l = {0};

    engine_init(&e, &small);
    cr_assert(engine_submit(&e, &a, 0));
    engine_pause(&e, true, 1);
    cr_assert_eq(engine_due_ns(&e), 0);
    engine_run(&e, NS_PER_S, on_token, &l);
    cr_assert_eq(l.n, 0);
    engine_pause(&e, false, NS_PER_S);
    cr_assert_eq(engine_due_ns(&e), NS_PER_S + 12 * NS_PER_MS + 1);
}

Test(engine, without_memory_the_newest_loses_its_slot_and_all_end_complete)
{
    struct engine_conf conf = small;
    struct engine e;
    struct engine_job j[6];
    struct log l = {0};

    conf.slots = 6;
    conf.kv_tokens = 100;
    engine_init(&e, &conf);
    for (int i = 0; i < 6; i++) {
        j[i] = job_of(15, 30);
        cr_assert(engine_submit(&e, &j[i], 0));
    }
    while (engine_due_ns(&e) != 0) {
        engine_run(&e, engine_due_ns(&e), on_token, &l);
        cr_assert(e.n_running <= 1 || e.kv_used <= 100 + 6);
    }
    cr_assert(e.preempted > 0);
    cr_assert_eq(l.n, 6 * 30);
    cr_assert_eq(e.kv_used, 0);
}

Test(engine, late_wake_ups_do_not_slow_it)
{
    struct engine a, b;
    struct engine_job x = job_of(1, 50), y = job_of(1, 50);
    struct log l = {0}, m = {0};

    engine_init(&a, &small);
    engine_init(&b, &small);
    cr_assert(engine_submit(&a, &x, 0) && engine_submit(&b, &y, 0));
    while (engine_due_ns(&a) != 0)
        engine_run(&a, engine_due_ns(&a), on_token, &l);
    engine_run(&b, NS_PER_S, on_token, &m);
    cr_assert_eq(l.n, 50);
    cr_assert_eq(m.n, 50, "50 x 11 ms are over after a second");
}

/* Runs a named engine with as many clients as its best limit; returns answers a second. */
static double capacity_of(const char *name, int clients)
{
    const struct engine_conf *c = engine_find(name);
    struct engine e;
    struct engine_job *jobs = calloc((size_t)clients, sizeof *jobs);
    struct rng r;
    uint64_t now = 0, end = 2000 * NS_PER_S;
    double n = 0;
    struct log ignored = {0};

    cr_assert(c != NULL && jobs != NULL);
    rng_seed(&r, 1);
    engine_init(&e, c);
    while (now < end) {
        for (int i = 0; i < clients; i++) {
            if (jobs[i].state != JOB_IDLE)
                continue;
            n += jobs[i].wanted > 0;
            jobs[i] = job_of(draw_length(&r, c->prompt_median, c->prompt_sigma, 1, 16384),
                             draw_length(&r, c->out_median, c->out_sigma, 1, (uint32_t)c->out_max));
            cr_assert(engine_submit(&e, &jobs[i], now));
        }
        now = engine_due_ns(&e);
        engine_run(&e, now, on_token, &ignored);
    }
    free(jobs);
    return n / ((double)end / 1e9);
}

/* The capacities the model is known by (docs/benchmarks.md); E and H have long answers: wider. */
Test(engine, the_named_engines_carry_what_they_are_known_for)
{
    cr_assert_float_eq(capacity_of("A", 54), 6.60, 0.2);
    cr_assert_float_eq(capacity_of("C", 4), 0.92, 0.05);
    cr_assert_float_eq(capacity_of("E", 16), 0.63, 0.05);
    cr_assert_float_eq(capacity_of("H", 1), 0.45, 0.05);
}

Test(engine, names_are_found_whatever_their_case)
{
    cr_assert_eq(engine_find("a"), engine_find("A"));
    cr_assert(engine_find("A") != NULL);
    cr_assert_eq(engine_find("nothing"), NULL);
}
