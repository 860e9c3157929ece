/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as evidence, and the books of one admission. */
#include <criterion/criterion.h>
#include <signal.h>

#include "fixture.h"

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

TestSuite(marks, .init = start, .fini = stop);

static struct limiter *limiter(void)
{
    return &f.pool->upstream[0].limiter;
}

/* A first token after so long, of a request alone; teaches what to expect. */
static void taught(uint64_t took_ns)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    f.now_ns += took_ns;
    first(&f, &r);
    end_ok(&f, &r);
    limiter()->on = 0;
    f.pool->upstream[0].learnt[0].predict.learnt = 100; /* and others before it */
}

/* Load was seen to make it late. */
static void limit_is_shown(void)
{
    limiter()->doubt.shown = true;
    limiter()->doubt.quiet_ns = f.now_ns;
}

/* One that runs beside all others, so that none of them is alone. */
static struct pool_request company;
static void in_company(void)
{
    company = request_of(0);
    arrive(&f, &company);
    first(&f, &company);
    limiter()->on = 0;
    limiter()->proven = 0;
}

static uint32_t marks(void)
{
    return limiter()->on + limiter()->late + limiter()->err;
}

Test(marks, a_first_token_in_time_is_on_time)
{
    struct pool_request r = request_of(0);

    taught(S(1));
    arrive(&f, &r);
    f.now_ns += MS(1400); /* a second expected, half a second of queue allowed */
    first(&f, &r);
    cr_assert_eq(limiter()->on, 1);
    cr_assert_eq(marks(), 1);
}

Test(marks, under_a_shown_limit_a_first_token_after_its_deadline_is_late)
{
    struct pool_request r = request_of(0);

    taught(S(1));
    limit_is_shown();
    in_company();
    arrive(&f, &r);
    f.now_ns += MS(1600);
    first(&f, &r);
    cr_assert_eq(limiter()->late, 1);
    cr_assert_eq(marks(), 1);
}

Test(marks, the_tick_notices_under_a_shown_limit_and_marks_once)
{
    struct pool_request r = request_of(0);

    taught(S(1));
    limit_is_shown();
    in_company();
    arrive(&f, &r);
    pass(&f, MS(1600));
    cr_assert_eq(limiter()->late, 1);
    cr_assert_eq(f.pool->upstream[0].pending, 1, "it still waits");
    pass(&f, S(1));
    first(&f, &r);
    cr_assert_eq(marks(), 1);
    end_ok(&f, &r);
    cr_assert_eq(marks(), 1);
}

