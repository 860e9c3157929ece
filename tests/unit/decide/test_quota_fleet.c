/* SPDX-License-Identifier: Apache-2.0 */
/* Limits over all nodes of a fleet: credit, asking, being refused, the part of a node alone. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../sim/limits_store.h"
#include "fixture.h"
#include "weir/decide/num.h"
#include "weir/decide/pool_limits.h"

enum { NODES = 4 };

static struct quota *q[NODES];
static struct quota_stored store;
static struct quota_limits limits;
static struct quota_hold hold;
static struct quota_refusal no;
static struct quota_left left[QUOTA_TOLD_COUNT];
static uint64_t now = S(200000);
static const struct quota_asked user = {.user = 7, .class = CLASS_INTERACTIVE};

static void set_mode(enum quota_mode mode)
{
    for (int i = 0; i < NODES; i++)
        quota_fleet_set(q[i], mode, NODES, 99, now);
}

static void with_limit(enum quota_limit l, uint64_t most)
{
    limits = (struct quota_limits){0};
    limits.most[l] = most;
    for (int i = 0; i < NODES; i++)
        quota_set_rules(q[i], &limits, NULL, 0);
}

static void begin(void)
{
    memset(&store, 0, sizeof store);
    for (int i = 0; i < NODES; i++) {
        q[i] = aligned_alloc(64, quota_bytes());
        cr_assert_not_null(q[i]);
        memset(q[i], 0, quota_bytes());
    }
    set_mode(QUOTA_ASKS);
    with_limit(QUOTA_REQUESTS_MINUTE, 60);
}

static void end(void)
{
    for (int i = 0; i < NODES; i++)
        free(q[i]);
}

TestSuite(quota_fleet, .init = begin, .fini = end);

enum says { YES, NO, ASK };

static enum says ask_for(int i, const struct quota_asked *a)
{
    static const struct quota_usage none;

    if (!quota_ask(q[i], a, now, &hold, &no, left))
        return no.asks ? ASK : NO;
    quota_settle(q[i], &hold, &none, now);
    return YES;
}

static enum says ask(int i)
{
    return ask_for(i, &user);
}

static uint32_t ms(void)
{
    return (uint32_t)(now / NS_PER_MS);
}

/* So many wait there; what they were granted. */
static struct quota_answer call(int i, int waiting)
{
    struct quota_news news[QUOTA_NEWS_MAX];
    struct quota_answer a = {0};
    size_t n;

    for (int k = 0; k < waiting; k++)
        quota_fleet_collect(q[i], &user, now);
    n = quota_fleet_news(q[i], news, QUOTA_NEWS_MAX, now);
    for (size_t k = 0; k < n; k++) {
        quota_store(&store, &news[k], &a, ms());
        quota_fleet_answer(q[i], k, &a, now);
    }
    return a;
}

static uint64_t stored(void)
{
    uint64_t sum[QUOTA_UNITS];

    quota_window_sum(&store.minute, QUOTA_MINUTE_MS, ms(), sum);
    return sum[QUOTA_REQUESTS];
}

static void use(uint64_t requests)
{
    const uint32_t n[QUOTA_UNITS] = {(uint32_t)requests};

    quota_window_add(&store.minute, QUOTA_MINUTE_MS, n, ms());
}

Test(quota_fleet, where_nothing_is_known_some_go_on_credit_and_are_told)
{
    for (int i = 0; i < 60 / NODES / 2; i++)
        cr_assert_eq(ask(0), YES);
    cr_assert_eq(ask(0), ASK);
    cr_assert(quota_fleet_owes(q[0]));
    (void)call(0, 0);
    quota_fleet_end(q[0]);
    cr_assert_eq(stored(), 7);
    cr_assert(!quota_fleet_owes(q[0]));
    cr_assert_eq(ask(0), YES, "much is left");
}

Test(quota_fleet, where_little_is_left_those_that_wait_are_granted_and_no_more)
{
    struct quota_answer a;

    use(57);
    cr_assert_eq(ask(0), YES, "it is not known yet");
    (void)call(0, 0);
    quota_fleet_end(q[0]);
    cr_assert_eq(ask(0), ASK);
    a = call(0, 5);
    cr_assert_eq(a.granted[QUOTA_REQUESTS], 2);
    cr_assert(a.full);
    cr_assert_eq(ask(0), YES);
    cr_assert_eq(ask(0), YES);
    cr_assert_eq(ask(0), NO);
    cr_assert(no.most == 60 && no.used == 60 && no.limit == QUOTA_REQUESTS_MINUTE);
    cr_assert(no.wait_ms > 59000 && no.wait_ms <= 60001, "%u", no.wait_ms);
    quota_fleet_end(q[0]);
    cr_assert_eq(stored(), 60);
    cr_assert_eq(left[QUOTA_TOLD_REQUESTS].left, 0);
    cr_assert_eq(left[QUOTA_TOLD_REQUESTS].most, 60);
    now += S(61);
    cr_assert_eq(ask(0), YES, "all has slid out");
}

