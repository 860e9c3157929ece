/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at a limit: how many, exactly, and what is told of it, however many come. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proxy/decide/quota_priv.h"

#define S(n) (UINT64_C(100000) * NS_PER_S + (uint64_t)(n)*NS_PER_S)

static struct quota *q;
static struct quota_event ev;

static void set_limits(uint64_t per_minute, uint64_t at_once)
{
    struct quota_limits l = {0};

    l.most[QUOTA_REQUESTS_MINUTE] = per_minute;
    l.most[QUOTA_MAX_STREAMS] = at_once;
    quota_set_rules(q, &l, NULL, 0);
}

static void begin(void)
{
    q = aligned_alloc(64, quota_bytes());
    cr_assert_not_null(q);
    memset(q, 0, quota_bytes());
    set_limits(1, 0);
}

static void end(void)
{
    free(q);
}

TestSuite(quota_reached, .init = begin, .fini = end);

/* One request; a refusal is noted as the pool does. */
static bool asks(uint64_t user, uint64_t now_ns)
{
    struct quota_asked a = {.user = user, .class = CLASS_INTERACTIVE};
    struct quota_left left[QUOTA_TOLD_COUNT];
    struct quota_refusal no;
    struct quota_hold hold;

    if (quota_ask(q, &a, now_ns, &hold, &no, left)) {
        quota_settle(q, &hold, &(struct quota_usage){0}, now_ns);
        return true;
    }
    quota_note_refused(q, &no, now_ns);
    return false;
}

/* Until something is refused. */
static void reaches(uint64_t user, uint64_t now_ns)
{
    while (asks(user, now_ns))
        continue;
}

static int count_news(enum quota_event_kind news, uint64_t now_ns)
{
    struct quota_event one;
    int n = 0;

    while (quota_next_event(q, &one, now_ns)) {
        n += one.news == news;
        ev = one.news == news ? one : ev;
    }
    return n;
}

Test(quota_reached, who_reaches_a_limit_is_told_of_once)
{
    cr_assert(asks(7, S(0)));
    cr_assert_eq(quota_reached(q, S(0)), 0);
    cr_assert_not(quota_next_event(q, &ev, S(0)), "to be let in is no news");
    for (int i = 0; i < 30; i++) {
        cr_assert_not(asks(7, S(i)));
        cr_assert_eq(quota_next_event(q, &ev, S(i)), i == 0);
        cr_assert_eq(quota_reached(q, S(i)), 1);
    }
    cr_assert(ev.news == QUOTA_BEGINS && ev.user == 7);
    cr_assert(ev.no.limit == QUOTA_REQUESTS_MINUTE && ev.no.used == 1 && ev.no.most == 1);
}

Test(quota_reached, it_ends_when_nothing_was_refused_for_a_minute)
{
    reaches(7, S(0));
    cr_assert_eq(count_news(QUOTA_BEGINS, S(0)), 1);
    reaches(7, S(20));
    cr_assert_eq(count_news(QUOTA_ENDS, S(79)), 0);
    cr_assert_eq(quota_reached(q, S(79)), 1);
    cr_assert_eq(count_news(QUOTA_ENDS, S(80)), 1);
    cr_assert_eq(quota_reached(q, S(80)), 0);
    cr_assert(ev.user == 7 && ev.refused == 2 && ev.in_force);
    cr_assert_eq(ev.for_ns, 20 * NS_PER_S);
    cr_assert_not(quota_next_event(q, &ev, S(500)));
    reaches(7, S(501));
    cr_assert_eq(count_news(QUOTA_BEGINS, S(501)), 1, "and begins anew");
}

Test(quota_reached, who_comes_again_before_it_was_told_that_it_ended_goes_on)
{
    reaches(7, S(0));
    cr_assert_eq(count_news(QUOTA_BEGINS, S(0)), 1);
    reaches(7, S(90));
    cr_assert_not(quota_next_event(q, &ev, S(90)));
    cr_assert_eq(quota_reached(q, S(90)), 1);
}