Test(marks, nothing_is_late_for_ten_seconds_while_nothing_is_known)
{
    struct pool_request r[2];

    limit_is_shown();
    for (int i = 0; i < 2; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    pass(&f, S(9));
    cr_assert_eq(marks(), 0);
    pass(&f, S(2));
    cr_assert(r[1].late);
    cr_assert(!r[0].late, "it had certainly a place");
}

Test(marks, what_was_sent_before_anything_was_known_is_judged_by_the_first_answer)
{
    struct pool_request a = request_of(0), b = request_of(0), c = request_of(0);

    arrive(&f, &a);
    arrive(&f, &b);
    arrive(&f, &c);
    cr_assert_eq(c.late_ns, c.sent_ns + S(10));
    f.now_ns += MS(200);
    first(&f, &a);
    cr_assert_eq(c.late_ns, c.sent_ns + MS(700));
}

Test(marks, a_late_one_alone_is_neither_for_nor_against_an_innocent_upstream)
{
    struct pool_request r[2] = {request_of(0), request_of(0)};

    taught(MS(200));
    in_company();
    arrive(&f, &r[0]);
    arrive(&f, &r[1]);
    pass(&f, S(2));
    cr_assert_eq(marks(), 1, "the first is confirmed by the second, which stays alone");
    cr_assert(r[0].late);
    first(&f, &r[1]);
    cr_assert_eq(marks(), 1);
}

Test(marks, the_numbers_of_a_decision_tell_of_doubt)
{
    struct pool_request r[3] = {request_of(0), request_of(0), request_of(0)};

    taught(MS(200));
    in_company();
    arrive(&f, &r[0]);
    arrive(&f, &r[1]);
    pass(&f, S(2));
    arrive(&f, &r[2]);
    cr_assert(!r[2].numbers.shown);
    cr_assert_float_eq(r[2].numbers.doubt, 1.8, 1e-9);
    cr_assert_eq(r[2].numbers.late, 1);
    cr_assert_eq(r[2].numbers.alone, 1, "the second one is silent and not confirmed");
}

/* What is natural was learnt after it was sent. */
static void spread_is_learnt(double s)
{
    f.pool->upstream[0].learnt[0].predict.spread_s = s;
}

Test(marks, what_was_learnt_since_it_was_sent_puts_a_deadline_off)
{
    struct pool_request r[2] = {request_of(0), request_of(0)};

    taught(MS(200));
    in_company();
    arrive(&f, &r[0]);
    arrive(&f, &r[1]);
    spread_is_learnt(4);
    pass(&f, S(2));
    cr_assert_eq(marks(), 0, "late after 0.2 s and 1.35 times 4 s");
    pass(&f, S(4));
    cr_assert(r[0].late);
}

Test(marks, under_a_shown_limit_a_deadline_stays)
{
    struct pool_request r = request_of(0);

    taught(MS(200));
    in_company();
    limit_is_shown();
    arrive(&f, &r);
    spread_is_learnt(4);
    pass(&f, S(1));
    cr_assert(r.late);
}

/* An old one is silent, a younger one was not, and two that are younger still are silent, too. */
static void silence_beside_a_passed_one(struct pool_request r[4])
{
    taught(MS(200));
    in_company();
    for (int i = 0; i < 4; i++)
        r[i] = request_of(0);
    arrive(&f, &r[0]);
    arrive(&f, &r[1]);
    f.now_ns += MS(200);
    first(&f, &r[1]);
    pass(&f, S(3));
    arrive(&f, &r[2]);
    arrive(&f, &r[3]);
}

Test(marks, the_silence_of_one_that_was_passed_is_natural_before_it_ends)
{
    struct pool_request r[4];

    silence_beside_a_passed_one(r);
    pass(&f, S(2));
    cr_assert_gt(f.pool->upstream[0].learnt[0].predict.spread_s, 2);
    cr_assert_eq(limiter()->late, 0, "another that certainly has a place is silent for longer");
}

Test(marks, those_that_nobody_passed_are_stuck)
{
    struct pool_request r[4];

    silence_beside_a_passed_one(r);
    cr_assert_eq(f.pool->upstream[0].stuck, 0, "the only one that is overdue was passed");
    end_as(&f, &r[0], OUTCOME_NEUTRAL, 404);
    pass(&f, S(5));
    cr_assert(r[2].late, "confirmed by the last one, which is alone");
    cr_assert_eq(f.pool->upstream[0].stuck, 1);
}

Test(marks, silence_shows_nothing_while_little_is_known)
{
    struct pool_request r[4];

    taught(MS(200));
    f.pool->upstream[0].learnt[0].predict.learnt = 1;
    in_company();
    for (int i = 0; i < 4; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    pass(&f, S(3));
    cr_assert_eq(limiter()->late, 0);
    cr_assert(!limiter()->doubt.shown);
}

Test(marks, three_confirmed_late_ones_show_a_limit)
{
    struct pool_request r[4];

    taught(MS(200));
    for (int i = 0; i < 4; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    pass(&f, S(1));
    cr_assert(limiter()->doubt.shown);
}

/* A quick one of this kind overtakes a silent one of kind 0; is that late then? */
static bool late_beside_a_quick_one(uint8_t kind)
{
    struct pool_request slow = request_of(0), quick = request_of(0);

    taught(MS(200));
    quick.kind = kind;
    arrive(&f, &quick);
    f.now_ns += MS(200);
    first(&f, &quick);
    end_ok(&f, &quick);
    limit_is_shown();
    in_company();
    arrive(&f, &slow);
    quick = request_of(0);
    quick.kind = kind;
    arrive(&f, &quick);
    f.now_ns += MS(100);
    first(&f, &quick);
    end_ok(&f, &quick);
    pass(&f, S(1));
    return slow.late;
}

Test(marks, one_that_was_overtaken_by_a_quick_one_did_not_want_for_a_place)
{
    cr_assert(!late_beside_a_quick_one(0));
}

Test(marks, a_quick_one_of_another_kind_excuses_nobody)
{
    cr_assert(late_beside_a_quick_one(3));
}

Test(marks, each_kind_has_times_of_its_own)
{
    struct pool_request r = request_of(0);

    taught(MS(200));
    r.kind = 2;
    arrive(&f, &r);
    f.now_ns += S(4);
    first(&f, &r);
    cr_assert_float_eq(predict_s(&f.pool->upstream[0].learnt[0].predict, 1024, false), 0.2, 1e-9);
    cr_assert_float_eq(predict_s(&f.pool->upstream[0].learnt[2].predict, 1024, false), 4, 1e-9);
}

Test(marks, one_that_was_alone_may_take_four_times_as_long_before_it_is_late)
{
    struct pool_request r = request_of(0);

    taught(MS(500));
    limit_is_shown();
    arrive(&f, &r);
    pass(&f, MS(3900)); /* late after a second, put off by three */
    cr_assert_eq(marks(), 0);
    pass(&f, MS(300));
    cr_assert_eq(limiter()->late, 1);
}

Test(marks, a_failure_before_content_is_an_error)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    end_as(&f, &r, OUTCOME_CONNECT_FAILED, 0);
    cr_assert_eq(limiter()->err, 1);
    cr_assert_eq(marks(), 1);
}

Test(marks, a_failure_after_a_mark_gives_no_second_one)
{
    struct pool_request r = request_of(0);

    limit_is_shown();
    arrive(&f, &r);
    pass(&f, S(41));
    cr_assert_eq(r.marked, true);
    limiter()->late = 1;
    end_as(&f, &r, OUTCOME_FAILED, 504);
    cr_assert_eq(marks(), 1);
}

Test(marks, a_cut_stream_gives_no_second_mark)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    first(&f, &r);
    end_as(&f, &r, OUTCOME_FAILED, 200);
    cr_assert_eq(limiter()->on, 1);
    cr_assert_eq(marks(), 1);
}

Test(marks, refusals_aborts_and_4xx_give_none)
{
    struct pool_request a = request_of(0), b = request_of(0), c = request_of(0);
    struct pool_report gone = {.outcome = OUTCOME_NEUTRAL, .aborted = true};

    arrive(&f, &a);
    arrive(&f, &b);
    arrive(&f, &c);
    end_as(&f, &a, OUTCOME_REFUSED, 429);
    end_as(&f, &b, OUTCOME_NEUTRAL, 422);
    pool_end(f.pool, &c, &gone, f.now_ns);
    cr_assert_eq(marks(), 0);
    cr_assert_eq(window_failures(&f.pool->upstream[0].breaker.window), 0);
    cr_assert_eq(f.pool->upstream[0].inflight, 0);
}

/*
 * Failures of an upstream of which nothing is known yet, that promises a first token within 2 s,
 * when clients of two users leave after so long without one.
 */
static uint64_t failures_when_left_after(uint64_t ns, uint64_t second_user)
{
    struct pool_request a = request_of(1), b = request_of(second_user);
    struct pool_report gone = {.outcome = OUTCOME_NEUTRAL, .aborted = true};

    f.conf.first_token_ns = S(2);
    arrive(&f, &a);
    arrive(&f, &b);
    pass(&f, ns);
    pool_end(f.pool, &a, &gone, f.now_ns);
    pool_end(f.pool, &b, &gone, f.now_ns);
    cr_assert_eq(marks(), 0);
    return window_failures(&f.pool->upstream[0].breaker.window);
}

Test(marks, two_who_leave_a_silent_upstream_after_the_promised_time_show_failures_and_no_load)
{
    cr_assert_eq(failures_when_left_after(MS(2100), 2), 2);
}

Test(marks, who_leaves_a_silent_upstream_within_the_promised_time_shows_nothing)
{
    cr_assert_eq(failures_when_left_after(MS(1900), 2), 0);
}

Test(marks, one_user_who_leaves_a_silent_upstream_shows_nothing)
{
    cr_assert_eq(failures_when_left_after(MS(2100), 1), 0);
}

Test(marks, an_abort_after_content_leaves_the_ok)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    first(&f, &r);
    end_as(&f, &r, OUTCOME_NEUTRAL, 0);
    cr_assert_eq(window_sum(&f.pool->upstream[0].breaker.window, OUTCOME_OK), 1);
    cr_assert_eq(window_sum(&f.pool->upstream[0].breaker.window, OUTCOME_NEUTRAL), 0);
}

