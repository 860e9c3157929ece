/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/limiter.h"

static struct limiter l;
static struct limiter_input in;

static void start(void)
{
    in = (struct limiter_input){.pace_s = 0, .target_s = 0.1, .now_ns = S(100)};
    limiter_init(&l, 4096, in.now_ns);
    l.doubt.quiet_ns = in.now_ns;
    l.doubt.shown = true; /* but where a test says otherwise, it has a limit */
}

TestSuite(limiter, .init = start);

/* Marks of one window, given before a tick that closes it. */
static void window(uint32_t on, uint32_t late, uint32_t err)
{
    l.on += on;
    l.late += late;
    l.err += err;
    in.now_ns += S(1);
    limiter_tick(&l, &in);
}

/* A request was refused by this limit in the window that follows. */
static void pending_binds(void)
{
    cr_assert_eq(limiter_ask(&l, 0, (uint32_t)l.pending), RULE_PENDING_LIMIT);
}

static void streams_bind(void)
{
    cr_assert_eq(limiter_ask(&l, (uint32_t)limiter_streams(&l), 0), RULE_STREAM_LIMIT);
}

/* As if the slots had been found to be `n`. */
static void slots_found(uint32_t n)
{
    l.pending = 1;
    in.inflight = n + 1;
    in.pending = 1;
    in.now_ns += S(2);
    limiter_tick(&l, &in); /* note how many stream */
    window(4, 4, 0);
}

Test(limiter, begins_with_four_pending_and_all_streams)
{
    cr_assert_eq(l.pending, 4);
    cr_assert_eq(l.streams, 4096);
    cr_assert(l.start);
}

Test(limiter, admits_below_both_limits)
{
    cr_assert_eq(limiter_ask(&l, 3, 3), RULE_ROOM);
    cr_assert_eq(limiter_ask(&l, 4, 4), RULE_PENDING_LIMIT);
    l.streams = 4.9;
    cr_assert_eq(limiter_ask(&l, 4, 0), RULE_STREAM_LIMIT);
    cr_assert_eq(limiter_ask(&l, 3, 0), RULE_ROOM);
}

Test(limiter, decides_nothing_on_few_marks_in_a_short_time)
{
    pending_binds();
    window(7, 0, 0);
    cr_assert_eq(l.pending, 4);
    cr_assert_eq(l.on, 7);
}

Test(limiter, decides_on_one_mark_after_five_seconds)
{
    pending_binds();
    window(1, 0, 0);
    in.now_ns += S(4);
    limiter_tick(&l, &in);
    cr_assert_eq(l.pending, 5);
    cr_assert_eq(l.on, 0);
}

Test(limiter, a_limit_that_does_not_bind_does_not_grow)
{
    window(10, 0, 0);
    cr_assert_eq(l.pending, 4);
    cr_assert_eq(l.streams, 4096);
}

Test(limiter, slow_start_grows_by_each_answer_that_is_on_time)
{
    pending_binds();
    for (int i = 0; i < 10; i++)
        limiter_on_time(&l, false);
    cr_assert_eq(l.pending, 14);
}

Test(limiter, slow_start_stops_where_something_is_late_or_nothing_binds)
{
    limiter_on_time(&l, false);
    cr_assert_eq(l.pending, 4);
    pending_binds();
    limiter_late(&l, false);
    limiter_on_time(&l, false);
    cr_assert_eq(l.pending, 4);
}

Test(limiter, slow_start_goes_no_further_than_what_was_known_lately)
{
    l.known = 6;
    pending_binds();
    for (int i = 0; i < 10; i++)
        limiter_on_time(&l, false);
    cr_assert_eq(l.pending, 6);
    l.known = 2;
    limiter_restart(&l, in.now_ns);
    cr_assert_eq(l.pending, 2, "after an outage neither");
}

Test(limiter, remembers_the_most_that_was_pending_for_two_minutes)
{
    l.start = false;
    l.pending = 20;
    limiter_tick(&l, &in);
    cr_assert_eq(limiter_known(&l), 20);
    l.pending = 3;
    in.elapsed_ns = S(120);
    in.now_ns += S(120);
    limiter_tick(&l, &in);
    cr_assert(limiter_known(&l) > 7 && limiter_known(&l) < 8);
}

Test(limiter, learns_nothing_of_what_is_known_under_the_ramp)
{
    l.start = false;
    l.known = 20;
    l.pending = 3;
    in.ramping = true;
    in.elapsed_ns = S(120);
    limiter_tick(&l, &in);
    cr_assert_eq(limiter_known(&l), 20);
}

