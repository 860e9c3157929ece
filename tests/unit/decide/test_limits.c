/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as a pool keeps them: charged at the door, given back, settled, told. */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

static struct fixture f;

static void begin(void)
{
    fixture_init(&f);
}

static void end(void)
{
    fixture_stop(&f);
}

TestSuite(limits, .init = begin, .fini = end);

static struct quota_rule rule_for(const char *model, enum quota_limit l, uint64_t most)
{
    struct quota_rule r = {.id = 11, .class = QUOTA_CLASS_ANY, .shared = true};

    r.model_len = (uint8_t)strlen(model);
    memcpy(r.model, model, r.model_len);
    r.limits.most[l] = most;
    return r;
}

Test(limits, a_limit_of_a_model_holds_for_all_its_users)
{
    struct quota_rule rule = rule_for("big", QUOTA_REQUESTS_MINUTE, 2);
    struct pool_request r;

    f.limits = &rule;
    f.n_limits = 1;
    fixture_start(&f, 1);
    for (uint64_t user = 1; user <= 3; user++) {
        r = request_of(user);
        r.quota = &f.asked[f.n_asked++];
        r.quota->model = SLICE_LIT("big");
        cr_assert_eq(arrive(&f, &r), user <= 2 ? POOL_ADMIT : POOL_REFUSE);
    }
    cr_assert_eq(r.cause, CAUSE_RATE_LIMITED);
    cr_assert_eq(r.numbers.rule, RULE_LIMIT);
    cr_assert_eq(r.quota->no.rule, 1);
    cr_assert_eq(r.quota->no.used, 2);
    r = request_of(3);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(limits, what_is_refused_for_another_reason_is_not_charged)
{
    struct pool_request r, ended = request_of(2);

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 2;
    f.conf.queue.max_wait_ns = 0;
    f.conf.queue.cold_wait_ns = 0;
    f.max_streams[0] = 1;
    fixture_start(&f, 1);
    cr_assert_eq(arrive(&f, &ended), POOL_ADMIT);
    for (int i = 0; i < 10; i++) {
        r = request_of(1);
        cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
        cr_assert_neq(r.cause, CAUSE_RATE_LIMITED);
    }
    end_ok(&f, &ended);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(limits, who_leaves_the_queue_is_not_charged)
{
    struct pool_request r, ended = request_of(2);

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 1;
    f.conf.users.limits.most[QUOTA_MAX_STREAMS] = 1;
    f.max_streams[0] = 1;
    fixture_start(&f, 1);
    cr_assert_eq(arrive(&f, &ended), POOL_ADMIT);
    for (int i = 0; i < 3; i++) {
        r = request_of(1);
        cr_assert_eq(arrive(&f, &r), POOL_WAIT);
        pool_leave(f.pool, &r, f.now_ns);
    }
    end_ok(&f, &ended);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(limits, who_leaves_before_it_hears_that_it_may_go_is_not_charged)
{
    struct pool_request r, ended = request_of(2);

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 1;
    f.conf.users.limits.most[QUOTA_TOKENS_MINUTE] = 100000;
    f.max_streams[0] = 1;
    fixture_start(&f, 1);
    cr_assert_eq(arrive(&f, &ended), POOL_ADMIT);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    end_ok(&f, &ended);
    cr_assert_eq(r.state, REQUEST_SENT);
    pool_leave(f.pool, &r, f.now_ns);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(limits, the_hint_is_never_early)
{
    struct pool_request r;

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 3;
    fixture_start(&f, 1);
    for (int round = 0; round < 50; round++) {
        uint64_t told_ns;

        for (int i = 0; i < 3; i++) {
            r = request_of(1);
            if (arrive(&f, &r) == POOL_ADMIT)
                end_ok(&f, &r);
            pass(&f, S(1));
        }
        r = request_of(1);
        cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
        cr_assert_not(r.no_retry);
        told_ns = MS(r.numbers.retry_after_ms);
        cr_assert_leq(told_ns, S(59));
        cr_assert_geq(told_ns, MS(r.quota->no.wait_ms));
        pass(&f, told_ns);
        r = request_of(1);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT, "round %d, told %u ms", round,
                     (unsigned)(told_ns / NS_PER_MS));
        end_ok(&f, &r);
        pass(&f, S(70));
    }
}

Test(limits, a_day_that_is_used_up_is_not_worth_a_retry)
{
    struct pool_request r = request_of(1);

    f.conf.users.limits.most[QUOTA_REQUESTS_DAY] = 1;
    fixture_start(&f, 1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    end_ok(&f, &r);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert(r.no_retry);
    cr_assert_geq(r.numbers.retry_after_ms, 30000);
    cr_assert_eq(r.quota->left[QUOTA_TOLD_REQUESTS].left, 0);
    cr_assert_gt(r.quota->left[QUOTA_TOLD_REQUESTS].reset_ms, 86000000);
}

Test(limits, tokens_are_settled_by_the_report)
{
    struct pool_request r = request_of(1);
    struct pool_report rep = {
        .outcome = OUTCOME_OK,
        .status = 200,
        .complete = true,
        .usage = {.prompt = 10, .output = 990, .knows_prompt = true, .knows_output = true}};

    f.conf.users.limits.most[QUOTA_TOKENS_MINUTE] = 1000;
    fixture_start(&f, 1);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    first(&f, &r);
    pool_end(f.pool, &r, &rep, f.now_ns);
    r = request_of(1);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.numbers.rule, RULE_USER_TOKENS);
    cr_assert_eq(r.quota->no.used, 1000);
}

Test(limits, requests_of_class_system_come_under_none)
{
    struct pool_request r;

    f.conf.users.limits.most[QUOTA_REQUESTS_MINUTE] = 1;
    fixture_start(&f, 1);
    for (int i = 0; i < 3; i++) {
        r = request_of(1);
        r.class = CLASS_SYSTEM;
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        end_ok(&f, &r);
    }
}