Test(marks, a_whole_answer_among_streams_gives_its_place_back_and_no_mark)
{
    struct pool_request r = request_of(0);

    exchange(&f, OUTCOME_OK, 200);
    limiter()->on = 0;
    r.stream = false;
    arrive(&f, &r);
    pass(&f, S(2));
    cr_assert_eq(f.pool->upstream[0].pending, 0);
    cr_assert_eq(f.pool->upstream[0].inflight, 1);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert_eq(marks(), 0);
    cr_assert_eq(f.pool->upstream[0].inflight, 0);
}

Test(marks, where_nothing_streams_a_whole_answer_is_judged)
{
    struct pool_request r = request_of(0);

    r.stream = false;
    arrive(&f, &r);
    f.now_ns += MS(200);
    first(&f, &r);
    cr_assert_eq(limiter()->on, 1);
    cr_assert_float_eq(f.pool->upstream[0].learnt[0].predict.unary_s, 0.4, 1e-9);
    end_ok(&f, &r);
}

Test(marks, a_minute_without_streams_turns_to_whole_answers)
{
    exchange(&f, OUTCOME_OK, 200);
    cr_assert(!upstream_is_unary(f.pool, &f.pool->upstream[0], f.now_ns));
    pass(&f, S(61));
    cr_assert(upstream_is_unary(f.pool, &f.pool->upstream[0], f.now_ns));
}

