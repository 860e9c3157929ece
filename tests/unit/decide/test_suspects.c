/* SPDX-License-Identifier: Apache-2.0 */
/* Whose 500s a share of failures is made of, alone and by way of a pool. */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/suspects.h"

#define RATE 0.5

static void fails(struct suspects *s, uint64_t who, int times, uint64_t now_ns)
{
    for (int i = 0; i < times; i++)
        suspects_failed(s, who, now_ns);
}

Test(suspects, are_left_out_of_what_is_judged)
{
    struct suspects s;
    struct suspects_rest rest;

    suspects_init(&s, S(10));
    fails(&s, 1, 12, S(100));
    cr_assert(suspects_rest(&s, 20, 12, RATE, S(101), &rest));
    cr_assert_eq(rest.n, 8);
    cr_assert_eq(rest.failed, 0);
}

Test(suspects, are_all_there_is_when_nobody_else_is_known)
{
    struct suspects s;
    struct suspects_rest rest;

    suspects_init(&s, S(10));
    fails(&s, 1, 20, S(100));
    cr_assert_not(suspects_rest(&s, 20, 20, RATE, S(101), &rest));
    cr_assert_not(suspects_rest(&s, 21, 20, RATE, S(101), &rest));
    cr_assert(suspects_rest(&s, 22, 20, RATE, S(101), &rest));
}

Test(suspects, who_is_mostly_well_is_none)
{
    struct suspects s;

    suspects_init(&s, S(10));
    fails(&s, 1, 3, S(100));
    cr_assert(suspects_has(&s, 1, RATE, S(100)));
    for (int i = 0; i < 4; i++)
        suspects_ok(&s, 1, S(100));
    cr_assert_not(suspects_has(&s, 1, RATE, S(100)));
}

Test(suspects, two_failures_make_none)
{
    struct suspects s;

    suspects_init(&s, S(10));
    fails(&s, 1, 2, S(100));
    cr_assert_not(suspects_has(&s, 1, RATE, S(100)));
}

Test(suspects, are_forgotten_with_the_window)
{
    struct suspects s;
    struct suspects_rest rest;

    suspects_init(&s, S(10));
    for (int i = 0; i < 20; i++)
        fails(&s, 1, 1, S(100) + MS(500) * (uint64_t)i);
    for (int i = 1; i <= 17; i++) {
        (void)suspects_rest(&s, 100, 20, RATE, S(100) + MS(9500) + MS(500) * (uint64_t)i, &rest);
        cr_assert_eq(rest.failed, (uint32_t)i);
    }
    cr_assert_not(suspects_has(&s, 1, RATE, S(119)));
    cr_assert_not(suspects_has(&s, 1, RATE, S(5000)));
}

Test(suspects, who_fails_most_is_not_pushed_out_by_many_who_fail_once)
{
    struct suspects s;

    suspects_init(&s, S(10));
    fails(&s, 1, 9, S(100));
    for (uint64_t who = 2; who < 200; who++)
        fails(&s, who, 1, S(101));
    cr_assert(suspects_has(&s, 1, RATE, S(102)));
}

Test(suspects, nobody_known_is_none)
{
    struct suspects s;

    suspects_init(&s, S(10));
    fails(&s, 0, 9, S(100));
    cr_assert_not(suspects_has(&s, 0, RATE, S(100)));
}

/* --- in a pool */

static struct fixture f;

static void setup(void)
{
    fixture_init(&f);
    fixture_start(&f, 1);
}

static void teardown(void)
{
    fixture_stop(&f);
}

TestSuite(suspects_in_a_pool, .init = setup, .fini = teardown);

static void asks(uint64_t user, enum outcome o, uint32_t status)
{
    struct pool_request r = request_of(user);

    if (arrive(&f, &r) != POOL_ADMIT)
        return;
    if (o == OUTCOME_OK) {
        first(&f, &r);
        end_ok(&f, &r);
    } else {
        end_as(&f, &r, o, status);
    }
}

static const struct breaker *breaker(void)
{
    return &f.pool->upstream[0].breaker;
}

Test(suspects_in_a_pool, one_users_500s_are_no_error_rate_and_no_mark)
{
    double pending;

    for (int i = 0; i < 5; i++)
        asks(1, OUTCOME_OK, 200);
    pending = f.pool->upstream[0].limiter.pending;
    for (int i = 0; i < 100; i++) {
        asks(1, OUTCOME_OK, 200);
        asks(2, OUTCOME_FAILED, 500);
        asks(2, OUTCOME_FAILED, 500);
        pass(&f, MS(100));
        cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    }
    cr_assert_geq(f.pool->upstream[0].limiter.pending, pending);
}

Test(suspects_in_a_pool, what_fails_for_all_opens)
{
    for (int i = 0; i < 30 && state_of(&f, 0) == BREAKER_CLOSED; i++) {
        asks((uint64_t)(1 + i % 3), OUTCOME_OK, 200);
        for (uint64_t user = 1; user <= 3; user++)
            asks(user, OUTCOME_FAILED, 500);
        pass(&f, MS(100));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(suspects_in_a_pool, one_key_for_everybody_hides_nothing)
{
    for (int i = 0; i < 30 && state_of(&f, 0) == BREAKER_CLOSED; i++) {
        asks(1, i % 4 == 0 ? OUTCOME_OK : OUTCOME_FAILED, i % 4 == 0 ? 200 : 500);
        pass(&f, MS(100));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(suspects_in_a_pool, a_probe_that_got_a_500_is_asked_about_of_another_user)
{
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    asks(2, OUTCOME_FAILED, 500);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
    asks(1, OUTCOME_OK, 200);
    pass(&f, S(3));
    asks(2, OUTCOME_FAILED, 500);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
    asks(1, OUTCOME_OK, 200);
    asks(3, OUTCOME_OK, 200);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(suspects_in_a_pool, two_users_probes_that_got_500_open_again)
{
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    asks(2, OUTCOME_FAILED, 500);
    asks(3, OUTCOME_FAILED, 500);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "probe_failed");
}

Test(suspects_in_a_pool, where_nobody_else_asks_one_users_second_probe_decides)
{
    struct pool_request again = request_of(2);

    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    asks(2, OUTCOME_FAILED, 500);
    cr_assert_neq(arrive(&f, &again), POOL_ADMIT); /* for 2 s others are preferred */
    pass(&f, MS(2100));
    if (again.state == REQUEST_SENT)
        end_as(&f, &again, OUTCOME_FAILED, 500);
    else
        asks(2, OUTCOME_FAILED, 500);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}