Test(limiter, a_new_window_begins_when_the_ramp_ends)
{
    l.start = false;
    in.ramping = true;
    limiter_tick(&l, &in);
    l.bind_pending = true;
    l.on = 20;
    in.ramping = false;
    in.now_ns += S(1);
    limiter_tick(&l, &in);
    cr_assert_eq(l.pending, 4, "what was on time under a share says nothing of more");
    cr_assert_eq(l.on, 0);
}

Test(limiter, feels_forward_by_one_a_second_while_nobody_has_answered_a_cold_start)
{
    pending_binds();
    window(0, 0, 0);
    cr_assert_eq(l.pending, 5);
    in.stuck = true;
    pending_binds();
    window(0, 0, 0);
    cr_assert_eq(l.pending, 5, "most of what is pending may want for a place");
    in.stuck = false;
    l.cold = false;
    pending_binds();
    window(0, 0, 0);
    cr_assert_eq(l.pending, 5);
}

Test(limiter, feels_forward_beside_answers_only_while_places_are_free)
{
    pending_binds();
    window(1, 0, 0);
    cr_assert_eq(l.pending, 4, "one answer is judged with those that follow");
    in.places_free = true;
    pending_binds();
    window(1, 0, 0);
    cr_assert_eq(l.pending, 5);
    cr_assert_eq(l.on, 0, "a new window has begun");
    pending_binds();
    window(1, 1, 0);
    cr_assert_eq(l.pending, 5, "one was late");
}

Test(limiter, is_full_when_as_many_stream_as_did_at_once_lately)
{
    l.proven = 3.4;
    cr_assert(limiter_is_full(&l, 3));
    cr_assert(!limiter_is_full(&l, 2));
}

Test(limiter, is_cold_until_something_limits_it)
{
    cr_assert(l.cold);
    window(8, 0, 0);
    cr_assert(l.cold);
    l.pending = 10;
    window(4, 4, 0);
    cr_assert(!l.cold);
    limiter_init(&l, 10, in.now_ns);
    streams_bind();
    window(8, 0, 0);
    cr_assert(!l.cold);
}

Test(limiter, lateness_cuts_nothing_before_a_limit_was_shown)
{
    l.doubt.shown = false;
    l.pending = 10;
    window(0, 8, 0);
    cr_assert_eq(l.pending, 10);
    window(0, 8, 1);
    cr_assert_lt(l.pending, 10, "errors are evidence by themselves");
}

Test(limiter, had_a_place_where_as_many_streamed_lately)
{
    in.streams = 10;
    limiter_tick(&l, &in);
    cr_assert(limiter_had_place(&l, 9));
    cr_assert(!limiter_had_place(&l, 10));
    in.streams = 0;
    in.elapsed_ns = S(20);
    limiter_tick(&l, &in);
    cr_assert(!limiter_had_place(&l, 9));
    cr_assert(limiter_had_place(&l, 0), "nothing else runs");
}

Test(limiter, a_bad_window_takes_back_places_that_were_certain)
{
    in.streams = 10;
    limiter_tick(&l, &in);
    in.streams = 3;
    in.inflight = 3;
    in.now_ns += S(3);
    limiter_tick(&l, &in);
    in.now_ns += S(3);
    window(0, 8, 0);
    cr_assert(!limiter_had_place(&l, 5));
}

Test(limiter, pending_grows_by_one_or_two_percent_later)
{
    l.start = false;
    pending_binds();
    window(10, 0, 0);
    cr_assert_eq(l.pending, 5);
    l.pending = 100;
    pending_binds();
    window(10, 0, 0);
    cr_assert_float_eq(l.pending, 102, 1e-9);
}

Test(limiter, pending_never_grows_above_max_streams)
{
    limiter_set_most(&l, 1024);
    l.pending = 1023.5;
    l.start = false;
    pending_binds();
    window(10, 0, 0);
    cr_assert_eq(l.pending, 1024);
}

Test(limiter, pending_is_cut_by_half_of_the_share_that_was_late)
{
    l.pending = 10;
    window(6, 4, 0);
    cr_assert_float_eq(l.pending, 10 * (1 - 0.2), 1e-9);
    cr_assert(!l.start);
}

Test(limiter, one_late_in_five_is_not_too_many)
{
    l.pending = 10;
    window(8, 2, 0);
    cr_assert_eq(l.pending, 10);
}

Test(limiter, errors_cut_pending_like_lateness)
{
    l.pending = 10;
    window(5, 0, 5);
    cr_assert_float_eq(l.pending, 7.5, 1e-9);
}

