/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by user, model and class: what slides, who is counted under what, what is corrected. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proxy/decide/quota_priv.h"
#include "weir/decide/num.h"

#define MS(n) ((uint64_t)(n)*NS_PER_MS)
#define S(n)  ((uint64_t)(n)*NS_PER_S)

static struct quota *q;
static struct quota_limits none;
static struct quota_hold hold;
static struct quota_refusal no;
static struct quota_left left[QUOTA_TOLD_COUNT];

static void begin(void)
{
    q = aligned_alloc(64, quota_bytes());
    cr_assert_not_null(q);
    memset(q, 0, quota_bytes());
    none = (struct quota_limits){0};
}

static void end(void)
{
    free(q);
}

TestSuite(quota, .init = begin, .fini = end);

static uint64_t stranger(struct random *random)
{
    return (uint64_t)random_between(random, 1, 1e15);
}

static struct quota_limits at_most(enum quota_limit l, uint64_t n)
{
    struct quota_limits limits = {0};

    limits.most[l] = n;
    return limits;
}

static struct quota_asked by(uint64_t user)
{
    return (struct quota_asked){
        .user = user, .class = CLASS_INTERACTIVE, .bytes = 400, .generates = true};
}

static bool asks(const struct quota_asked *a, uint64_t now_ns)
{
    return quota_ask(q, a, now_ns, &hold, &no, left);
}

static bool user_asks(uint64_t user, uint64_t now_ns)
{
    struct quota_asked a = by(user);

    return asks(&a, now_ns);
}

static struct quota_rule rule_for(const char *model, int class, uint64_t user, bool shared,
                                  struct quota_limits limits)
{
    static uint64_t ids;
    struct quota_rule r = {
        .id = ++ids, .user = user, .class = class, .shared = shared, .limits = limits};

    r.model_len = (uint8_t)strlen(model);
    r.model_begins = r.model_len > 0 && model[r.model_len - 1] == '*';
    r.model_len = (uint8_t)(r.model_len - r.model_begins);
    memcpy(r.model, model, r.model_len);
    return r;
}

Test(quota, lets_so_many_through_and_says_when_the_next_may_come)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 3);

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 3; i++)
        cr_assert(user_asks(7, S(1000 + i)));
    cr_assert_not(user_asks(7, S(1010)));
    cr_assert_eq(no.limit, QUOTA_REQUESTS_MINUTE);
    cr_assert_eq(no.rule, 0);
    cr_assert_eq(no.used, 3);
    cr_assert_eq(no.most, 3);
    cr_assert_eq(hold.n, 0);
    cr_assert_not(user_asks(7, S(1010) + MS(no.wait_ms) - MS(1)));
    cr_assert(user_asks(7, S(1010) + MS(no.wait_ms)));
    cr_assert(user_asks(8, S(1010)), "another user has a count of its own");
}

/* Random traffic of one user against an exact log of what was let through. */
struct exact {
    uint64_t at_ns[100000];
    size_t n, from;
};

static size_t exact_in_minute(struct exact *e, uint64_t now_ns)
{
    while (e->from < e->n && now_ns - e->at_ns[e->from] >= S(60))
        e->from++;
    return e->n - e->from;
}

static void never_more_than(uint32_t most, double per_s, uint64_t seed, uint32_t *passed,
                            uint32_t *possible)
{
    static struct exact mine, ideal;
    struct random random = {seed};
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, most);
    uint64_t now = S(100 + seed);

    memset(&mine, 0, sizeof mine);
    memset(&ideal, 0, sizeof ideal);
    memset(q, 0, quota_bytes());
    quota_set_rules(q, &users, NULL, 0);
    while (now < S(1900)) {
        bool burst = random_between(&random, 0, 1) < 0.05;
        int n = burst ? (int)most : 1;

        now += num_ns(random_between(&random, 0, 2 / per_s)) * (uint64_t)(burst ? n : 1);
        for (int i = 0; i < n; i++) {
            if (exact_in_minute(&ideal, now) < most)
                ideal.at_ns[ideal.n++] = now;
            if (!user_asks(5, now))
                continue;
            cr_assert_lt(exact_in_minute(&mine, now), most, "at %g s", num_s(now));
            mine.at_ns[mine.n++] = now;
        }
    }
    *passed = (uint32_t)mine.n;
    *possible = (uint32_t)ideal.n;
}

Test(quota, never_lets_more_through_in_any_minute_and_hardly_less_than_an_exact_count)
{
    static const uint32_t limits[] = {1, 2, 7, 30, 60, 300, 1000};
    static const double loads[] = {0.5, 0.95, 1.5, 3, 40};

    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++)
        for (size_t k = 0; k < sizeof loads / sizeof loads[0]; k++) {
            uint32_t passed, possible;

            never_more_than(limits[l], loads[k] * limits[l] / 60, 17 * l + k + 1, &passed,
                            &possible);
            cr_assert_geq(passed, possible * 0.95 - 2, "limit %u at %gx: %u of %u", limits[l],
                          loads[k], passed, possible);
            cr_assert_leq(passed, possible * 1.05 + 2, "limit %u at %gx: %u of %u", limits[l],
                          loads[k], passed, possible);
        }
}

