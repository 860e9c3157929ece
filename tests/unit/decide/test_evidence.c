/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence table, all of it, and what a pool makes of the rows that need more than one request.
 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/evidence.h"

/* --- the table */

/* sign, of generation and routes, of a probe; a check has its own two rows. */
static const struct {
    enum sign sign;
    struct evidence_row plain, probe, check;
} wanted[] = {
#define R(b, m, c, a)                                                                              \
    {                                                                                              \
        BREAKER_TAKES_##b, MARK_##m, COOLDOWN_##c, ABOUT_##a                                       \
    }
#define NONE_AT_ALL R(NOTHING, NONE, NONE, NOBODY)
#define SAME(s, b, m, c, a)                                                                        \
    {                                                                                              \
        s, R(b, m, c, a), R(b, m, c, a), NONE_AT_ALL                                               \
    }
    SAME(SIGN_ON_TIME, OK, ON_TIME, NONE, KIND),
    SAME(SIGN_LATE_TOKEN, OK_LATE, LATE, NONE, KIND),
    SAME(SIGN_TOKEN, OK, NONE, NONE, KIND),
    SAME(SIGN_OVERDUE, LATE, LATE, NONE, KIND),
    SAME(SIGN_WHOLE, END, NONE, NONE, KIND),
    SAME(SIGN_NO_CONNECTION, FAILURE, ERROR, NONE, UPSTREAM),
    SAME(SIGN_FAILED, FAILURE, ERROR, NONE, KIND),
    {SIGN_OWN_FAILURE, R(OWN, ERROR, NONE, USER), R(OWN, ERROR, NONE, USER), NONE_AT_ALL},
    SAME(SIGN_CUT, CUT, NONE, NONE, KIND),
    SAME(SIGN_USER_REFUSED, REFUSAL, NONE, BY_USER, USER),
    SAME(SIGN_LOAD_REFUSED, REFUSAL, NONE, BY_MODEL, MODEL),
    SAME(SIGN_CLIENT_ERROR, CLIENT, NONE, NONE, USER),
    SAME(SIGN_NEUTRAL, NOTHING, NONE, NONE, NOBODY),
    SAME(SIGN_GONE, NOTHING, NONE, NONE, NOBODY),
    {SIGN_ABANDONED, R(ABANDON, LATE, NONE, USER), R(LATE, LATE, NONE, KIND), NONE_AT_ALL},
    {SIGN_PROMISE_BROKEN, R(ABANDON, NONE, NONE, USER), R(LATE, NONE, NONE, KIND), NONE_AT_ALL},
    {SIGN_CHECK_GOOD, NONE_AT_ALL, NONE_AT_ALL, R(CHECK_OK, NONE, NONE, UPSTREAM)},
    {SIGN_CHECK_BAD, NONE_AT_ALL, NONE_AT_ALL, R(CHECK_BAD, NONE, NONE, UPSTREAM)},
#undef SAME
#undef R
};

#define WORDS(e, words) words,
static const char *const sign_words[] = {WEIR_SIGNS(WORDS)};
#undef WORDS

static void same_row(enum sign s, enum role r, const struct evidence_row *w)
{
    const struct evidence_row *g = evidence_row(s, r);

    cr_assert_eq(g->breaker, w->breaker, "breaker, %s as role %d", sign_words[s], (int)r);
    cr_assert_eq(g->limiter, w->limiter, "limiter, %s as role %d", sign_words[s], (int)r);
    cr_assert_eq(g->cooldown, w->cooldown, "cooldown, %s as role %d", sign_words[s], (int)r);
    cr_assert_eq(g->about, w->about, "about, %s as role %d", sign_words[s], (int)r);
}

Test(evidence, every_row_says_what_it_should)
{
    cr_assert_eq(sizeof wanted / sizeof wanted[0], SIGN_COUNT);
    for (int i = 0; i < SIGN_COUNT; i++) {
        cr_assert_eq((int)wanted[i].sign, i);
        same_row(wanted[i].sign, ROLE_GENERATION, &wanted[i].plain);
        same_row(wanted[i].sign, ROLE_ROUTE, &wanted[i].plain);
        same_row(wanted[i].sign, ROLE_PROBE, &wanted[i].probe);
        same_row(wanted[i].sign, ROLE_CHECK, &wanted[i].check);
    }
}

Test(evidence, statuses_stand_for_outcomes)
{
    static const struct {
        int from, to;
        enum outcome outcome;
    } is[] = {
        {100, 399, OUTCOME_OK},      {400, 428, OUTCOME_NEUTRAL}, {429, 429, OUTCOME_REFUSED},
        {430, 499, OUTCOME_NEUTRAL}, {500, 500, OUTCOME_FAILED},  {501, 501, OUTCOME_NEUTRAL},
        {502, 502, OUTCOME_FAILED},  {503, 503, OUTCOME_REFUSED}, {504, 504, OUTCOME_FAILED},
        {505, 505, OUTCOME_NEUTRAL}, {506, 510, OUTCOME_FAILED},  {511, 511, OUTCOME_NEUTRAL},
        {512, 528, OUTCOME_FAILED},  {529, 529, OUTCOME_REFUSED}, {530, 599, OUTCOME_FAILED},
    };

    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++)
        for (int s = is[i].from; s <= is[i].to; s++)
            cr_assert_eq(evidence_of_status(s), is[i].outcome, "%d", s);
}

