/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "bench/backend/faults.h"
#include "guard.h"

static enum weir_status parse(const char *line, struct fault_line *l)
{
    char why[200] = "";
    enum weir_status rc = fault_parse(guarded(slice_str(line)), l, why, sizeof why);

    cr_assert((rc == WEIR_OK) == (why[0] == '\0'), "%s: %s", line, why);
    return rc;
}

Test(faults, a_line_has_time_name_value_and_more)
{
    struct fault_line l;
    struct faults f = faults_none;

    cr_assert_eq(parse("at 10s 503 share=0.5 retry-after=3 for 1m", &l), WEIR_OK);
    cr_assert_eq(l.at_ns, 10000000000);
    cr_assert_eq(l.for_ns, 60000000000);
    cr_assert_eq(fault_apply(&f, &l, true), ORDER_NONE);
    cr_assert_eq(f.status, 503);
    cr_assert_float_eq(f.status_share, 0.5, 1e-9);
    cr_assert_eq(f.retry_after_s, 3);
    (void)fault_apply(&f, &l, false);
    cr_assert_eq(f.status, 0);
}

Test(faults, the_server_is_told_about_death_and_return)
{
    struct fault_line l;
    struct faults f = faults_none;

    cr_assert_eq(parse("down for 5s", &l), WEIR_OK);
    cr_assert_eq(fault_apply(&f, &l, true), ORDER_DOWN);
    cr_assert_eq(fault_apply(&f, &l, false), ORDER_UP);
    cr_assert_eq(parse("up-cold=3 requests=40", &l), WEIR_OK);
    cr_assert_eq(fault_apply(&f, &l, true), ORDER_UP_COLD);
    cr_assert_float_eq(l.value, 3, 1e-9);
    cr_assert_eq(l.requests, 40);
    cr_assert_eq(parse("up-cold", &l), WEIR_OK);
    cr_assert_float_eq(l.value, 2, 1e-9);
}

Test(faults, clear_takes_everything_back)
{
    static const char *const lines[] = {
        "slow=3",      "stall",    "500",       "quota=2",  "in-band=4 code=429",
        "cut-reset=2", "empty",    "blank",     "mixed",    "early-head",
        "reset",       "bad-head", "unhealthy", "fragile=9"};
    struct fault_line l;
    struct faults f = faults_none;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_assert_eq(parse(lines[i], &l), WEIR_OK);
        (void)fault_apply(&f, &l, true);
        cr_assert(memcmp(&f, &faults_none, sizeof f) != 0, "%s", lines[i]);
    }
    cr_assert_eq(parse("clear", &l), WEIR_OK);
    cr_assert_eq(fault_apply(&f, &l, true), ORDER_CLEAR);
    cr_assert_eq(f.fragile + f.status + f.stall + f.empty + f.reset + f.bad_head + f.unhealthy, 0);
    cr_assert_eq(f.in_band_at, -1);
    cr_assert_eq(f.cut_at, -1);
    cr_assert_float_eq(f.slow, 1, 1e-9);
}

Test(faults, what_is_not_understood_is_refused_with_a_reason)
{
    static const char *const bad[] = {
        "",           "dwon",     "slow",           "slow=x",
        "slow=0",     "down=3",   "503 share=2",    "503 foo=1",
        "at 10 down", "at down",  "down for 5",     "in-band code=200",
        "at",         "quota=-1", "503 retry-after"};
    struct fault_line l;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_neq(parse(bad[i], &l), WEIR_OK, "%s", bad[i]);
}
