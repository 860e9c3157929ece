/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/scenario/trials.h"

static bool found_out(const struct trial *t, const struct load_sums *s, double ttft_ms)
{
    char why[200] = "";
    bool found = trial_found_out(t, s, ttft_ms, why, sizeof why);

    cr_assert(found == (why[0] == '\0'), "what was not found out is explained");
    return found;
}

/* A harness that takes everybody for healthy finds out nobody but the healthy ones. */
Test(trials, a_blind_harness_fails_every_trial_of_something_wrong)
{
    struct load_sums blind = {.turns = 32, .ends = {[TURN_GOOD] = 32}};

    for (size_t i = 0; i < n_trials; i++) {
        bool healthy =
            trials[i].fault == NULL && (trials[i].proxy == NULL || trials[i].proxy[0] == '\0');
        cr_assert_eq(found_out(&trials[i], &blind, 1), healthy, "%s", trials[i].told);
    }
}

Test(trials, a_lie_is_found_out_only_when_nobody_was_let_in)
{
    static const struct trial t = {
        .told = "", .end = TURN_REFUSED, .least = 1, .most = 1, .hint_lies = true};
    struct load_sums s = {.turns = 10, .ends = {[TURN_REFUSED] = 10}};

    cr_assert(!found_out(&t, &s, 0), "nobody came back");
    s.hinted = 10;
    cr_assert(found_out(&t, &s, 0));
    s.hints_kept = 1;
    cr_assert(!found_out(&t, &s, 0), "one was let in");
}

Test(trials, a_delay_has_to_be_seen_in_full)
{
    static const struct trial t = {
        .told = "", .end = TURN_GOOD, .least = 1, .most = 1, .delay_ms = 30};
    struct load_sums s = {.turns = 10, .ends = {[TURN_GOOD] = 10}};

    cr_assert(!found_out(&t, &s, 29.9));
    cr_assert(found_out(&t, &s, 30.1));
}

Test(trials, a_run_without_turns_finds_out_nothing)
{
    struct load_sums none = {0};

    for (size_t i = 0; i < n_trials; i++)
        cr_assert(!found_out(&trials[i], &none, 1000), "%s", trials[i].told);
}
