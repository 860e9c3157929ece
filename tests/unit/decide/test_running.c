/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"
#include "weir/decide/running.h"

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

TestSuite(running, .init = start, .fini = stop);

static bool take_over(void)
{
    struct running r;

    pool_keep_running(before.pool, 0, &r);
    after.now_ns = before.now_ns;
    return pool_restore_running(after.pool, 0, &r, after.now_ns);
}

static struct upstream_view view_of(struct fixture *f)
{
    struct upstream_view v;

    pool_upstream_view(f->pool, 0, &v, f->now_ns);
    return v;
}

Test(running, a_fresh_one_is_taken_over)
{
    cr_assert(take_over());
    cr_assert_eq(state_of(&after, 0), BREAKER_CLOSED);
}

Test(running, an_open_breaker_stays_open_and_for_as_long)
{
    struct upstream_view was, is;

    fail_times(&before, 5);
    cr_assert_eq(state_of(&before, 0), BREAKER_OPEN);
    cr_assert(take_over());
    was = view_of(&before);
    is = view_of(&after);
    cr_assert_eq(is.state, BREAKER_OPEN);
    cr_assert_str_eq(is.cause, was.cause);
    cr_assert_eq(is.until_ns, was.until_ns);
    cr_assert_eq(is.failed, was.failed);
    wait_for_state(&after, 0, BREAKER_HALF_OPEN);
}

Test(running, what_an_operator_said_ends_when_it_was_meant_to)
{
    order(&before, OPERATOR_LIMIT_STREAMS, 3, before.now_ns + S(5));
    order(&before, OPERATOR_RAMP_SET, 0.3, before.now_ns + S(9));
    cr_assert(take_over());
    cr_assert_eq(view_of(&after).limit_streams, 3);
    cr_assert(view_of(&after).override_on[OVERRIDE_RAMP_HOLD]);
    cr_assert_eq(view_of(&after).share, 0.3);
    pass(&after, S(6));
    cr_assert_neq(view_of(&after).limit_streams, 3);
    cr_assert(view_of(&after).override_on[OVERRIDE_RAMP_HOLD]);
    pass(&after, S(4));
    cr_assert_not(view_of(&after).override_on[OVERRIDE_RAMP_HOLD]);
}

Test(running, half_of_the_failures_before_and_half_after_open_it)
{
    fail_times(&before, 3);
    cr_assert(take_over());
    after.last_user = before.last_user;
    fail_times(&after, 2);
    cr_assert_eq(state_of(&after, 0), BREAKER_OPEN);
}

Test(running, no_number_can_do_harm)
{
    struct running r, bad;
    const uint64_t wrong[] = {UINT64_MAX, UINT64_C(0x7ff8000000000000) /* no number */,
                              UINT64_C(1) << 62};

    fail_times(&before, 3);
    pool_keep_running(before.pool, 0, &r);
    for (uint32_t i = 0; i < r.n; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            fixture_stop(&after);
            fixture_start(&after, 1);
            after.now_ns = before.now_ns;
            bad = r;
            bad.number[i] = wrong[k];
            if (!pool_restore_running(after.pool, 0, &bad, after.now_ns))
                continue;
            pass(&after, S(1));
            (void)exchange(&after, OUTCOME_OK, 200);
        }
}

Test(running, rows_of_another_version_are_not_taken)
{
    struct running r;

    pool_keep_running(before.pool, 0, &r);
    r.n--;
    cr_assert_not(pool_restore_running(after.pool, 0, &r, after.now_ns));
    r.n += 2;
    cr_assert_not(pool_restore_running(after.pool, 0, &r, after.now_ns));
    r.n--;
    memset(r.cause, 'x', sizeof r.cause);
    cr_assert_not(pool_restore_running(after.pool, 0, &r, after.now_ns));
}

Test(running, a_user_is_known_again)
{
    uint64_t user[RUNNING_OF_USER];
    size_t at = 0;
    struct pool_request r = request_of(7);

    cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
    users_find(&before.pool->users, 7)->surplus_ns = before.now_ns;
    cr_assert(pool_next_user(before.pool, &at, user, before.now_ns));
    cr_assert(pool_restore_user(after.pool, user, before.now_ns));
    cr_assert_not(pool_next_user(before.pool, &at, user, before.now_ns), "there was one");
    cr_assert_eq(users_find(&after.pool->users, 7)->surplus_ns, before.now_ns);
}

