/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines by name.  A to H and N are those weir's rules were chosen with, I to R were held out
 * for checking them (docs/benchmarks.md); the others are for trying things out and for tests.
 */
#include <stddef.h>
#include <strings.h>

#include "bench/backend/engine.h"

#define ENGINE(name_, slots_, t0, a, c, chunk_, prompt, output, sigma, promise, limit, help_, ...) \
    {                                                                                              \
        .name = name_, .help = help_, .slots = slots_, .t0_ms = t0, .a_ms = a, .c_us = c,          \
        .chunk = chunk_, .prompt_median = prompt, .prompt_sigma = 1.0, .out_median = output,       \
        .out_sigma = sigma, .out_max = 2000, .promise_ms = promise, .best_limit = limit,           \
        .workers = 16, .service_ms = 20, .service_sigma = 0.8, __VA_ARGS__                         \
    }

/* clang-format off */
const struct engine_conf engines[] = {
    /*     name    slots   t0     a    c  chunk prompt output sigma promise best limit by hand */
    ENGINE("A",       48,  20, 0.15,  50,  1024,   400,  150, 0.8, 100,   54, "the usual chat server"),
    ENGINE("B",      256,  20,  0.5,  50,   512,   400,  150, 0.8,  80,   80, "bound by the promised pace, not by slots"),
    ENGINE("C",        4,  20, 0.15,  50,  1024,   400,  150, 0.8, 100,    4, "few slots"),
    ENGINE("D",       48,  20, 0.15,  50,  1024,   400,  150, 0.8, 100,   54, "as A, 503 when 16 are waiting", .queue_max = 16),
    ENGINE("E",       16,  35,  0.8, 120,   512,  1500,  300, 0.8, 120,   16, "slow prefill, long prompts"),
    ENGINE("F",      128,  15,  0.3,  20,  2048,   300,   40, 0.6, 100,  140, "short answers"),
    ENGINE("G",      256,  25,  0.4,  40,  1024,   800,  500, 0.7,  60,   60, "long answers, tight pace"),
    ENGINE("H",        1,  20,    0, 100,  1024,   400,   80, 0.8, 100,    1, "one slot: a desk, llama.cpp"),
    ENGINE("I",        2,  20, 0.15,  50,  1024,   400,  150, 0.8, 100,    2, "two slots"),
    ENGINE("J",        8,  30,  0.5,  80,   512,  2000,  150, 0.8, 100,    8, "long prompts"),
    ENGINE("K",       32,  25,  0.3,  50,  1024,   400,  600, 0.7, 100,   32, "long answers"),
    ENGINE("M",      512,  15,  0.2,  20,  2048,   400,  150, 0.8,  50,  150, "bound by a pace of 50 ms"),
    ENGINE("N",        6,  20,  0.5, 200,  1024,  1000,   20, 0.8, 250,    6, "bound by prefill"),
    ENGINE("O",       12,  20,  0.5, 150,  1024,  1000,   40, 0.8, 250,   12, "bound by prefill"),
    ENGINE("Q",        3,  20, 0.15,  50,  1024,   400,  150, 0.8, 100,    3, "three slots"),
    ENGINE("R",       24,  25,  0.3,  50,  1024,  3000,  150, 0.8, 120,   24, "prompts of 3,000 tokens"),
    ENGINE("kv",      64,  20,  0.2,  50,  1024,   400,  150, 0.8, 100,   27, "memory for 24,000 tokens, preempts", .kv_tokens = 24000),
    ENGINE("prefix",  16,  25,  0.3, 120,   512,  1500,  150, 0.8, 100,   16, "remembers prompts (prefix cache)", .prefix_blocks = 16384),
    ENGINE("demo",     8,  30,    1,  50,  1024,   100,   40, 0.4, 100,    8, "small enough to be overloaded by hand"),
    ENGINE("fast",  1024,   2,    0, 0.1, 65536,   400,   20, 0.3, 100, 1024, "2 ms a token, for tests"),
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
