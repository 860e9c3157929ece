/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_SCENARIO_H
#define BENCH_SCENARIO_SCENARIO_H

#include "bench/backend/engine.h"
#include "bench/load/load.h"
#include "bench/scenario/fleet_step.h"

/*
 * A scenario file (libconfig): a backend, loads, steps by the clock (faults at the backend,
 * commands to weir's operator socket), and what must hold.  docs/benchmarks.md describes the keys.
 */
enum {
    LOADS_MAX = 20,
    POOLS_MAX = 12,
    STEPS_MAX = 64,
    ASSERTIONS_MAX = 32,
    TARGET_LIST_MAX = 8,
    BACKEND_ARGS_MAX = 16
};

struct scenario_step {
    double at_s;
    char backend[256];   /* lines for the control port; "" is none */
    char weir[256];      /* a command for the admin socket; "" is none */
    char say[256];       /* told, and shown in the report */
    char fleet_line[96]; /* what happens to a fleet, as fleet_step has it; "" is nothing */
    struct fleet_step fleet;
    char on[32]; /* which server the lines are for, where there are pools */
    bool reload; /* weir reads its settings anew, with a change in them */
};

/* Several pools instead of one backend: each has a host of its own (NAME.test). */
struct scenario_pool {
    char name[24], engine_name[32], backend_args[256], weir_settings[1024];
    double servers;
    const struct engine_conf *engine;
};

/* One thing that must hold for a target: a figure over a span of time within bounds. */
struct assertion_kind;
struct scenario_assertion {
    const struct assertion_kind *kind;
    char name[32], target[32]; /* target: "weir" by default, "all" for every one */
    char beside[32];           /* judged as a part of that target's figure; "": by itself */
    char beyond[32];           /* judged by what it is more than that target's figure */
    double from_s, to_s;
    double of;          /* for time_to_full: goodput that counts as full */
    double least, most; /* NAN: no such bound */
};

struct scenario_load {
    char name[32], sdk[32], speech[32], shape[512], pool[24], path[64], model[32];
    double users, clients, turns, think_s, retries, unary, patience_s, ttft_s, pace_s, prompt,
        output, output_sigma, upload_s, leave, stay_s;
    bool verify, check;
    bool may_fail;         /* its own server refuses it: not counted as harm */
    struct load_conf conf; /* all but the target */
};

struct scenario {
    char file[256], name[64], title[128], about[2048];
    char engine_name[32], backend_args[256], weir_settings[2048], upstream[1024];
    char weights_text[96]; /* of the nodes of a fleet; "": all the same */
    double weights[FLEET_NODES_MAX];
    const struct engine_conf *engine;
    double grace_s; /* for what is under way at the end */
    struct scenario_pool pools[POOLS_MAX];
    size_t n_pools;
    double duration_s, seed, capacity_per_s; /* what the backend can do at its best */
    char targets[TARGET_LIST_MAX][64];
    size_t n_targets;
    struct scenario_load loads[LOADS_MAX];
    size_t n_loads;
    struct scenario_step steps[STEPS_MAX];
    size_t n_steps;
    struct scenario_assertion assertions[ASSERTIONS_MAX];
    size_t n_assertions;
};

/* WEIR_BAD: the complaints are on stderr.  The result is the caller's to free. */
enum weir_status scenario_read(const char *path, struct scenario **out) WEIR_MUST_CHECK;

/* The same in a part of the time: rates and servers stay as they are, the day is shorter. */
void scenario_compress(struct scenario *s, double factor);

/* Splits words (a copy of backend_args) in place, once for each backend; NULL ends them. */
void scenario_backend_args(char *words, const char **args, size_t most);

#endif