Test(evidence, ends_are_read_by_outcome_status_and_what_came_before)
{
    static const struct {
        struct ended end;
        enum sign sign;
    } is[] = {
        {{OUTCOME_OK, 200, false, true, false, false}, SIGN_WHOLE},
        {{OUTCOME_FAILED, 500, false, false, false, false}, SIGN_OWN_FAILURE},
        {{OUTCOME_FAILED, 502, false, false, true, false}, SIGN_FAILED},
        {{OUTCOME_FAILED, 200, false, true, false, false}, SIGN_CUT},
        {{OUTCOME_STALLED, 0, false, false, true, false}, SIGN_FAILED},
        {{OUTCOME_STALLED, 200, false, true, true, false}, SIGN_CUT},
        {{OUTCOME_CONNECT_FAILED, 0, false, false, false, false}, SIGN_NO_CONNECTION},
        {{OUTCOME_REFUSED, 429, false, false, false, false}, SIGN_USER_REFUSED},
        {{OUTCOME_REFUSED, 503, false, false, false, false}, SIGN_LOAD_REFUSED},
        {{OUTCOME_REFUSED, 529, false, true, false, false}, SIGN_LOAD_REFUSED},
        {{OUTCOME_NEUTRAL, 404, false, false, false, false}, SIGN_CLIENT_ERROR},
        {{OUTCOME_NEUTRAL, 501, false, false, false, false}, SIGN_NEUTRAL},
        {{OUTCOME_NEUTRAL, 0, false, false, true, false}, SIGN_NEUTRAL},
        {{OUTCOME_NEUTRAL, 0, true, false, false, false}, SIGN_GONE},
        {{OUTCOME_NEUTRAL, 200, true, true, true, false}, SIGN_GONE},
        {{OUTCOME_NEUTRAL, 0, true, false, true, false}, SIGN_ABANDONED},
        {{OUTCOME_NEUTRAL, 0, true, false, true, true}, SIGN_ABANDONED},
        {{OUTCOME_NEUTRAL, 0, true, false, false, true}, SIGN_PROMISE_BROKEN},
        {{OUTCOME_NEUTRAL, 200, true, true, false, true}, SIGN_GONE},
    };

    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++)
        cr_assert_eq(sign_of_end(&is[i].end), is[i].sign, "row %zu", i);
}

/* --- by way of a pool */

static struct fixture f;

