/* SPDX-License-Identifier: Apache-2.0 */
/* Users, their shares and limits; what a refused one is told and when it may come back. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct fixture f;

static void start(void)
{
    fixture_init(&f);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(fairness, .init = start, .fini = stop);

static struct pool_request of_class(enum request_class class, uint64_t user)
{
    struct pool_request r = request_of(user);

    r.class = class;
    return r;
}

/* Four that take all places. */
static struct pool_request full[4];

static void fill(void)
{
    for (int i = 0; i < 4; i++) {
        full[i] = request_of(0);
        cr_assert_eq(arrive(&f, &full[i]), POOL_ADMIT);
    }
}

Test(fairness, a_completed_turn_gives_a_lease)
{
    struct pool_request r = request_of(5);

    fixture_start(&f, 1);
    arrive(&f, &r);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert(lease_is_in_force(&f.pool->leases, 5, f.now_ns + S(599)));
    r = request_of(6);
    arrive(&f, &r);
    first(&f, &r);
    end_as(&f, &r, OUTCOME_FAILED, 200);
    cr_assert(!lease_is_in_force(&f.pool->leases, 6, f.now_ns));
}

Test(fairness, one_user_may_not_hold_more_than_a_share_while_it_sheds)
{
    struct pool_request r, calm;
    uint32_t held = 0;

    fixture_start(&f, 1);
    f.pool->upstream[0].pace.peak = 60;
    f.pool->upstream[0].limiter.pending = 100;
    for (uint64_t u = 100; u < 120; u++)
        users_arrived(&f.pool->users, u, f.now_ns);
    f.pool->last_shed_ns = f.now_ns;
    struct pool_request many[20];
    for (int i = 0; i < 20; i++) {
        many[i] = request_of(1);
        held += arrive(&f, &many[i]) == POOL_ADMIT;
    }
    cr_assert_eq(held, 6);
    cr_assert_eq(many[19].cause, CAUSE_RATE_LIMITED);
    cr_assert_eq(many[19].numbers.rule, RULE_FAIR_SHARE);
    cr_assert_eq(many[19].numbers.user_places, 6);
    cr_assert_eq(many[19].numbers.user_most, 6);
    calm = request_of(2);
    cr_assert_eq(arrive(&f, &calm), POOL_ADMIT);
    pass(&f, S(11)); /* it sheds no more */
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

/* A user above the share who was refused a moment ago, in a pool that sheds no more. */
static void flood_is_over_but_goes_on(void)
{
    fixture_start(&f, 1);
    for (uint64_t u = 100; u < 120; u++)
        users_arrived(&f.pool->users, u, f.now_ns);
    for (int i = 0; i < 3; i++)
        user_takes_place(&f.pool->users, users_arrived(&f.pool->users, 1, f.now_ns));
    users_find(&f.pool->users, 1)->surplus_ns = f.now_ns;
    f.pool->upstream[0].limiter.pending = 8;
}

Test(fairness, a_flood_gets_what_the_others_leave)
{
    struct pool_request r = request_of(1);

    flood_is_over_but_goes_on();
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(fairness, a_flood_gets_nothing_while_others_wait_for_a_first_token)
{
    struct pool_request r[3], other = request_of(2);

    flood_is_over_but_goes_on();
    f.pool->upstream[0].limiter.pending = 4;
    cr_assert_eq(arrive(&f, &other), POOL_ADMIT);
    for (int i = 0; i < 3; i++)
        r[i] = request_of(1);
    cr_assert_eq(arrive(&f, &r[0]), POOL_REFUSE);
    cr_assert_eq(r[0].numbers.rule, RULE_FAIR_SHARE);
    first(&f, &other);
    cr_assert_eq(arrive(&f, &r[1]), POOL_ADMIT);
    cr_assert_eq(arrive(&f, &r[2]), POOL_REFUSE, "nor for itself");
    other = request_of(3);
    cr_assert_eq(arrive(&f, &other), POOL_ADMIT, "others may");
}

Test(fairness, a_flood_may_have_a_quarter_of_what_may_be_pending)
{
    struct pool_request r[5];

    flood_is_over_but_goes_on();
    f.pool->upstream[0].limiter.pending = 16;
    for (int i = 0; i < 5; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), i < 4 ? POOL_ADMIT : POOL_REFUSE);
    }
}

Test(fairness, a_flood_never_gets_the_last_streams)
{
    struct pool_request r[6], other = request_of(2);

    f.max_streams[0] = 8;
    flood_is_over_but_goes_on();
    for (int i = 0; i < 6; i++) { /* three of eight are left to others */
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), i < 5 ? POOL_ADMIT : POOL_REFUSE);
        if (i < 5)
            first(&f, &r[i]);
    }
    cr_assert_eq(r[5].cause, CAUSE_RATE_LIMITED);
    cr_assert_eq(arrive(&f, &other), POOL_ADMIT);
}

