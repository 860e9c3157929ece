/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_ENGINE_H
#define BENCH_BACKEND_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"

/*
 * A model of an inference server: `slots` requests run at once, the rest wait first come first
 * served.  Work goes in steps.  A step takes
 *
 *     t0 + a * running + c * (prompt tokens prefilled in it)
 *
 * and prefills at most `chunk` prompt tokens, the oldest request first.  At its end every running
 * request whose prompt was done before the step has one more token, and one whose prompt was
 * finished by it has its first.  This is the model of docs/algorithms.md; real engines differ,
 * which is why weir-bench can also drive one.
 *
 * Pure: no clock, no I/O.  Times are nanoseconds on the caller's clock.  One owner, one thread.
 */
struct clocked_conf;
struct engine_conf {
    const char *name, *help;
    const struct clocked_conf *clocked; /* goes by the clock instead of by steps; NULL: steps */
    int slots;
    double t0_ms, a_ms, c_us;
    int chunk;                    /* prompt tokens a step */
    int queue_max;                /* waiting requests before 503; 0 is no bound */
    int kv_tokens;                /* memory for prompts and outputs, in tokens; 0 is no bound */
    int prefix_blocks;            /* remembered prompt blocks; 0 is no prefix cache */
    double out_median, out_sigma; /* output tokens, lognormal */
    int out_max;                  /* longest output */
    double prompt_median, prompt_sigma; /* what a load for this engine sends */
    double promise_ms;                  /* promised pace, ms an event */
    int workers;                        /* of the plain JSON API */
    double service_ms, service_sigma;   /* its service time, lognormal */
};

enum job_state { JOB_IDLE, JOB_WAITING, JOB_RUNNING };

/* One request inside the engine; embedded in the caller's object and zeroed by it. */
struct engine_job {
    struct list node;
    enum job_state state;
    uint32_t prompt;    /* tokens of the prompt */
    uint32_t cached;    /* of them already known to the engine */
    uint32_t wanted;    /* output tokens it will have */
    uint32_t produced;  /* output tokens it has */
    uint32_t unfilled;  /* prompt tokens still to be prefilled */
    uint32_t chunk_now; /* of them in the step under way */
    uint32_t held;      /* kv tokens it holds */
    uint64_t since_ns;  /* waiting since */
};

struct engine {
    const struct engine_conf *conf;
    struct list waiting, running;
    int n_waiting, n_running;
    uint64_t kv_used;
    uint64_t preempted; /* times a request lost its slot for want of memory */
    double slow;        /* factor on every step, 1 is normal; the caller may change it */
    bool paused;        /* stalled: no step ends */
    bool stepping;      /* a step is under way and ends at step_end_ns */
    uint64_t step_end_ns;
    uint64_t steps;
    uint64_t longest_wait_ns; /* for a slot, of those that got one; the caller sets it back */
};

void engine_init(struct engine *e, const struct engine_conf *conf);

/* False when queue_max requests wait already: the caller answers 503.  job is idle. */
bool engine_submit(struct engine *e, struct engine_job *job, uint64_t now_ns);

/* Takes a job out, wherever it is (also idle): its slot is free from the next step on. */
void engine_remove(struct engine *e, struct engine_job *job);

/* When engine_run has something to do; 0 when idle or paused. */
uint64_t engine_due_ns(const struct engine *e);

/*
 * Ends the steps that are over by now_ns and begins the next ones.  on_token is called once for
 * each new token, after job->produced was counted up; it may remove that job, and no other.  A job
 * that has all its tokens was taken out before the call.
 */
typedef void engine_token_fn(void *ctx, struct engine_job *job);
void engine_run(struct engine *e, uint64_t now_ns, engine_token_fn *on_token, void *ctx);

/* Stops and goes on; a step that was under way goes on from its beginning. */
void engine_pause(struct engine *e, bool paused, uint64_t now_ns);

/* How long the oldest waiting request has waited; 0 when none waits. */
uint64_t engine_oldest_wait_ns(const struct engine *e, uint64_t now_ns);

/* The named engines, in the order of --list-engines. */
extern const struct engine_conf engines[];
extern const int n_engines;
const struct engine_conf *engine_find(const char *name);

#endif