Test(quota, a_wait_is_as_long_as_it_says_whatever_came_before)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 20);
    struct random random = {5};
    uint64_t now = S(3);
    int waited = 0;

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 20000; i++) {
        now += num_ns(random_between(&random, 0, 4));
        if (user_asks(1, now))
            continue;
        cr_assert(no.wait_ms > 0 && no.wait_ms <= 60001, "%u", no.wait_ms);
        now += MS(no.wait_ms);
        cr_assert(user_asks(1, now), "after %u ms", no.wait_ms);
        waited++;
    }
    cr_assert_gt(waited, 500);
}

Test(quota, a_day_slides_as_a_minute_does)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_DAY, 5);

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 5; i++)
        cr_assert(user_asks(1, S(3600 * i)));
    cr_assert_not(user_asks(1, S(3600 * 23)));
    cr_assert_eq(no.wait_ms, 3600001);
    cr_assert(user_asks(1, S(3600 * 24) + MS(1)));
    cr_assert_not(user_asks(1, S(3600 * 24) + MS(2)));
}

Test(quota, what_was_not_sent_counts_for_nothing)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 2);

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 50; i++) {
        cr_assert(user_asks(1, S(10 + i)));
        quota_undo(q, &hold, S(10 + i) + MS(300));
        cr_assert_eq(hold.n, 0);
    }
}

Test(quota, so_many_at_once)
{
    struct quota_limits users = at_most(QUOTA_MAX_STREAMS, 2);
    struct quota_usage unknown = {0};
    struct quota_hold first;

    quota_set_rules(q, &users, NULL, 0);
    cr_assert(user_asks(1, S(1)));
    first = hold;
    cr_assert(user_asks(1, S(1)));
    cr_assert_not(user_asks(1, S(1)));
    cr_assert_eq(no.limit, QUOTA_MAX_STREAMS);
    cr_assert_eq(no.used, 2);
    quota_settle(q, &first, &unknown, S(500));
    cr_assert(user_asks(1, S(500)));
}

Test(quota, tokens_are_guessed_first_and_corrected_by_what_the_answer_says)
{
    struct quota_limits users = at_most(QUOTA_TOKENS_MINUTE, 1000);
    struct quota_usage u = {.prompt = 20, .output = 30, .knows_prompt = true, .knows_output = true};

    quota_set_rules(q, &users, NULL, 0);
    cr_assert(user_asks(1, S(100))); /* 400 bytes: 100 and 256 */
    cr_assert_eq(left[QUOTA_TOLD_TOKENS].most, 1000);
    cr_assert_eq(left[QUOTA_TOLD_TOKENS].left, 1000 - 356);
    quota_settle(q, &hold, &u, S(105));
    cr_assert(user_asks(1, S(106)));
    u.output = 5000; /* more than all of it: a debt until that has slid out */
    quota_settle(q, &hold, &u, S(110));
    cr_assert_not(user_asks(1, S(111)));
    cr_assert_eq(no.limit, QUOTA_TOKENS_MINUTE);
    cr_assert_geq(no.used, 5000);
    cr_assert_eq(no.wait_ms, 59001);
    cr_assert(user_asks(1, S(170) + MS(1)));
}

Test(quota, prompts_and_outputs_have_limits_of_their_own)
{
    struct quota_limits users = at_most(QUOTA_PROMPT_MINUTE, 150);
    struct quota_usage u = {.output = 9000, .knows_output = true};

    users.most[QUOTA_OUTPUT_DAY] = 30000;
    quota_set_rules(q, &users, NULL, 0);
    cr_assert(user_asks(1, S(1)));
    quota_settle(q, &hold, &u, S(2));
    cr_assert_not(user_asks(1, S(3)));
    cr_assert_eq(no.limit, QUOTA_PROMPT_MINUTE);
    cr_assert(user_asks(1, S(64)));
    quota_settle(q, &hold, &u, S(65));
    cr_assert(user_asks(1, S(130)), "18,000 of 30,000");
    quota_settle(q, &hold, &u, S(131));
    cr_assert_not(user_asks(1, S(200)));
    cr_assert_eq(no.limit, QUOTA_OUTPUT_DAY);
    cr_assert_gt(no.wait_ms, 80000000);
}