static void start(void)
{
    fixture_init(&f);
    fixture_start(&f, 1);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(whose_evidence, .init = start, .fini = stop);

static bool of_kind(uint8_t kind, uint64_t user, enum outcome o, uint32_t status)
{
    struct pool_request r = request_of(user);

    r.kind = kind;
    if (arrive(&f, &r) != POOL_ADMIT) {
        pool_leave(f.pool, &r, f.now_ns);
        return false;
    }
    if (o == OUTCOME_OK)
        first(&f, &r);
    end_as(&f, &r, o, status);
    return true;
}

Test(whose_evidence, lists_that_are_served_do_not_hide_an_engine_that_is_dead)
{
    for (uint64_t i = 1; i <= 5; i++) {
        of_kind(KIND_GENERATION, i, OUTCOME_FAILED, 502);
        for (int n = 0; n < 4 && i < 5; n++)
            of_kind(kind_of_route(3), 99, OUTCOME_OK, 200);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(whose_evidence, an_error_rate_is_of_its_own_kind)
{
    for (uint64_t i = 1; i <= 40 && state_of(&f, 0) == BREAKER_CLOSED; i++) {
        of_kind(KIND_GENERATION, i, i % 3 ? OUTCOME_FAILED : OUTCOME_OK, 502);
        for (int n = 0; n < 4; n++)
            of_kind(kind_of_route(3), 99, OUTCOME_OK, 200);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(whose_evidence, a_route_that_fails_does_not_take_the_engine_from_chats_that_are_well)
{
    for (uint64_t i = 1; i <= 30; i++) {
        of_kind(kind_of_route(3), i, OUTCOME_FAILED, 502);
        of_kind(KIND_GENERATION, i, OUTCOME_OK, 200);
        of_kind(kind_of_route(3), 100 + i, OUTCOME_FAILED, 502);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(whose_evidence, only_the_kind_that_tripped_it_is_asked_to_probe)
{
    struct pool_request list = request_of(1), chat = request_of(2);

    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    list.kind = kind_of_route(3);
    list.stream = false;
    cr_assert_neq(arrive(&f, &list), POOL_ADMIT);
    pool_leave(f.pool, &list, f.now_ns);
    cr_assert_eq(arrive(&f, &chat), POOL_ADMIT);
}

Test(whose_evidence, any_kind_probes_if_none_of_the_right_one_comes)
{
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    pass(&f, S(29));
    cr_assert(!of_kind(kind_of_route(3), 1, OUTCOME_OK, 200));
    pass(&f, S(2));
    cr_assert(of_kind(kind_of_route(3), 1, OUTCOME_OK, 200));
}

Test(whose_evidence, a_probe_that_never_settles_gives_its_place_back)
{
    struct pool_request stuck = request_of(1), chat = request_of(2);

    exchange(&f, OUTCOME_OK, 200); /* there are streams */
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    pass(&f, S(2));
    stuck.stream = false;
    cr_assert_eq(arrive(&f, &stuck), POOL_ADMIT);
    pass(&f, S(3));
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
    cr_assert_eq(arrive(&f, &chat), POOL_ADMIT);
    first(&f, &chat);
    end_ok(&f, &chat);
    end_as(&f, &stuck, OUTCOME_OK, 200); /* good whenever it comes */
    cr_assert_eq(f.pool->upstream[0].breaker.good, 2);
}

Test(whose_evidence, a_stream_is_preferred_as_the_first_probe)
{
    struct pool_request whole = request_of(1), chat = request_of(2);

    exchange(&f, OUTCOME_OK, 200);
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    whole.stream = false;
    cr_assert_neq(arrive(&f, &whole), POOL_ADMIT);
    pool_leave(f.pool, &whole, f.now_ns);
    cr_assert_eq(arrive(&f, &chat), POOL_ADMIT);
}

Test(whose_evidence, every_500_of_the_only_user_counts)
{
    for (int i = 0; i < 5; i++)
        of_kind(KIND_GENERATION, 7, OUTCOME_FAILED, 500);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

/* Sent, waited for, left without a first token. */
static void give_up(uint64_t user, uint64_t after_ns)
{
    struct pool_request r = request_of(user);

    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pass(&f, after_ns);
    pool_leave(f.pool, &r, f.now_ns);
}

Test(whose_evidence, users_who_give_up_on_a_hung_upstream_open_it)
{
    struct pool_request r[6];

    for (uint64_t i = 0; i < 4; i++) {
        r[i] = request_of(i + 1);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
    pass(&f, S(12));
    for (int i = 0; i < 4; i++)
        pool_leave(f.pool, &r[i], f.now_ns);
    cr_assert_eq(f.pool->upstream[0].breaker.failed_in_row, 4);
    fail_times(&f, 1);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(whose_evidence, one_user_who_gives_up_is_no_failure)
{
    for (int i = 0; i < 6; i++)
        give_up(7, S(11));
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    cr_assert_eq(f.pool->upstream[0].breaker.failed_in_row, 0);
}

Test(whose_evidence, leaving_early_is_nothing)
{
    for (uint64_t i = 1; i <= 8; i++)
        give_up(i, MS(200));
    cr_assert_eq(f.pool->upstream[0].breaker.failed_in_row, 0);
}

Test(whose_evidence, a_full_engine_that_streams_is_not_refusing)
{
    struct pool_request busy = request_of(1);

    arrive(&f, &busy);
    first(&f, &busy);
    for (uint64_t i = 0; i < 30; i++) {
        struct pool_request r = request_of(2 + i);
        f.events[0]++;
        if (arrive(&f, &r) == POOL_ADMIT)
            end_as(&f, &r, OUTCOME_REFUSED, 503);
        else
            pool_leave(f.pool, &r, f.now_ns);
        pass(&f, MS(1200));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

static void two(void)
{
    fixture_init(&f);
    fixture_start(&f, 2);
}

TestSuite(choice_by_weight, .init = two, .fini = stop);

/* Upstream 0 answers so at once, upstream 1 streams for two seconds. */
static uint32_t part_of_the_broken_one(enum outcome o, uint32_t status)
{
    static struct pool_request r[100];
    uint32_t got = 0;

    f.conf.breaker.enforce = false; /* the choice alone */
    for (uint64_t i = 0; i < 100; i++) {
        r[i] = request_of(1000 + i);
        if (arrive(&f, &r[i]) == POOL_ADMIT && r[i].upstream == 0) {
            end_as(&f, &r[i], o, status);
            got++;
        } else if (r[i].state == REQUEST_SENT) {
            first(&f, &r[i]);
        }
        if (i >= 10 && r[i - 10].state == REQUEST_SENT)
            end_ok(&f, &r[i - 10]);
        pass(&f, MS(200));
    }
    return got;
}

Test(choice_by_weight, errors_at_once_attract_nothing)
{
    cr_assert_leq(part_of_the_broken_one(OUTCOME_FAILED, 502), 50);
}

Test(choice_by_weight, client_errors_beyond_the_peers_attract_nothing)
{
    cr_assert_leq(part_of_the_broken_one(OUTCOME_NEUTRAL, 404), 50);
}

Test(choice_by_weight, client_errors_of_all_upstreams_weigh_nothing)
{
    double weight[POOL_UPSTREAMS_MAX];

    for (int i = 0; i < 40; i++)
        exchange(&f, OUTCOME_NEUTRAL, 400);
    pool_weights(f.pool, KIND_GENERATION, weight);
    cr_assert_float_eq(weight[0], 1, 1e-9);
    cr_assert_float_eq(weight[1], 1, 1e-9);
}