Test(quota_fleet, what_nobody_takes_goes_back)
{
    use(50);
    (void)call(0, 0);
    quota_fleet_note_hot(q[0], UINT64_C(0x75736572732e2e2e) ^ 7 * UINT64_C(0x9e3779b97f4a7c15) ^ 99,
                         now);
    cr_assert_eq(ask(0), ASK, "it is said to be hot");
    cr_assert_eq(call(0, 3).granted[QUOTA_REQUESTS], 3);
    cr_assert_eq(stored(), 53);
    cr_assert_eq(ask(0), YES);
    quota_fleet_end(q[0]);
    (void)call(0, 0);
    quota_fleet_end(q[0]);
    cr_assert_eq(stored(), 51);
}

Test(quota_fleet, a_call_without_an_answer_is_said_again_as_unsure)
{
    struct quota_news news[1];

    cr_assert_eq(ask(0), YES);
    cr_assert_eq(quota_fleet_news(q[0], news, 1, now), 1);
    cr_assert(news[0].sure[0] == 1 && news[0].unsure[0] == 0);
    quota_fleet_answer(q[0], 0, NULL, now);
    quota_fleet_end(q[0]);
    cr_assert_eq(ask(0), YES);
    cr_assert_eq(quota_fleet_news(q[0], news, 1, now), 1);
    cr_assert(news[0].sure[0] == 1 && news[0].unsure[0] == 1);
    quota_fleet_end(q[0]);
}

Test(quota_fleet, while_the_store_is_silent_each_node_goes_by_its_part)
{
    set_mode(QUOTA_PART);
    for (int i = 0; i < NODES; i++) {
        for (int k = 0; k < 15; k++)
            cr_assert_eq(ask(i), YES);
        cr_assert_eq(ask(i), NO);
        cr_assert_eq(no.most, 15);
    }
    set_mode(QUOTA_ASKS);
    for (int i = 0; i < NODES; i++) {
        (void)call(i, 0);
        quota_fleet_end(q[i]);
    }
    cr_assert_eq(stored(), 60);
}

Test(quota_fleet, what_slid_out_while_nobody_could_be_told_is_not_charged)
{
    set_mode(QUOTA_PART);
    cr_assert_eq(ask(0), YES);
    now += S(90);
    cr_assert_eq(ask(0), YES);
    set_mode(QUOTA_ASKS);
    (void)call(0, 0);
    quota_fleet_end(q[0]);
    cr_assert_eq(stored(), 1);
}

Test(quota_fleet, a_few_places_are_asked_for_each_time)
{
    struct quota_news news[1];
    struct quota_answer a;
    struct quota_hold mine;

    with_limit(QUOTA_MAX_STREAMS, 3);
    store.streams = 2;
    cr_assert(!quota_ask(q[0], &user, now, &hold, &no, left) && no.asks);
    cr_assert_eq(call(0, 2).granted[QUOTA_REQUESTS], 1);
    cr_assert(quota_ask(q[0], &user, now, &mine, &no, left));
    cr_assert_eq(ask(0), NO);
    cr_assert(no.used == 3 && no.most == 3 && no.limit == QUOTA_MAX_STREAMS);
    quota_fleet_end(q[0]);
    quota_undo(q[0], &mine, now);
    cr_assert_eq(quota_fleet_news(q[0], news, 1, now), 1);
    cr_assert_eq(news[0].streams, 0);
    quota_store(&store, &news[0], &a, ms());
    quota_fleet_answer(q[0], 0, &a, now);
    quota_fleet_end(q[0]);
    cr_assert_eq(call(0, 1).granted[QUOTA_REQUESTS], 1);
}

Test(quota_fleet, a_request_that_needs_more_than_a_limit_goes_when_nothing_else_counts)
{
    struct quota_asked big = user;

    big.bytes = 4000;
    big.generates = true;
    with_limit(QUOTA_TOKENS_MINUTE, 500);
    cr_assert_eq(ask_for(0, &big), YES);
    (void)call(0, 0);
    quota_fleet_end(q[0]);
    cr_assert_neq(ask_for(1, &user), NO);
}