Test(limiter, lateness_at_the_floor_of_pending_measures_the_slots)
{
    slots_found(4);
    cr_assert_eq(l.streams, 4);
    cr_assert_eq(l.ceiling, 5);
    cr_assert_eq(l.pending, 1);
    cr_assert_eq(l.wait_marks, 2);
}

Test(limiter, the_level_is_the_most_streams_of_the_last_two_seconds)
{
    l.pending = 1;
    in.inflight = 6;
    limiter_tick(&l, &in);
    in.inflight = 3; /* three ended at once just before the window closed */
    window(4, 4, 0);
    cr_assert_eq(l.streams, 6);
}

Test(limiter, errors_at_the_floor_say_nothing_about_slots)
{
    l.pending = 1;
    in.inflight = 3;
    window(4, 0, 4);
    cr_assert_eq(l.streams, 4096);
    cr_assert_eq(l.ceiling, LIMITER_NO_CEILING);
}

Test(limiter, in_unary_mode_lateness_never_sets_the_slots)
{
    l.pending = 1;
    in.unary = true;
    in.inflight = 3;
    window(4, 4, 0);
    cr_assert_eq(l.streams, 4096);
    cr_assert_eq(l.pending, 1);
}

Test(limiter, the_level_that_failed_is_not_tried_before_its_hold)
{
    slots_found(4);
    l.probe_marks = l.marks + 100;
    streams_bind();
    window(8, 0, 0);
    cr_assert_eq(l.streams, 4);
    cr_assert(!l.probing);
}

Test(limiter, the_level_that_failed_is_probed_after_its_hold_of_marks)
{
    slots_found(4);
    streams_bind();
    window(8, 0, 0);
    cr_assert(l.probing);
    cr_assert_eq(l.streams, 5);
}

Test(limiter, the_level_that_failed_is_probed_after_a_minute)
{
    slots_found(4);
    l.probe_marks = UINT64_MAX;
    in.now_ns += S(60);
    streams_bind();
    window(8, 0, 0);
    cr_assert(l.probing);
}

Test(limiter, a_late_probe_is_judged_at_once_and_doubles_the_hold)
{
    slots_found(4);
    streams_bind();
    window(8, 0, 0);
    cr_assert(l.probing);
    in.inflight = 5;
    in.pending = 1;
    l.late = 1;
    in.now_ns += MS(100);
    limiter_tick(&l, &in);
    cr_assert(!l.probing);
    cr_assert_eq(l.streams, 4);
    cr_assert_eq(l.wait_marks, 4);
}

Test(limiter, the_hold_ends_at_32_marks)
{
    slots_found(4);
    for (int i = 0; i < 10; i++) {
        in.inflight = 5;
        in.pending = 1;
        window(4, 4, 0);
    }
    cr_assert_eq(l.wait_marks, 32);
}

Test(limiter, a_probe_that_streams_forgets_the_level)
{
    slots_found(4);
    streams_bind();
    window(8, 0, 0);
    cr_assert(l.probing);
    in.inflight = 5;
    in.pending = 0;
    in.now_ns += MS(100);
    limiter_tick(&l, &in);
    cr_assert(!l.probing);
    cr_assert_eq(l.ceiling, LIMITER_NO_CEILING);
    cr_assert_eq(l.wait_marks, 2);
    cr_assert_eq(l.streams, 5);
}

Test(limiter, streams_grow_by_one_two_four_eight)
{
    static const double expected[] = {11, 13, 17, 25, 33};

    l.streams = 10;
    in.inflight = 4;
    for (int i = 0; i < 5; i++) {
        streams_bind();
        window(10, 0, 0);
        cr_assert_eq(l.streams, expected[i]);
    }
}

Test(limiter, a_bad_window_ends_the_larger_steps)
{
    l.gain = 8;
    window(4, 4, 0);
    cr_assert_eq(l.gain, 1);
}

Test(limiter, streams_do_not_grow_while_the_pace_is_at_its_target)
{
    l.streams = 10;
    in.inflight = 4;
    in.pace_s = 0.1;
    streams_bind();
    window(10, 0, 0);
    cr_assert_eq(l.streams, 10);
}

Test(limiter, streams_stop_below_a_ceiling_that_is_not_due)
{
    slots_found(20);
    l.probe_marks = UINT64_MAX;
    l.streams = 17;
    l.gain = 8;
    streams_bind();
    window(8, 0, 0);
    cr_assert_eq(l.streams, 20);
}

