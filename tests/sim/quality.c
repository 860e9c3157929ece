/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of quality checks: `sim quality`. */
#include "quality.h"

#include <string.h>

#include "commands.h"

static void line(struct report *r, const char *id, const char *what, double measured,
                 const char *sign, double bound, bool ok)
{
    r->passed += ok;
    r->failed += !ok;
    (void)printf("%s %-4s %-58s %8.3f %s %.3f\n", ok ? "ok  " : "FAIL", id, what, measured, sign,
                 bound);
    (void)fflush(stdout);
}

void at_least(struct report *r, const char *id, const char *what, double measured, double bound)
{
    line(r, id, what, measured, ">=", bound, measured >= bound);
}

void at_most(struct report *r, const char *id, const char *what, double measured, double bound)
{
    line(r, id, what, measured, "<=", bound, measured <= bound);
}

static const struct {
    const char *name;
    check_fn *check;
} all[] = {
    {"steady", check_steady},     {"unary", check_unary},
    {"hour", check_hour},         {"changes", check_changes},
    {"outage", check_outage},     {"faults", check_faults},
    {"crowd", check_crowd},       {"talks", check_talks},
    {"fairness", check_fairness}, {"two-of-three", check_dead_two_of_three},
    {"api", check_api},           {"proxies", check_proxies},
    {"quota", check_quota},       {"healthy", check_healthy},
    {"cold", check_cold},         {"whose", check_whose},
};

int command_quality(const char *only, uint64_t first_seed)
{
    struct report r = {
        .effort = {.first_seed = first_seed, .seeds = 4, .seconds = 600},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (only == NULL || strcmp(only, all[i].name) == 0)
            all[i].check(&r);
    (void)printf("%u hold, %u do not (seeds %llu to %llu)\n", r.passed, r.failed,
                 (unsigned long long)first_seed,
                 (unsigned long long)(first_seed + r.effort.seeds - 1));
    return r.failed > 0;
}