Test(quota_fleet, however_it_is_spread_no_more_than_the_limit_is_let_in)
{
    struct random random = {5};
    int in = 0, waiting[NODES] = {0};

    for (int i = 0; i < 4000; i++) {
        int node = (int)random_between(&random, 0, NODES) % NODES;
        enum says s = ask(node);

        now += NS_PER_MS;
        in += s == YES;
        waiting[node] += s == ASK;
        if (i % 8 != 0)
            continue;
        (void)call(node, waiting[node]);
        for (int k = 0; k < waiting[node]; k++)
            in += ask(node) == YES;
        waiting[node] = 0;
        quota_fleet_end(q[node]);
    }
    cr_assert(in >= 60 && in <= 63, "%d", in);
}

/* --- in a pool */

static struct fixture f;
static const struct pool_limits_fleet joined = {QUOTA_ASKS, NODES, 99, NS_PER_S / 2};

static struct pool_request arriving(uint64_t who)
{
    struct pool_request r = request_of(who);

    r.quota = &f.asked[f.n_asked++];
    return r;
}

static void start_pool(void)
{
    fixture_init(&f);
    f.conf.users.limits.most[QUOTA_MAX_STREAMS] = 2;
    fixture_start(&f, 1);
    pool_limits_set(f.pool, &joined, f.now_ns);
}

static void stop_pool(void)
{
    fixture_stop(&f);
}

TestSuite(quota_pool, .init = start_pool, .fini = stop_pool);

static void answer_with(struct quota_stored *s)
{
    struct quota_news news[QUOTA_NEWS_MAX];
    size_t n = pool_limits_news(f.pool, news, QUOTA_NEWS_MAX, f.now_ns);

    for (size_t i = 0; i < n; i++) {
        struct quota_answer a;

        quota_store(s, &news[i], &a, (uint32_t)(f.now_ns / NS_PER_MS));
        pool_limits_answer(f.pool, i, &a, f.now_ns);
    }
    pool_limits_end(f.pool, f.now_ns);
}

Test(quota_pool, who_asks_waits_and_is_sent_or_refused_when_the_answer_comes)
{
    struct pool_request r[3];
    struct quota_stored s = {0};
    int sent = 0, refused = 0;

    for (int i = 0; i < 3; i++) {
        r[i] = arriving(5);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ASK);
    }
    cr_assert_eq(pool_limits_want(f.pool), LIMITS_ASK);
    cr_assert(!pool_is_empty(f.pool));
    answer_with(&s);
    for (struct pool_request *w; (w = pool_next_woken(f.pool)) != NULL;) {
        sent += w->state == REQUEST_SENT;
        refused += w->state == REQUEST_ENDED && w->numbers.rule == RULE_USER_STREAMS;
        cr_assert(!w->has_queued);
    }
    cr_assert(sent == 2 && refused == 1);
    for (int i = 0; i < 3; i++)
        if (r[i].state == REQUEST_SENT)
            end_ok(&f, &r[i]);
    cr_assert_eq(pool_limits_want(f.pool), LIMITS_TELL);
}

Test(quota_pool, who_leaves_meanwhile_is_gone)
{
    struct pool_request r = arriving(5);

    cr_assert_eq(arrive(&f, &r), POOL_ASK);
    pool_leave(f.pool, &r, f.now_ns);
    cr_assert_eq(r.state, REQUEST_ENDED);
    cr_assert(pool_is_empty(f.pool));
    cr_assert_eq(pool_limits_want(f.pool), LIMITS_NOTHING);
}

Test(quota_pool, who_gets_no_answer_goes_by_the_nodes_part)
{
    struct pool_request a = arriving(5), b = arriving(5);

    cr_assert_eq(arrive(&f, &a), POOL_ASK);
    cr_assert_eq(arrive(&f, &b), POOL_ASK);
    pass(&f, NS_PER_S / 2 + NS_PER_S / 10);
    cr_assert_eq(a.state, REQUEST_SENT);
    cr_assert_eq(b.state, REQUEST_ENDED);
    cr_assert_eq(b.quota->no.most, 1);
    cr_assert(pool_next_woken(f.pool) != NULL && pool_next_woken(f.pool) != NULL);
    end_ok(&f, &a);
}

Test(quota_pool, who_asks_goes_on_at_once_when_the_store_is_gone)
{
    struct pool_limits_fleet alone = joined;
    struct pool_request a = arriving(5);

    cr_assert_eq(arrive(&f, &a), POOL_ASK);
    alone.mode = QUOTA_PART;
    pool_limits_set(f.pool, &alone, f.now_ns);
    cr_assert_eq(pool_next_woken(f.pool), &a);
    cr_assert_eq(a.state, REQUEST_SENT);
    end_ok(&f, &a);
}