/* Ten users and four places: a share of less than one. */
static void four_places_for_ten(void)
{
    f.max_streams[0] = 4;
    fixture_start(&f, 1);
    for (uint64_t u = 1; u <= 10; u++)
        users_arrived(&f.pool->users, u, f.now_ns);
    f.pool->upstream[0].pace.peak = 4;
    f.pool->upstream[0].limiter.pending = 8;
}

Test(fairness, a_flood_gets_its_turns_where_its_share_is_less_than_a_place)
{
    struct pool_request r;
    int got = 0;

    four_places_for_ten();
    for (int i = 0; i < 300; i++) { /* others are admitted at 1/s, and three places are taken */
        f.pool->upstream[0].inflight = 3;
        rate_add(&f.pool->admitted, f.now_ns);
        users_find(&f.pool->users, 1)->surplus_ns = f.now_ns;
        for (uint64_t u = 1; u <= 10; u++)
            users_arrived(&f.pool->users, u, f.now_ns);
        r = request_of(1);
        if (arrive(&f, &r) == POOL_ADMIT) {
            got++;
            end_as(&f, &r, OUTCOME_NEUTRAL, 0);
        }
        f.now_ns += S(1);
    }
    cr_assert(got >= 25 && got <= 35, "a tenth of the admissions, was %d of 300", got);
    f.pool->upstream[0].inflight = 0;
    cr_assert_eq(r.numbers.rule, RULE_FAIR_SHARE);
    cr_assert_eq(r.numbers.user_places, 0);
    cr_assert_eq(r.numbers.user_most, 0, "between its turns");
}

Test(fairness, who_does_not_flood_may_hold_two_of_four_places)
{
    struct pool_request r[2];

    four_places_for_ten();
    f.pool->last_shed_ns = f.now_ns;
    users_find(&f.pool->users, 2)->surplus_ns = f.now_ns; /* somebody else does */
    for (int i = 0; i < 2; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
}

Test(fairness, a_flood_is_forgotten_ten_seconds_after_its_last_request)
{
    struct pool_request r[5];

    flood_is_over_but_goes_on();
    f.now_ns += S(11);
    for (int i = 0; i < 5; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
}

Test(fairness, any_user_may_hold_two)
{
    struct pool_request r[3];

    fixture_start(&f, 1);
    for (uint64_t u = 100; u < 120; u++)
        users_arrived(&f.pool->users, u, f.now_ns);
    f.pool->last_shed_ns = f.now_ns;
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), i < 2 ? POOL_ADMIT : POOL_REFUSE);
    }
}

Test(fairness, a_user_who_is_alone_is_not_limited)
{
    struct pool_request r[4];

    fixture_start(&f, 1);
    f.pool->last_shed_ns = f.now_ns;
    for (int i = 0; i < 4; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
}

Test(fairness, standing_limits_hold_without_any_load)
{
    struct pool_request r[3], other = request_of(2);

    f.conf.users.limits.most[QUOTA_MAX_STREAMS] = 2;
    fixture_start(&f, 1);
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(1);
        cr_assert_eq(arrive(&f, &r[i]), i < 2 ? POOL_ADMIT : POOL_REFUSE);
    }
    cr_assert_eq(r[2].numbers.rule, RULE_USER_STREAMS);
    cr_assert_eq(r[2].numbers.user_most, 2);
    cr_assert_eq(arrive(&f, &other), POOL_ADMIT);
    end_as(&f, &r[0], OUTCOME_NEUTRAL, 0);
    r[2] = request_of(1);
    cr_assert_eq(arrive(&f, &r[2]), POOL_ADMIT);
}

Test(fairness, a_user_may_send_so_many_in_a_minute)
{
    struct pool_request r;

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 10;
    fixture_start(&f, 1);
    for (int i = 0; i < 11; i++) {
        r = request_of(1);
        cr_assert_eq(arrive(&f, &r), i < 10 ? POOL_ADMIT : POOL_REFUSE);
        if (i < 10)
            end_as(&f, &r, OUTCOME_NEUTRAL, 0);
    }
    cr_assert_eq(r.cause, CAUSE_RATE_LIMITED);
    cr_assert_eq(r.numbers.rule, RULE_USER_RATE);
    cr_assert_eq(r.numbers.retry_after_ms, 59000);
    r = request_of(2);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(fairness, who_is_not_known_is_not_limited)
{
    struct pool_request r;

    f.conf.users.limits.most[QUOTA_MAX_STREAMS] = 1;
    fixture_start(&f, 1);
    for (int i = 0; i < 4; i++) {
        r = request_of(0);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    }
}

static void trip_all(void)
{
    while (state_of(&f, 0) == BREAKER_CLOSED)
        exchange(&f, OUTCOME_FAILED, 502);
}

Test(fairness, an_open_breaker_refuses_at_once_with_an_appointment_after_its_end)
{
    struct pool_request r = request_of(0);

    fixture_start(&f, 1);
    trip_all();
    f.pool->upstream[0].breaker.until_ns = f.now_ns + S(4);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_geq(r.numbers.retry_after_ms, 3600);
    cr_assert(!r.no_retry);
}

Test(fairness, an_operators_open_says_not_to_retry)
{
    struct pool_request r = request_of(0);

    fixture_start(&f, 1);
    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + S(1800));
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert(r.no_retry);
    cr_assert_geq(r.numbers.retry_after_ms, 30000);
}

