/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines.  A to H and N were looked at while the rules were made, I to R were not.  Capacity
 * and the best fixed limit are what `sim calibrate` finds; a changed model wants a new calibration.
 */
#include <string.h>

#include "sim.h"

#define ENGINE(n, text)                                                                            \
    .name = n, .about = text, .t0_ms = 20, .a_ms = 0.15, .c_us = 50, .chunk = 1024, .prompt = 400, \
    .prompt_sigma = 1.0, .output = 150, .output_sigma = 0.8, .promise_ms = 100
#define API(n, text) .name = n, .about = text, .api = true, .service_sigma = 0.8, .patience_s = 10

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct backend backends[] = {
    {ENGINE("A", "48 slots"), .slots = 48, .capacity = 6.74, .best_fixed = 54},
    {ENGINE("B", "256 slots, pace-bound at 80 ms"), .slots = 256, .a_ms = 0.5, .chunk = 512,
     .promise_ms = 80, .capacity = 5.33, .best_fixed = 80},
    {ENGINE("C", "4 slots"), .slots = 4, .capacity = 0.95, .best_fixed = 4},
    {ENGINE("D", "as A, 503 when 16 are queued"), .slots = 48, .queue_limit = 16, .capacity = 6.74,
     .best_fixed = 54},
    {ENGINE("E", "16 slots, slow prefill, long prompts"), .slots = 16, .t0_ms = 35, .a_ms = 0.8,
     .c_us = 120, .chunk = 512, .prompt = 1500, .output = 300, .promise_ms = 120, .capacity = 0.633,
     .best_fixed = 16},
    {ENGINE("F", "128 slots, short answers"), .slots = 128, .t0_ms = 15, .a_ms = 0.3, .c_us = 20,
     .chunk = 2048, .prompt = 300, .output = 40, .output_sigma = 0.6, .capacity = 34.1,
     .best_fixed = 168},
    {ENGINE("G", "256 slots, pace-bound at 60 ms, long answers"), .slots = 256, .t0_ms = 25,
     .a_ms = 0.4, .c_us = 40, .prompt = 800, .output = 500, .output_sigma = 0.7, .promise_ms = 60,
     .capacity = 1.84, .best_fixed = 66},
    {ENGINE("H", "1 slot"), .slots = 1, .a_ms = 0, .c_us = 100, .output = 80, .capacity = 0.431,
     .best_fixed = 1},
    {ENGINE("N", "6 slots, prefill-bound"), .slots = 6, .a_ms = 0.5, .c_us = 200, .prompt = 1000,
     .output = 20, .promise_ms = 250, .capacity = 2.21, .best_fixed = 6},
    {ENGINE("I", "2 slots"), .slots = 2, .capacity = 0.466, .best_fixed = 2, .held_out = true},
    {ENGINE("J", "8 slots, long prompts"), .slots = 8, .c_us = 80, .prompt = 1500, .capacity = 1.38,
     .best_fixed = 8, .held_out = true},
    {ENGINE("K", "32 slots, long answers"), .slots = 32, .output = 500, .output_sigma = 0.7,
     .capacity = 1.915, .best_fixed = 32, .held_out = true},
    {ENGINE("M", "512 slots, pace-bound at 50 ms"), .slots = 512, .a_ms = 0.2, .c_us = 20,
     .chunk = 2048, .promise_ms = 50, .capacity = 10.4, .best_fixed = 99, .held_out = true},
    {ENGINE("O", "12 slots, prefill-bound"), .slots = 12, .a_ms = 0.5, .c_us = 150, .prompt = 1500,
     .output = 30, .promise_ms = 250, .capacity = 1.98, .best_fixed = 8, .held_out = true},
    {ENGINE("Q", "3 slots"), .slots = 3, .capacity = 0.657, .best_fixed = 3, .held_out = true},
    {ENGINE("R", "24 slots, prompts of 3000"), .slots = 24, .prompt = 3000, .prompt_sigma = 0.5,
     .capacity = 2.67, .best_fixed = 24, .held_out = true},
    {API("api-8x100", "8 workers, 100 ms"), .slots = 8, .service_ms = 100, .good_s = 1,
     .capacity = 58, .best_fixed = 8},
    {API("api-16x500", "16 workers, 500 ms"), .slots = 16, .service_ms = 500, .good_s = 4,
     .capacity = 23.2, .best_fixed = 16},
    {API("api-32x20", "32 workers, 20 ms"), .slots = 32, .service_ms = 20, .good_s = 1,
     .capacity = 1162, .best_fixed = 32, .held_out = true},
    {API("api-4x1000", "4 workers, 1 s"), .slots = 4, .service_ms = 1000, .good_s = 8,
     .capacity = 2.9, .best_fixed = 4, .held_out = true},
};
#pragma GCC diagnostic pop
const size_t n_backends = sizeof backends / sizeof backends[0];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define HOSTED(n, text)                                                                            \
    .name = n, .about = text, .hosted = true, .slots = 100000, .prompt = 400, .prompt_sigma = 0.5, \
    .output = 60, .token_ms = 50, .promise_ms = 100, .good_s = 30, .capacity = 1
