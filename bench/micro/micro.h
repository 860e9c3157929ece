/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Nanoseconds and instructions of weir's pure parts.  A program of its own beside weir-bench,
 * because weir-bench links nothing of weir: it has to be able to judge it.
 */

/* One thing to be measured at one size. */
struct micro_case {
    const char *name, *title;
    int64_t size; /* of what grows; -1: nothing does */
    /* Makes the state; the result goes to run and end. */
    void *(*begin)(int64_t size);
    /* Does it n times. */
    void (*run)(void *state, uint64_t n);
    void (*end)(void *state);
};

extern const struct micro_case micro_decide[], micro_http[];
extern const int n_micro_decide, n_micro_http;

/* Keeps the compiler from dropping a result. */
static inline void micro_keep(uint64_t x)
{
    __asm__ volatile("" : : "r"(x) : "memory");
}

#endif