Test(quota_reached, it_ends_at_once_where_the_limit_is_taken_away)
{
    reaches(7, S(0));
    cr_assert_eq(count_news(QUOTA_BEGINS, S(0)), 1);
    set_limits(0, 4);
    cr_assert_eq(count_news(QUOTA_ENDS, S(1)), 1, "another limit is in force, this one is not");
    cr_assert_not(ev.in_force);
    set_limits(1, 0);
    reaches(7, S(2));
    set_limits(0, 0);
    cr_assert_eq(quota_reached(q, S(2)), 0);
    (void)count_news(QUOTA_BEGINS, S(2));
    cr_assert_not(quota_next_event(q, &ev, S(3)), "no limit, no news");
}

Test(quota_reached, of_a_crowd_a_few_are_named_and_the_others_counted)
{
    int begun = 0;

    for (uint64_t user = 1; user <= 2000; user++)
        reaches(user, S(0));
    begun = count_news(QUOTA_BEGINS, S(0));
    cr_assert_eq(begun, 8);
    cr_assert_eq(quota_reached(q, S(0)) + q->evicted, 2000);

    for (int minute = 0; minute < 60; minute++) {
        int named = 0, others = 0, ends = 0;

        for (int s = 1; s <= 60; s++) {
            uint64_t now = S(60 * minute + s);

            for (uint64_t k = 0; k < 5; k++)
                reaches(1000000 + (uint64_t)minute * 1000 + (uint64_t)s * 10 + k, now);
            while (quota_next_event(q, &ev, now)) {
                named += ev.news == QUOTA_BEGINS;
                ends += ev.news == QUOTA_ENDS;
                others += ev.news == QUOTA_OTHERS;
            }
        }
        cr_assert(named <= 7 && ends <= 16 && others <= 1, "%d, %d, %d", named, ends, others);
        cr_assert(named > 0 && others == 1);
    }
}

Test(quota_reached, how_many_are_at_a_limit_is_exact_whoever_comes_and_goes)
{
    struct {
        uint64_t last; /* second + 1; 0 = never */
    } user[50] = {{0}};
    uint64_t x = 88172645463325252;

    for (uint64_t s = 0; s < 2000; s++) {
        uint32_t want = 0;

        for (int k = 0; k < 3; k++) {
            uint64_t who;

            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            who = x % 50;
            if (x >> 32 & 1)
                continue;
            reaches(1000 + who, S(s));
            user[who].last = s + 1;
        }
        s += x >> 40 & 1 ? 0 : x >> 41 & 31;
        for (int i = 0; i < 50; i++)
            want += user[i].last != 0 && user[i].last + 60 > s + 1;
        cr_assert_eq(quota_reached(q, S(s)), want, "at %llu", (unsigned long long)s);
    }
}

Test(quota_reached, a_clock_that_is_a_little_behind_counts_as_now)
{
    reaches(1, S(10));
    reaches(2, S(9));
    reaches(1, S(9));
    cr_assert_eq(quota_reached(q, S(9)), 2);
    cr_assert_eq(quota_reached(q, S(69)), 2);
    cr_assert_eq(quota_reached(q, S(70)), 0);
}

Test(quota_reached, a_count_that_gave_way_to_another_is_at_no_limit)
{
    for (uint64_t i = 0; i < 3 * QUOTA_GROUP; i++)
        reaches(i * 1000003 + 1, S(i));
    for (int i = 0; i < QUOTA_SLOTS; i++) /* as if all of them gave way */
        if (q->slot[i].key != 0) {
            quota_reach_forget(q, &q->slot[i]);
            memset(&q->slot[i], 0, sizeof q->slot[i]);
        }
    cr_assert_eq(quota_reached(q, S(3 * QUOTA_GROUP)), 0);
    cr_assert_gt(count_news(QUOTA_BEGINS, S(30)), 0);
    for (int i = 0; i < QUOTA_TOLD_AT_ONCE; i++)
        cr_assert_eq(q->reach.named[i].key, 0, "nobody is told of for ever");
}
