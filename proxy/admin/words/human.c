/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, shares and times as words with units.  Pure. */
#include "weir/admin/human.h"

#include <inttypes.h>
#include <stdio.h>

#include "weir/base/clock.h"

static const struct span_row {
    uint64_t s;
    const char *name;
} span_rows[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

const char *human_duration(char out[HUMAN_MAX], uint64_t ns)
{
    uint64_t s = ns / NS_PER_S, rest;
    const struct span_row *r = span_rows;

    if (s == 0) {
        (void)snprintf(out, HUMAN_MAX, "%" PRIu64 " ms", ns / NS_PER_MS);
        return out;
    }
    while (s < r->s)
        r++;
    rest = r->s == 1 ? 0 : s % r->s / r[1].s;
    if (rest == 0)
        (void)snprintf(out, HUMAN_MAX, "%" PRIu64 " %s", s / r->s, r->name);
    else
        (void)snprintf(out, HUMAN_MAX, "%" PRIu64 " %s %" PRIu64 " %s", s / r->s, r->name, rest,
                       r[1].name);
    return out;
}

const char *human_ms(char out[HUMAN_MAX], double ms)
{
    if (ms <= 0)
        (void)snprintf(out, HUMAN_MAX, "-");
    else if (ms < 10)
        (void)snprintf(out, HUMAN_MAX, "%.1f ms", ms);
    else if (ms < 1000)
        (void)snprintf(out, HUMAN_MAX, "%.0f ms", ms);
    else
        (void)snprintf(out, HUMAN_MAX, "%.2f s", ms / 1000);
    return out;
}

const char *human_share(char out[HUMAN_MAX], double share)
{
    double percent = share * 100;

    if (percent > 0 && percent < 1)
        (void)snprintf(out, HUMAN_MAX, "%.1f %%", percent < 0.1 ? 0.1 : percent);
    else
        (void)snprintf(out, HUMAN_MAX, "%.0f %%", percent);
    return out;
}

const char *human_rate(char out[HUMAN_MAX], double per_s)
{
    (void)snprintf(out, HUMAN_MAX, per_s >= 100 ? "%.0f/s" : "%.1f/s", per_s);
    return out;
}

const char *human_time(char out[HUMAN_MAX], uint64_t wall_ns, uint64_t now_wall_ns)
{
    char full[RFC3339_MAX];
    uint64_t apart = wall_ns > now_wall_ns ? wall_ns - now_wall_ns : now_wall_ns - wall_ns;

    (void)rfc3339_format(full, wall_ns);
    if (apart < 20 * 3600 * NS_PER_S)
        (void)snprintf(out, HUMAN_MAX, "%.8sZ", full + 11);
    else
        (void)snprintf(out, HUMAN_MAX, "%.19sZ", full);
    return out;
}

size_t human_width(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}
