/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines by name.  A to H and N are those weir's rules were chosen with, I to R were held out
 * for checking them (docs/benchmarks.md); the others are for trying things out and for tests.
 * Those from "hosted" on go by the clock: what healthy backends without slots of their own do.
 */
#include <stddef.h>
#include <strings.h>

#include "bench/backend/clocked.h"
#include "bench/backend/engine.h"

#define ENGINE(name_, slots_, t0, a, c, chunk_, prompt, output, sigma, promise, help_, ...)        \
    {                                                                                              \
        .name = name_, .help = help_, .slots = slots_, .t0_ms = t0, .a_ms = a, .c_us = c,          \
        .chunk = chunk_, .prompt_median = prompt, .prompt_sigma = 1.0, .out_median = output,       \
        .out_sigma = sigma, .out_max = 2000, .promise_ms = promise, .workers = 16,                 \
        .service_ms = 20, .service_sigma = 0.8, __VA_ARGS__                                        \
    }

static const struct clocked_conf hosted = {.first_ms = 800,
                                           .first_sigma = 0.6,
                                           .gap_ms = 20,
                                           .whole_ms = 350,
                                           .whole_sigma = 0.3,
                                           .tail_share = 0.1,
                                           .tail_ms = 6000,
                                           .quota_per_s = 1,
                                           .quota_burst = 5,
                                           .retry_after_s = 5};
static const struct clocked_conf cached = {.first_ms = 1500,
                                           .first_sigma = 0.1,
                                           .hit_share = 0.67,
                                           .hit_ms = 100,
                                           .gap_ms = 20,
                                           .whole_ms = 400,
                                           .whole_sigma = 0.2};
static const struct clocked_conf thinking = {.think_ms = 8000,
                                             .think_most_ms = 60000,
                                             .ping_ms = 5000,
                                             .ping_share = 0.5,
                                             .gap_ms = 20,
                                             .whole_ms = 12000,
                                             .whole_sigma = 0.4};
static const struct clocked_conf tools = {.first_ms = 400,
                                          .first_sigma = 0.4,
                                          .gap_ms = 25,
                                          .pause_share = 0.5,
                                          .pause_ms = 3000,
                                          .pause_most_ms = 15000,
                                          .whole_ms = 2000,
                                          .whole_sigma = 0.6};
static const struct clocked_conf mixed = {.first_ms = 250,
                                          .first_sigma = 0.4,
                                          .gap_ms = 25,
                                          .whole_ms = 300,
                                          .whole_sigma = 0.4,
                                          .retry_after_s = 5,
                                          .loading = "beta",
                                          .loading_ms = 40000};
static const struct clocked_conf quiet = {.first_ms = 200,
                                          .gap_ms = 20,
                                          .whole_ms = 50,
                                          .whole_sigma = 0.5,
                                          .quiet_ms = 45000,
                                          .beat_ms = 15000};

/* clang-format off */
#define CLOCKED(name_, conf, prompt, output, help_) \
    ENGINE(name_, 4096, 0, 0, 0, 1024, prompt, output, 0.6, 0, help_, .clocked = &(conf))

const struct engine_conf engines[] = {
    /*     name    slots   t0     a    c  chunk prompt output sigma promise */
    ENGINE("A",       48,  20, 0.15,  50,  1024,   400,  150, 0.8, 100, "the usual chat server"),
    ENGINE("B",      256,  20,  0.5,  50,   512,   400,  150, 0.8,  80, "bound by the promised pace, not by slots"),
    ENGINE("C",        4,  20, 0.15,  50,  1024,   400,  150, 0.8, 100, "few slots"),
    ENGINE("D",       48,  20, 0.15,  50,  1024,   400,  150, 0.8, 100, "as A, 503 when 16 are waiting", .queue_max = 16),
    ENGINE("E",       16,  35,  0.8, 120,   512,  1500,  300, 0.8, 120, "slow prefill, long prompts"),
    ENGINE("F",      128,  15,  0.3,  20,  2048,   300,   40, 0.6, 100, "short answers"),
    ENGINE("G",      256,  25,  0.4,  40,  1024,   800,  500, 0.7,  60, "long answers, tight pace"),
    ENGINE("H",        1,  20,    0, 100,  1024,   400,   80, 0.8, 100, "one slot: a desk, llama.cpp"),
    ENGINE("I",        2,  20, 0.15,  50,  1024,   400,  150, 0.8, 100, "two slots"),
    ENGINE("J",        8,  30,  0.5,  80,   512,  2000,  150, 0.8, 100, "long prompts"),
    ENGINE("K",       32,  25,  0.3,  50,  1024,   400,  600, 0.7, 100, "long answers"),
    ENGINE("M",      512,  15,  0.2,  20,  2048,   400,  150, 0.8,  50, "bound by a pace of 50 ms"),
    ENGINE("N",        6,  20,  0.5, 200,  1024,  1000,   20, 0.8, 250, "bound by prefill"),
    ENGINE("O",       12,  20,  0.5, 150,  1024,  1000,   40, 0.8, 250, "bound by prefill"),
    ENGINE("Q",        3,  20, 0.15,  50,  1024,   400,  150, 0.8, 100, "three slots"),
    ENGINE("R",       24,  25,  0.3,  50,  1024,  3000,  150, 0.8, 120, "prompts of 3,000 tokens"),
    ENGINE("kv",      64,  20,  0.2,  50,  1024,   400,  150, 0.8, 100, "memory for 24,000 tokens, preempts", .kv_tokens = 24000),
    ENGINE("prefix",  16,  25,  0.3, 120,   512,  1500,  150, 0.8, 100, "remembers prompts (prefix cache)", .prefix_blocks = 16384),
    ENGINE("demo",     8,  30,    1,  50,  1024,   100,   40, 0.4, 100, "small enough to be overloaded by hand"),
    ENGINE("fast",  1024,   2,    0, 0.1, 65536,   400,   20, 0.3, 100, "2 ms a token, for tests"),
    CLOCKED("hosted",   hosted,   400, 60, "hosted API: first tokens lognormal, a quota by key (429), whole answers with a tail"),
    CLOCKED("cached",   cached,   400, 60, "two of three find their prompt in the cache (0.1 s, else 1.5 s)"),
    CLOCKED("thinking", thinking, 400, 80, "8 to 60 s of silence before the first token, half of them with pings"),
    CLOCKED("tools",    tools,    400, 60, "half of the answers pause for 3 to 15 s within"),
    CLOCKED("mixed",    mixed,    400, 40, "two models at one URL, `beta` is loading (503) for 40 s; embeddings, list of models"),
    CLOCKED("quiet",    quiet,    100, 10, "event streams that are silent, have comments or ids only (/mcp, /events); /ws echoes"),
};
/* clang-format on */
const int n_engines = (int)(sizeof engines / sizeof engines[0]);

const struct engine_conf *engine_find(const char *name)
{
    for (int i = 0; i < n_engines; i++) {
        if (strcasecmp(engines[i].name, name) == 0)
            return &engines[i];
    }
    return NULL;
}