Test(quota, a_request_larger_than_the_limit_passes_when_nothing_else_counts)
{
    struct quota_limits users = at_most(QUOTA_PROMPT_MINUTE, 50);
    struct quota_asked large = {.user = 1, .class = CLASS_PAID, .bytes = 100000, .generates = true};

    quota_set_rules(q, &users, NULL, 0);
    cr_assert(asks(&large, S(1)));
    cr_assert_not(asks(&large, S(2)));
    cr_assert_eq(no.wait_ms, 59001);
    cr_assert(asks(&large, S(62)));
}

Test(quota, guesses_follow_what_the_user_takes)
{
    struct quota_limits users = at_most(QUOTA_TOKENS_MINUTE, 1000000);
    struct quota_usage u = {
        .prompt = 200, .output = 10, .knows_prompt = true, .knows_output = true};
    struct quota_asked large = {
        .user = 2, .class = CLASS_PAID, .bytes = 50u << 20, .generates = true};

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 60; i++) {
        cr_assert(user_asks(1, S(1 + 70 * i)));
        quota_settle(q, &hold, &u, S(2 + 70 * i));
    }
    cr_assert(user_asks(1, S(5000)));
    cr_assert(hold.prompt > 190 && hold.prompt <= 200, "%u", hold.prompt);
    cr_assert(hold.output >= 10 && hold.output < 14, "%u", hold.output);
    cr_assert(asks(&large, S(5000)));
    cr_assert_leq(hold.prompt, 131072, "half a megabyte of picture is no million of tokens");
}

Test(quota, rules_hold_for_the_models_and_classes_that_they_name)
{
    struct quota_rule rules[] = {
        rule_for("big-*", QUOTA_CLASS_ANY, 0, false, at_most(QUOTA_REQUESTS_MINUTE, 1)),
        rule_for("", CLASS_BATCH, 0, true, at_most(QUOTA_REQUESTS_MINUTE, 2)),
    };
    struct quota_asked big = by(1), batch = by(1);

    big.model = SLICE_LIT("big-7b");
    batch.class = CLASS_BATCH;
    quota_set_rules(q, &none, rules, 2);
    cr_assert(asks(&big, S(1)));
    cr_assert_not(asks(&big, S(1)));
    cr_assert_eq(no.rule, 1);
    big.user = 2;
    cr_assert(asks(&big, S(1)), "each user has a count of its own under it");
    big.model = SLICE_LIT("big");
    cr_assert(asks(&big, S(1)), "another model");
    cr_assert(asks(&batch, S(1)));
    batch.user = 2;
    cr_assert(asks(&batch, S(1)));
    batch.user = 0;
    cr_assert_not(asks(&batch, S(1)), "one count for all, known or not");
    cr_assert_eq(no.rule, 2);
}

Test(quota, all_rules_that_match_are_charged_or_none)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 10);
    struct quota_rule rules[] = {
        rule_for("m", QUOTA_CLASS_ANY, 0, true, at_most(QUOTA_REQUESTS_MINUTE, 1)),
    };
    struct quota_asked a = by(1);

    a.model = SLICE_LIT("m");
    quota_set_rules(q, &users, rules, 1);
    cr_assert(asks(&a, S(1)));
    cr_assert_eq(left[QUOTA_TOLD_REQUESTS].left, 0, "the nearest limit is told");
    cr_assert_eq(left[QUOTA_TOLD_REQUESTS].most, 1);
    for (int i = 0; i < 20; i++)
        cr_assert_not(asks(&a, S(2)));
    a.model = SLICE_LIT("other");
    for (int i = 0; i < 9; i++)
        cr_assert(asks(&a, S(3)));
    cr_assert_not(asks(&a, S(3)));
    cr_assert_eq(no.rule, 0);
}

Test(quota, one_user_may_have_numbers_of_its_own)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 1);
    struct quota_rule own =
        rule_for("", QUOTA_CLASS_ANY, 9, false, at_most(QUOTA_REQUESTS_MINUTE, 3));

    users.most[QUOTA_MAX_STREAMS] = 50;
    quota_set_rules(q, &users, &own, 1);
    cr_assert(user_asks(8, S(1)));
    cr_assert_not(user_asks(8, S(1)));
    for (int i = 0; i < 3; i++)
        cr_assert(user_asks(9, S(1)));
    cr_assert_not(user_asks(9, S(1)));
    cr_assert_eq(no.rule, 0);
    cr_assert_eq(no.most, 3);
    cr_assert_eq(quota_limits_of(q, 9).most[QUOTA_MAX_STREAMS], 50);
}