Test(fairness, an_operators_open_that_ends_soon_may_be_retried)
{
    struct pool_request r = request_of(0);

    fixture_start(&f, 1);
    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + S(30));
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert(!r.no_retry);
    cr_assert_geq(r.numbers.retry_after_ms, 27000);
}

Test(fairness, batch_and_second_retries_are_told_not_to_retry_while_open)
{
    struct pool_request b = of_class(CLASS_BATCH, 0), once = request_of(0), twice = request_of(0);

    fixture_start(&f, 1);
    trip_all();
    f.pool->upstream[0].breaker.until_ns = f.now_ns + S(4);
    once.client_retry = 1;
    twice.client_retry = 2;
    arrive(&f, &b);
    arrive(&f, &once);
    arrive(&f, &twice);
    cr_assert(b.no_retry);
    cr_assert(!once.no_retry);
    cr_assert(twice.no_retry);
}

Test(fairness, retries_are_told_not_to_retry_when_too_many_do)
{
    struct pool_request r, fresh = request_of(0);

    fixture_start(&f, 1);
    f.conf.queue.max_wait_ns = 0;
    fill();
    for (int i = 0; i < 30; i++) {
        r = request_of(0);
        r.client_retry = i % 3 == 0;
        arrive(&f, &r);
    }
    r = request_of(0);
    r.client_retry = 1;
    arrive(&f, &r);
    cr_assert_eq(r.cause, CAUSE_OVERLOADED);
    cr_assert(r.no_retry);
    arrive(&f, &fresh);
    cr_assert(!fresh.no_retry);
}

Test(fairness, retries_that_keep_their_appointments_are_no_storm)
{
    uint64_t due[200];

    fixture_start(&f, 1);
    f.conf.queue.max_wait_ns = 0;
    fill();
    f.pool->admitted = (struct rate){10, f.now_ns}; /* ten may come back a second */
    for (int i = 0; i < 200; i++) {
        struct pool_request r = request_of(0);
        arrive(&f, &r);
        due[i] = f.now_ns + r.numbers.retry_after_ms * NS_PER_MS;
    }
    for (int ms = 0; ms < 30000; ms += 10, f.now_ns += MS(10)) {
        for (int i = 0; i < 200; i++) {
            struct pool_request r = request_of(0);
            if (due[i] < f.now_ns || due[i] >= f.now_ns + MS(10))
                continue;
            r.client_retry = 1;
            arrive(&f, &r);
            cr_assert_eq(r.cause, CAUSE_OVERLOADED);
            cr_assert(!r.no_retry, "after %d ms", ms);
        }
    }
}

Test(fairness, a_few_retries_are_no_storm)
{
    struct pool_request r;

    fixture_start(&f, 1);
    f.conf.queue.max_wait_ns = 0;
    fill();
    r = request_of(0);
    r.client_retry = 1;
    arrive(&f, &r);
    cr_assert_eq(r.cause, CAUSE_OVERLOADED);
    cr_assert(!r.no_retry);
}

Test(fairness, every_appointment_is_between_1_and_59_seconds)
{
    fixture_start(&f, 1);
    f.conf.queue.max_wait_ns = 0;
    fill();
    f.pool->upstream[0].limiter.cold = false;
    for (int i = 0; i < 2000; i++) {
        struct pool_request r = request_of((uint64_t)i);
        cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
        cr_assert(r.numbers.retry_after_ms >= 1000 && r.numbers.retry_after_ms <= 59000);
        if (i % 100 == 0)
            pass(&f, MS(100));
    }
}

Test(fairness, the_table_of_rules_has_names)
{
    fixture_start(&f, 1);
    cr_assert_str_eq(rule_name(RULE_NONE), "none");
    cr_assert_str_eq(rule_name(RULE_RETRY_BUDGET), "retry_budget");
}