static void limit_both(void)
{
    fixture_stop(&before);
    fixture_stop(&after);
    before.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 100;
    before.conf.users.limits.most[QUOTA_TOKENS_DAY] = 200000;
    after.conf.users.limits = before.conf.users.limits;
    fixture_start(&before, 1);
    fixture_start(&after, 1);
}

/* All that is counted under limits, from before to after, with a number changed. */
static bool quotas_taken(size_t number, uint64_t wrong)
{
    uint64_t row[RUNNING_OF_QUOTA];
    size_t at = 0;
    bool all = true;

    while (pool_next_quota(before.pool, &at, row, before.now_ns)) {
        if (number < RUNNING_OF_QUOTA)
            row[number] = wrong;
        all &= pool_restore_quota(after.pool, row, before.now_ns);
    }
    return all;
}

Test(running, what_was_counted_under_limits_goes_on)
{
    struct pool_request r;
    struct quota_view was, is;
    size_t at = 0;

    limit_both();
    for (int i = 0; i < 90; i++) {
        r = request_of(7);
        cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
        end_ok(&before, &r);
        before.now_ns += MS(600);
    }
    after.now_ns = before.now_ns;
    cr_assert(quotas_taken(SIZE_MAX, 0));
    cr_assert(quota_next_view(before.quota, &at, QUOTA_SLOTS, before.now_ns, &was));
    at = 0;
    cr_assert(quota_next_view(after.quota, &at, QUOTA_SLOTS, before.now_ns, &is));
    cr_assert_eq(is.user, 7);
    for (int u = 0; u < QUOTA_UNITS; u++) {
        cr_assert_eq(is.minute[u], was.minute[u]);
        cr_assert_eq(is.day[u], was.day[u]);
    }
    for (int i = 0; i < 11; i++) {
        r = request_of(7);
        cr_assert_eq(arrive(&after, &r), i < 10 ? POOL_ADMIT : POOL_REFUSE, "%d", i);
        if (i < 10)
            end_ok(&after, &r);
    }
}

Test(running, what_is_charged_while_the_counts_are_written_hides_none_of_them)
{
    struct pool_request r = request_of(7);
    uint64_t row[RUNNING_OF_QUOTA], requests = 0, begun_ns;
    struct quota_view v;
    size_t at = 0;

    limit_both();
    cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
    end_ok(&before, &r);
    begun_ns = before.now_ns;
    before.now_ns += MS(3);
    r = request_of(7);
    cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
    while (pool_next_quota(before.pool, &at, row, begun_ns)) {
        requests += row[8];
        cr_assert(pool_restore_quota(after.pool, row, before.now_ns));
    }
    cr_assert_eq(requests, 4, "two, in the minute and in the day");
    at = 0;
    cr_assert(quota_next_view(before.quota, &at, QUOTA_SLOTS, begun_ns, &v));
}

Test(running, counts_with_wrong_numbers_are_not_taken)
{
    struct pool_request r = request_of(7);

    limit_both();
    cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
    cr_assert_not(quotas_taken(0, 0));
    cr_assert_not(quotas_taken(3, before.now_ns + 1));
    cr_assert_not(quotas_taken(4, UINT64_MAX));
    cr_assert_not(quotas_taken(5, 16));
    cr_assert_not(quotas_taken(6, UINT64_C(1) << 40));
    cr_assert_not(quotas_taken(7, UINT64_C(1) << 40));
    cr_assert_not(quotas_taken(8, UINT64_C(1) << 33));
}

Test(running, counts_for_a_pool_without_limits_are_passed_over)
{
    struct pool_request r = request_of(7);

    limit_both();
    cr_assert_eq(arrive(&before, &r), POOL_ADMIT);
    fixture_stop(&after);
    after.conf.users.limits = (struct quota_limits){0};
    fixture_start(&after, 1);
    cr_assert(quotas_taken(SIZE_MAX, 0));
}

Test(running, a_lease_goes_on_and_one_that_has_ended_does_not)
{
    uint64_t lease[RUNNING_OF_LEASE];
    size_t at = 0;

    lease_renew(&before.pool->leases, 7, before.now_ns + S(5));
    lease_renew(&before.pool->leases, 8, before.now_ns - 1);
    cr_assert(pool_next_lease(before.pool, &at, lease, before.now_ns));
    cr_assert(pool_restore_lease(after.pool, lease, before.now_ns));
    cr_assert_not(pool_next_lease(before.pool, &at, lease, before.now_ns));
    cr_assert(lease_is_in_force(&after.pool->leases, 7, before.now_ns));
    lease[1] = UINT64_MAX;
    cr_assert_not(pool_restore_lease(after.pool, lease, before.now_ns));
}
