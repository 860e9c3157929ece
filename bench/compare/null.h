/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMPARE_NULL_H
#define BENCH_COMPARE_NULL_H

#include <stdint.h>

#include "bench/common/units.h"

/*
 * A backend with as little CPU time of its own as can be, for measuring what is in front of it:
 * every request gets the same small answer at once; one whose body asks for a stream gets an event
 * every interval, each with the time it was sent, until the client leaves, or `"max_tokens":N` of
 * them have gone.
 */
struct null_conf {
    struct address listen;
    uint32_t interval_ms; /* between the events of a stream */
};

/* Announces itself on stdout and serves until SIGINT or SIGTERM.  Returns the exit code. */
int null_serve(const struct null_conf *conf);

/* The place of the time in an event's text: "t" and NULL_STAMP_DIGITS digits, monotonic ns. */
enum { NULL_STAMP_DIGITS = 20 };

#endif