Test(quota, counts_stay_when_the_rules_change)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 2);
    struct quota_rule r[2] = {
        rule_for("a", QUOTA_CLASS_ANY, 0, true, at_most(QUOTA_REQUESTS_MINUTE, 1)),
        rule_for("b", QUOTA_CLASS_ANY, 0, true, at_most(QUOTA_REQUESTS_MINUTE, 1)),
    };
    struct quota_rule turned[2] = {r[1], r[0]};
    struct quota_asked a = by(0);

    quota_set_rules(q, &users, r, 2);
    a.model = SLICE_LIT("a");
    cr_assert(asks(&a, S(1)));
    cr_assert(user_asks(3, S(1)));
    quota_set_rules(q, &none, NULL, 0);
    cr_assert_not(quota_is_on(q));
    quota_set_rules(q, &users, turned, 2);
    cr_assert_not(asks(&a, S(2)));
    cr_assert_eq(no.rule, 2);
    cr_assert(user_asks(3, S(2)));
    cr_assert_not(user_asks(3, S(2)));
}

Test(quota, turns_of_those_who_are_refused_lie_apart)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 6);
    uint64_t first, second;

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 6; i++)
        cr_assert(user_asks(1, S(100)));
    cr_assert_not(user_asks(1, S(120)));
    first = quota_turn_ns(q, &no, S(120));
    cr_assert_eq(first, S(160) + MS(1));
    cr_assert_not(user_asks(1, S(120)));
    second = quota_turn_ns(q, &no, S(120));
    cr_assert_eq(second, first + S(10));
    for (int i = 0; i < 1000; i++)
        second = quota_turn_ns(q, &no, S(120));
    cr_assert_leq(second, first + S(60), "who hammers makes the list no longer than that");
}

Test(quota, strangers_push_out_one_another_and_not_who_is_at_the_limit)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 50);
    struct random random = {77};

    quota_set_rules(q, &users, NULL, 0);
    for (int i = 0; i < 50; i++)
        cr_assert(user_asks(1, S(100)));
    for (int i = 0; i < 100000; i++) {
        cr_assert(user_asks(stranger(&random), S(101) + MS(i / 10)));
        quota_undo(q, &hold, S(101) + MS(i / 10));
        cr_assert(user_asks(stranger(&random), S(101) + MS(i / 10)));
        quota_settle(q, &hold, &(struct quota_usage){0}, S(101) + MS(i / 10));
    }
    cr_assert_gt(quota_evicted(q), 1000);
    cr_assert_not(user_asks(1, S(112)), "its count is still there");
}

Test(quota, a_count_that_is_held_is_never_given_away)
{
    struct quota_limits users = at_most(QUOTA_MAX_STREAMS, 1);
    static struct quota_hold held[3 * QUOTA_SLOTS];
    struct random random = {3};

    quota_set_rules(q, &users, NULL, 0);
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        cr_assert(user_asks(stranger(&random), S(1)));
        held[i] = hold;
    }
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        quota_settle(q, &held[i], &(struct quota_usage){0}, S(2));
    for (size_t i = 0; i < QUOTA_SLOTS; i++)
        cr_assert_eq(q->slot[i].streams, 0);
}

Test(quota, what_lies_back_longer_than_a_day_is_forgotten_also_when_the_milliseconds_wrap)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_DAY, 1);
    uint64_t wrap_ns = (UINT64_C(1) << 32) * NS_PER_MS;

    quota_set_rules(q, &users, NULL, 0);
    cr_assert(user_asks(1, S(10)));
    cr_assert(user_asks(1, S(10) + wrap_ns + S(5)));
    cr_assert_not(user_asks(1, S(10) + wrap_ns + S(6)));
    cr_assert(user_asks(2, wrap_ns - S(5)));
    cr_assert_not(user_asks(2, wrap_ns + S(5)));
    cr_assert(user_asks(2, wrap_ns + S(86400)));
}

Test(quota, shows_what_is_used)
{
    struct quota_limits users = at_most(QUOTA_REQUESTS_MINUTE, 4);
    struct quota_view v;
    size_t at = 0;

    users.most[QUOTA_TOKENS_DAY] = 100000;
    quota_set_rules(q, &users, NULL, 0);
    cr_assert(user_asks(6, S(10)));
    cr_assert(user_asks(6, S(11)));
    cr_assert(quota_next_view(q, &at, QUOTA_SLOTS, S(12), &v));
    cr_assert_eq(v.user, 6);
    cr_assert_eq(v.streams, 2);
    cr_assert_eq(v.minute[QUOTA_REQUESTS], 2);
    cr_assert_eq(v.day[QUOTA_PROMPT], 200);
    cr_assert_float_eq(v.fullest, 0.5, 1e-9);
    cr_assert_not(quota_next_view(q, &at, QUOTA_SLOTS, S(12), &v));
}

Test(quota, every_limit_has_words)
{
    for (int l = 0; l < QUOTA_LIMITS; l++) {
        cr_assert_gt(strlen(quota_limit_name((enum quota_limit)l)), 5);
        cr_assert_gt(strlen(quota_limit_words((enum quota_limit)l)), 5);
    }
}
