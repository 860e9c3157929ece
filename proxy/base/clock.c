/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/clock.h"

#include <stdio.h>
#include <time.h>

#include "weir/base/assert.h"

static uint64_t read_clock(clockid_t id)
{
    struct timespec ts;

    WEIR_ASSERT(clock_gettime(id, &ts) == 0);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t mono_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t wall_now_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

size_t rfc3339_format(char out[RFC3339_MAX], uint64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;
    int n;

    WEIR_ASSERT(gmtime_r(&s, &tm) != NULL);
    n = snprintf(out, RFC3339_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                 (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)(tm.tm_mon + 1) % 100U,
                 (unsigned)tm.tm_mday % 100U, (unsigned)tm.tm_hour % 100U,
                 (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U,
                 (unsigned)(wall_ns / NS_PER_MS % 1000));
    WEIR_ASSERT(n > 0 && n < RFC3339_MAX);
    return (size_t)n;
}
