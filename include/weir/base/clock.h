/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one clock.  Only loops, the control tick and main read it; everybody else is handed `now_ns`.
 */

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Deadlines: 0 = none. */
static inline uint64_t deadline_sooner(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}
static inline bool deadline_is_due(uint64_t until_ns, uint64_t now_ns)
{
    return until_ns != 0 && now_ns >= until_ns;
}

/* Monotonic nanoseconds; never goes back, unrelated to the date. */
uint64_t mono_now_ns(void);

/* Nanoseconds since 1970-01-01T00:00:00Z. */
uint64_t wall_now_ns(void);

#define RFC3339_MAX 32
/* "2026-11-24T07:50:04.123Z" and a NUL into out (RFC3339_MAX bytes).  Returns its length. */
size_t rfc3339_format(char out[RFC3339_MAX], uint64_t wall_ns);

#endif
