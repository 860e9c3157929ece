/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/hash.h"
#include "weir/decide/bets.h"

static struct bets b;
static struct ranks ranks;
static struct rng rng;
static const struct ranks_slack none = {1, 0};

static void start(void)
{
    bets_begin(&b);
    ranks = (struct ranks){0};
    rng_seed(&rng, 7);
}

TestSuite(bets, .init = start);

static struct bets_lot lot(bool canary, double share)
{
    return (struct bets_lot){canary, share};
}

static struct bets_lot draw(double share)
{
    return lot(rng_unit(&rng) < share, share);
}

Test(bets, begin_with_a_purse_of_one)
{
    cr_assert_float_eq(bets_sum(&b), 1, 1e-12);
}

/* The mean over both labels, weighted by the lot, is what was there before. */
Test(bets, are_fair_where_the_label_says_nothing)
{
    for (double share = 0.01; share < 0.6; share += 0.07) {
        struct bets_lot mine = lot(true, share), theirs = lot(false, share);
        struct bets x = b, y = b;
        bets_on_more_failures(&x, &mine);
        bets_on_more_failures(&y, &theirs);
        cr_assert_float_eq(share * bets_sum(&x) + (1 - share) * bets_sum(&y), 1, 1e-9);
        x = y = b;
        bets_on_rank(&x, &mine, 0.9, true);
        bets_on_rank(&y, &theirs, 0.9, true);
        cr_assert_float_eq(share * bets_sum(&x) + (1 - share) * bets_sum(&y), 1, 1e-9);
    }
}

/* The canary's failures are the peers' and the margin: what is won and lost evens out. */
Test(bets, on_the_margin_are_fair_at_the_margin)
{
    const double share = 0.2, margin = 0.02, peers = 0.03, mine = peers + margin;
    double mean = 0;

    for (int i = 0; i < 4; i++) {
        bool canary = i & 1, failed = i & 2;
        double fails = canary ? mine : peers;
        double p = (canary ? share : 1 - share) * (failed ? fails : 1 - fails);
        struct bets_lot l = lot(canary, share);
        struct bets x = b;
        bets_on_failures_within(&x, &l, failed, margin);
        mean += p * bets_sum(&x);
    }
    cr_assert_float_eq(mean, 1, 1e-9);
}

Test(bets, find_a_canary_that_alone_fails_at_its_second_failure)
{
    struct bets_lot l = lot(true, 0.01);

    bets_on_more_failures(&b, &l);
    cr_assert_lt(bets_sum(&b), 50);
    bets_on_more_failures(&b, &l);
    cr_assert_gt(bets_sum(&b), 150);
}

Test(bets, show_that_nothing_fails_after_some_two_hundred)
{
    int n = 0;

    while (bets_sum(&b) < 20 && n < 1000) {
        struct bets_lot l = draw(0.5);
        bets_on_failures_within(&b, &l, false, 0.02);
        n += l.canary;
    }
    cr_assert(n > 150 && n < 350, "%d", n);
}

Test(bets, do_not_grow_on_equal_values)
{
    double most = 0;

    for (int i = 0; i < 20000; i++) {
        struct bets_lot l = draw(0.3);
        double value = 0.01 + rng_unit(&rng);
        bets_on_rank(&b, &l, ranks_find(&ranks, 0, value, l.canary, &none), true);
        ranks_keep(&ranks, 0, value, l.canary);
        most = bets_sum(&b) > most ? bets_sum(&b) : most;
    }
    cr_assert_lt(most, 50);
}

/* Though it did well ten thousand times before. */
Test(bets, find_what_begins_late)
{
    int n = 0;

    for (int i = 0; i < 10000; i++) {
        struct bets_lot l = draw(0.5);
        bets_on_rank(&b, &l, rng_unit(&rng), true);
    }
    while (bets_sum(&b) < 150 && n < 1000) {
        struct bets_lot l = draw(0.5);
        bets_on_rank(&b, &l, l.canary ? 0.5 + 0.5 * rng_unit(&rng) : 0.5 * rng_unit(&rng), true);
        n++;
    }
    cr_assert_lt(n, 60);
}

Test(bets, are_no_more_than_one_after_they_are_forgotten)
{
    for (int i = 0; i < 100; i++) {
        struct bets_lot l = draw(0.5);
        bets_on_failures_within(&b, &l, false, 0.02);
    }
    cr_assert_gt(bets_sum(&b), 1);
    bets_forget(&b);
    cr_assert_float_eq(bets_sum(&b), 1, 1e-9);
}

Test(bets, rank_the_canarys_values_as_if_they_were_its_peers)
{
    const struct ranks_slack half = {2, 0}, more = {1, 5};

    for (int i = 1; i <= 9; i++)
        ranks_keep(&ranks, 3, i, false);
    cr_assert_float_eq(ranks_find(&ranks, 3, 5, false, &none), 0.5, 1e-9);
    cr_assert_float_eq(ranks_find(&ranks, 3, 10, true, &none), 0.95, 1e-9);
    cr_assert_float_eq(ranks_find(&ranks, 3, 10, true, &half), 0.5, 1e-9);
    cr_assert_float_eq(ranks_find(&ranks, 3, 10, true, &more), 0.5, 1e-9);
    cr_assert_float_eq(ranks_find(&ranks, 4, 10, true, &half), 0.5, 1e-9);
}