Test(marks, profile_api_always_judges_whole_answers)
{
    f.conf.api = true;
    exchange(&f, OUTCOME_OK, 200);
    cr_assert(upstream_is_unary(f.pool, &f.pool->upstream[0], f.now_ns));
}

Test(marks, an_answer_that_turns_out_to_stream_is_taken_as_a_stream)
{
    struct pool_request r = request_of(0);

    r.stream = false;
    arrive(&f, &r);
    pool_set_stream(f.pool, &r, true);
    first(&f, &r);
    cr_assert_eq(f.pool->upstream[0].streams, 1);
    cr_assert(!upstream_is_unary(f.pool, &f.pool->upstream[0], f.now_ns));
    end_ok(&f, &r);
    cr_assert_eq(f.pool->upstream[0].streams, 0);
}

Test(marks, prediction_learns_from_first_tokens)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    f.now_ns += MS(250);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert_float_eq(predict_s(&f.pool->upstream[0].learnt[0].predict, 1024, false), 0.25, 1e-9);
    r = request_of(0);
    arrive(&f, &r);
    cr_assert_eq(r.late_ns, f.now_ns + MS(750));
}

Test(marks, an_end_without_first_content_that_is_ok_counts_as_first)
{
    struct pool_request r = request_of(0);

    r.stream = false;
    arrive(&f, &r);
    end_ok(&f, &r);
    cr_assert_eq(limiter()->on, 1);
    cr_assert_eq(window_sum(&f.pool->upstream[0].breaker.window, OUTCOME_OK), 1);
}

Test(marks, a_second_release_is_a_bug, .signal = SIGABRT)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    end_ok(&f, &r);
    end_ok(&f, &r);
}

Test(marks, missed_ticks_are_made_up_once)
{
    struct pool_request r = request_of(0);

    taught(MS(200));
    limit_is_shown();
    in_company();
    arrive(&f, &r);
    f.now_ns += S(20);
    pool_tick(f.pool, f.events, f.now_ns);
    cr_assert_eq(limiter()->pending, 2, "one window, one decision: 4 * (1 - 1/2)");
}
