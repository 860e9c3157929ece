/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>

#include "fixture.h"
#include "weir/decide/kept.h"

static struct fixture before, after;

static void start(void)
{
    fixture_init(&before);
    fixture_init(&after);
    fixture_start(&before, 1);
    fixture_start(&after, 1);
}

static void stop(void)
{
    fixture_stop(&before);
    fixture_stop(&after);
}

TestSuite(kept, .init = start, .fini = stop);

static struct limiter *limiter_in(struct fixture *f)
{
    return &f->pool->upstream[0].limiter;
}

static struct predict *predict_in(struct fixture *f)
{
    return &f->pool->upstream[0].learnt[KIND_GENERATION].predict;
}

/* A backend of 8 slots under load, whose first tokens take 0.2 s and 40 ms more by nature. */
static void learn(void)
{
    struct limiter *l = limiter_in(&before);

    for (int i = 0; i < 20; i++) {
        struct pool_request r = request_of(1);
        cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
        pass(&before, i % 2 == 0 ? MS(200) : MS(300));
        first(&before, &r);
        end_ok(&before, &r);
    }
    l->pending = 3;
    l->streams = l->known = 8;
    l->ceiling = 9;
    l->wait_marks = 32;
    l->start = l->cold = false;
    l->doubt.shown = true;
    before.pool->upstream[0].pace.calm_s = 0.02;
}

static bool restart(uint64_t away_ns)
{
    struct kept k;

    pool_keep(before.pool, 0, &k);
    return pool_restore(after.pool, 0, &k, away_ns, after.now_ns);
}

Test(kept, comes_back_as_it_was)
{
    struct kept k, again;

    learn();
    pool_keep(before.pool, 0, &k);
    cr_assert(pool_restore(after.pool, 0, &k, 0, after.now_ns));
    pool_keep(after.pool, 0, &again);
    for (int i = 0; i < KEPT_NUMBERS; i++)
        cr_assert(k.number[i] == again.number[i] || i >= KEPT_OF_UPSTREAM, "number %d", i);
    cr_assert_eq(predict_s(predict_in(&after), 1024, false),
                 predict_s(predict_in(&before), 1024, false));
    cr_assert_eq(predict_in(&after)->spread_s, predict_in(&before)->spread_s);
}

Test(kept, holds_no_number_that_says_nothing)
{
    struct kept k;

    pool_keep(before.pool, 0, &k);
    for (int i = 0; i < KEPT_NUMBERS; i++)
        cr_assert(isfinite(k.number[i]), "number %d", i);
    cr_assert(pool_restore(after.pool, 0, &k, 0, after.now_ns), "a fresh one, too");
}

Test(kept, limits_hold_from_the_first_request_on)
{
    struct pool_request r[4];

    learn();
    cr_assert(restart(S(3)));
    cr_assert_not(limiter_in(&after)->cold);
    for (int i = 0; i < 4; i++) {
        r[i] = request_of((uint64_t)i + 1);
        cr_assert_eq(arrive(&after, &r[i]), i < 3 ? POOL_ADMIT : POOL_WAIT, "number %d", i);
    }
}

Test(kept, a_number_out_of_its_range_changes_nothing)
{
    struct kept k, bad, untouched, now;

    learn();
    pool_keep(before.pool, 0, &k);
    pool_keep(after.pool, 0, &untouched);
    for (int i = 0; i < KEPT_NUMBERS; i++) {
        const double wrong[] = {NAN, INFINITY, -INFINITY, -2, 1e12};
        for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
            bad = k;
            bad.number[i] = wrong[w];
            cr_assert_not(pool_restore(after.pool, 0, &bad, 0, after.now_ns), "%d: %g", i,
                          wrong[w]);
        }
    }
    pool_keep(after.pool, 0, &now);
    cr_assert_arr_eq(&now, &untouched, sizeof now);
}

Test(kept, a_smaller_max_streams_of_the_settings_wins)
{
    fixture_stop(&after);
    after.max_streams[0] = 5;
    fixture_start(&after, 1);
    learn();
    cr_assert(restart(0));
    cr_assert_eq(limiter_in(&after)->most, 5);
    cr_assert_eq(limiter_in(&after)->streams, 5);
}

Test(kept, a_limit_that_never_bound_is_the_one_of_the_settings)
{
    fixture_stop(&after);
    after.max_streams[0] = 8192;
    fixture_start(&after, 1);
    cr_assert(restart(0));
    cr_assert_eq(limiter_in(&after)->streams, 8192);
}

Test(kept, what_was_shown_is_forgotten_as_after_so_long_without_a_request)
{
    learn();
    cr_assert(restart(S(119)));
    cr_assert(limiter_in(&after)->doubt.shown);
    cr_assert_not(limiter_in(&after)->start);
    fixture_stop(&after);
    fixture_start(&after, 1);
    cr_assert(restart(S(121)));
    cr_assert_not(limiter_in(&after)->doubt.shown);
    cr_assert(limiter_in(&after)->start, "and slow start begins anew");
    cr_assert_eq(limiter_in(&after)->streams, 8);
}

/* The backend has fewer slots now: each that is sent beyond them is late. */
Test(kept, a_limit_learnt_of_a_larger_backend_comes_down_as_usual)
{
    struct pool_request r = request_of(1);

    learn();
    limiter_in(&before)->streams = 64;
    limiter_in(&before)->ceiling = 65;
    limiter_in(&before)->pending = 1;
    cr_assert(restart(S(3)));
    cr_assert_eq(arrive(&after, &r), POOL_ADMIT);
    first(&after, &r);
    for (int window = 0; window < 3; window++) {
        for (int i = 0; i < 8; i++)
            limiter_late(limiter_in(&after), false);
        pass(&after, MS(1100));
    }
    cr_assert_leq(limiter_in(&after)->streams, 1);
}

/* Alone, so that nothing was in its way: it takes as long as that now. */
Test(kept, the_first_one_alone_says_whether_the_backend_is_still_as_quick)
{
    struct pool_request r = request_of(1);

    learn();
    cr_assert_lt(predict_s(predict_in(&before), 1024, false), 0.3);
    cr_assert(restart(S(3)));
    cr_assert_eq(arrive(&after, &r), POOL_ADMIT);
    pass(&after, S(2));
    first(&after, &r);
    end_ok(&after, &r);
    cr_assert_float_eq(predict_s(predict_in(&after), 1024, false), 2, 0.01);
    r = request_of(1);
    cr_assert_eq(arrive(&after, &r), POOL_ADMIT);
    pass(&after, S(5));
    first(&after, &r);
    cr_assert_lt(predict_s(predict_in(&after), 1024, false), 2.2, "the second only teaches");
}
