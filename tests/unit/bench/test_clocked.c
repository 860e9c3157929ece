/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/backend/clocked.h"
#include "bench/backend/engine.h"
#include "bench/common/samples.h"
#include "weir/base/clock.h"

enum { DRAWS = 4000, TOKENS = 60 };

static const struct clocked_conf *clocked(const char *name)
{
    const struct engine_conf *e = engine_find(name);

    cr_assert_not_null(e);
    cr_assert_not_null(e->clocked, "%s goes by the clock", name);
    return e->clocked;
}

/* The percentile of the first tokens (or whole answers) of many plans. */
static double first_at(const struct clocked_conf *c, double share, bool whole)
{
    struct samples s = {0};
    struct rng r;
    double ms;

    rng_seed(&r, 7);
    for (int i = 0; i < DRAWS; i++) {
        struct clocked_plan p = clocked_draw(c, &r, TOKENS);
        samples_add(&s, whole ? p.whole_ms : p.first_ms);
    }
    ms = samples_percentile(&s, share);
    samples_free(&s);
    return ms;
}

Test(clocked, a_hosted_api_has_lognormal_first_tokens)
{
    const struct clocked_conf *c = clocked("hosted");

    cr_assert_float_eq(first_at(c, 0.5, false), c->first_ms, 0.05 * c->first_ms);
    /* one sigma above the median */
    cr_assert_float_eq(first_at(c, 0.841, false), c->first_ms * exp(c->first_sigma),
                       0.1 * c->first_ms * exp(c->first_sigma));
}

Test(clocked, a_hosted_api_has_whole_answers_with_a_long_tail)
{
    const struct clocked_conf *c = clocked("hosted");

    cr_assert_lt(first_at(c, 0.5, true), 600);
    cr_assert_float_eq(first_at(c, 0.95, true), 6000, 1);
}

Test(clocked, a_prefix_cache_has_two_kinds_of_first_tokens)
{
    const struct clocked_conf *c = clocked("cached");

    cr_assert_float_eq(first_at(c, 0.6, false), 100, 1e-9);
    cr_assert_gt(first_at(c, 0.75, false), 1000);
}

Test(clocked, thinking_is_silent_for_8_to_60_seconds_and_half_of_it_has_pings)
{
    const struct clocked_conf *c = clocked("thinking");
    struct rng r;
    int pings = 0;

    cr_assert_geq(first_at(c, 0, false), 8000);
    cr_assert_leq(first_at(c, 1, false), 60000);
    rng_seed(&r, 3);
    for (int i = 0; i < DRAWS; i++)
        pings += clocked_draw(c, &r, TOKENS).ping_ms > 0;
    cr_assert_float_eq((double)pings / DRAWS, 0.5, 0.05);
}

Test(clocked, half_of_the_answers_with_tools_pause_once_within)
{
    const struct clocked_conf *c = clocked("tools");
    struct rng r;
    int pauses = 0;

    rng_seed(&r, 3);
    for (int i = 0; i < DRAWS; i++) {
        struct clocked_plan p = clocked_draw(c, &r, TOKENS);
        int found = 0;
        for (uint32_t t = 1; t < TOKENS; t++)
            found += clocked_next_ms(&p, t) > p.gap_ms;
        cr_assert_eq(found, p.pause_before > 0);
        pauses += found;
    }
    cr_assert_float_eq((double)pauses / DRAWS, 0.5, 0.05);
}

Test(clocked, an_answer_of_a_word_or_two_has_no_pause)
{
    const struct clocked_conf *c = clocked("tools");
    struct rng r;

    rng_seed(&r, 3);
    for (uint32_t tokens = 1; tokens <= 2; tokens++)
        for (int i = 0; i < 100; i++)
            cr_assert_eq(clocked_draw(c, &r, tokens).pause_before, 0);
}

Test(clocked, the_same_seed_makes_the_same_plan)
{
    const struct clocked_conf *c = clocked("tools");
    struct clocked_plan a, b;
    struct rng r;

    rng_seed(&r, 11);
    a = clocked_draw(c, &r, TOKENS);
    rng_seed(&r, 11);
    b = clocked_draw(c, &r, TOKENS);
    cr_assert_float_eq(a.first_ms, b.first_ms, 1e-12);
    cr_assert_eq(a.pause_before, b.pause_before);
    cr_assert_float_eq(a.whole_ms, b.whole_ms, 1e-12);
}

Test(clocked, a_quota_binds_the_key_that_asks_too_much_and_no_other)
{
    static const struct clocked_conf c = {.quota_per_s = 1, .quota_burst = 2};
    struct key_quota q = {0};
    uint64_t now = 10 * NS_PER_S;

    cr_assert(key_quota_take(&q, &c, 1, now));
    cr_assert(key_quota_take(&q, &c, 1, now));
    cr_assert_not(key_quota_take(&q, &c, 1, now));
    cr_assert(key_quota_take(&q, &c, 2, now));
    cr_assert(key_quota_take(&q, &c, 1, now + NS_PER_S));
    cr_assert_not(key_quota_take(&q, &c, 1, now + NS_PER_S));
}

Test(clocked, more_keys_than_there_is_room_for_forget_the_one_unused_for_longest)
{
    static const struct clocked_conf c = {.quota_per_s = 0.001, .quota_burst = 1};
    struct key_quota q = {0};

    for (uint64_t key = 0; key <= KEYS_MAX; key++)
        cr_assert(key_quota_take(&q, &c, key, (key + 1) * NS_PER_S));
    cr_assert_not(key_quota_take(&q, &c, KEYS_MAX, 300 * NS_PER_S));
    cr_assert(key_quota_take(&q, &c, 0, 300 * NS_PER_S), "key 0 was forgotten");
}

Test(clocked, without_a_quota_nobody_is_refused)
{
    struct key_quota q = {0};

    for (int i = 0; i < 100; i++)
        cr_assert(key_quota_take(&q, clocked("cached"), 5, NS_PER_S));
}