Test(limiter, streams_never_exceed_max_streams)
{
    limiter_set_most(&l, 12);
    cr_assert_eq(l.streams, 12);
    streams_bind();
    window(10, 0, 0);
    cr_assert_eq(l.streams, 12);
}

Test(limiter, a_slow_pace_cuts_streams_in_proportion)
{
    l.streams = 100;
    in.inflight = 100;
    in.pace_s = 0.11;
    in.now_ns += S(2);
    limiter_tick(&l, &in);
    cr_assert_float_eq(l.streams, 100 / 1.1, 1e-6);
}

Test(limiter, a_slow_pace_cuts_at_most_a_fifth_and_once_a_second)
{
    l.streams = 100;
    in.inflight = 100;
    in.pace_s = 1;
    in.now_ns += S(2);
    limiter_tick(&l, &in);
    cr_assert_float_eq(l.streams, 80, 1e-9);
    in.now_ns += MS(900);
    in.inflight = 80;
    limiter_tick(&l, &in);
    cr_assert_float_eq(l.streams, 80, 1e-9);
    in.now_ns += MS(100);
    limiter_tick(&l, &in);
    cr_assert_float_eq(l.streams, 64, 1e-9);
}

Test(limiter, a_slow_pace_below_the_limit_waits_for_streams_to_end)
{
    l.streams = 50;
    in.inflight = 90; /* the limit was lowered under running streams */
    in.pace_s = 1;
    in.now_ns += S(2);
    limiter_tick(&l, &in);
    cr_assert_eq(l.streams, 50);
}

Test(limiter, a_slow_pace_cuts_no_limit_while_the_ramp_holds_the_load)
{
    in.inflight = 5;
    in.pace_s = 1;
    in.ramping = true;
    in.now_ns += S(2);
    limiter_tick(&l, &in);
    cr_assert_eq(l.streams, 4096);
    in.ramping = false;
    limiter_tick(&l, &in);
    cr_assert_eq(l.streams, 4, "five streams are too many if nothing else holds them");
}

Test(limiter, a_slow_pace_cuts_a_limit_that_binds_under_the_ramp)
{
    l.streams = 10;
    in.inflight = 10;
    in.pace_s = 1;
    in.ramping = true;
    in.now_ns += S(2);
    limiter_tick(&l, &in);
    cr_assert_eq(l.streams, 8);
}

Test(limiter, slow_start_waits_while_a_share_holds_the_load)
{
    pending_binds();
    limiter_on_time(&l, true);
    cr_assert_eq(l.pending, 4);
    limiter_on_time(&l, false);
    cr_assert_eq(l.pending, 5);
}

Test(limiter, a_refusal_halves_pending_and_ends_slow_start)
{
    l.pending = 10;
    limiter_refused(&l);
    cr_assert_eq(l.pending, 5);
    cr_assert(!l.start);
    for (int i = 0; i < 9; i++)
        limiter_refused(&l);
    cr_assert_eq(l.pending, 1);
}

Test(limiter, limits_never_fall_below_one)
{
    for (int i = 0; i < 50; i++) {
        in.inflight = 1;
        in.pending = 1;
        in.pace_s = 5;
        window(0, 8, 0);
    }
    cr_assert_eq(l.pending, 1);
    cr_assert_eq(l.streams, 1);
}

Test(limiter, a_restart_forgets_limits_and_level)
{
    slots_found(4);
    limiter_restart(&l, in.now_ns);
    cr_assert_eq(l.pending, 4);
    cr_assert_eq(l.streams, 4096);
    cr_assert_eq(l.ceiling, LIMITER_NO_CEILING);
    cr_assert_eq(l.wait_marks, 2);
    cr_assert(l.start);
}

Test(limiter, a_new_max_streams_keeps_what_was_learnt)
{
    slots_found(4);
    limiter_set_most(&l, 100);
    cr_assert_eq(l.streams, 4);
    limiter_set_most(&l, 2);
    cr_assert_eq(l.streams, 2);
    limiter_restart(&l, in.now_ns);
    limiter_set_most(&l, 64);
    cr_assert_eq(l.streams, 64, "what never bound rises with it");
}

Test(limiter, an_operators_number_holds_instead_of_the_learnt_one)
{
    slots_found(4);
    l.override = 9;
    cr_assert_eq(limiter_ask(&l, 8, 0), RULE_ROOM);
    cr_assert_eq(limiter_ask(&l, 9, 0), RULE_STREAM_LIMIT);
    l.override = 0;
    cr_assert_eq(limiter_ask(&l, 4, 0), RULE_STREAM_LIMIT);
}