/* Services of single checks.  Without a limit of their own the capacity is the unit of load only.
 */
const struct backend extras[] = {
    {HOSTED("hosted", "no limit, each in a time of its own"), .service_ms = 800},
    {API("whole", "whole answers, no limit"), .plain = true, .slots = 100000, .good_s = 10,
     .capacity = 1, .patience_s = 30},
    {HOSTED("spread-16", "16 slots, first token 0.8 s, sigma 0.6"), .slots = 16, .service_ms = 800,
     .service_sigma = 0.6, .capacity = 4.1, .best_fixed = 16, .good_s = 4},
    {HOSTED("spread-4", "4 slots, first token 0.8 s, sigma 0.6"), .slots = 4, .service_ms = 800,
     .service_sigma = 0.6, .capacity = 1.02, .best_fixed = 4, .good_s = 4},
    {HOSTED("cached-16", "16 slots, two of three 0.1 s, one 1.5 s"), .slots = 16, .service_ms = 100,
     .slow_share = 0.33, .slow_ms = 1500, .capacity = 4.5, .best_fixed = 16, .good_s = 4},
    {HOSTED("thinking-4", "4 slots, 8 to 60 s of silence"), .slots = 4, .service_ms = 8000,
     .service_most_ms = 60000, .capacity = 0.108, .best_fixed = 4, .good_s = 118},
    {HOSTED("thinking-16", "16 slots, 8 to 60 s of silence"), .slots = 16, .service_ms = 8000,
     .service_most_ms = 60000, .capacity = 0.43, .best_fixed = 16, .good_s = 118},
    {HOSTED("pauses", "pauses of 8 s within answers"), .service_ms = 300, .service_sigma = 0.1,
     .pause_ms = 8000},
    {HOSTED("busy-8", "8 slots, 503 when they are taken"), .slots = 8, .service_ms = 50,
     .output = 280, .capacity = 0.57, .best_fixed = 8, .queue_limit = -1},
    {ENGINE("demo-8", "8 slots"), .slots = 8, .capacity = 1.9, .best_fixed = 8},
    {ENGINE("cpu-8", "8 slots at 200 ms"), .slots = 8, .t0_ms = 180, .a_ms = 2.5, .c_us = 500,
     .prompt = 100, .output = 60, .promise_ms = 400, .capacity = 0.45, .best_fixed = 8},
};
#pragma GCC diagnostic pop
const size_t n_extras = sizeof extras / sizeof extras[0];

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < n_backends; i++)
        if (strcmp(backends[i].name, name) == 0)
            return &backends[i];
    for (size_t i = 0; i < n_extras; i++)
        if (strcmp(extras[i].name, name) == 0)
            return &extras[i];
    return NULL;
}
