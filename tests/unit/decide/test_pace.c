/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/pace.h"

static struct pace p;
static uint64_t now, events;

static void start(void)
{
    now = S(50);
    events = 0;
    pace_init(&p, now);
}

TestSuite(pace, .init = start);

/* `streams` streams that get an event every `every` ms, for `s` seconds. */
static void run(uint32_t streams, double every_ms, double s, uint64_t target_ns)
{
    double made = 0;

    for (int i = 0; i < (int)(s * 10); i++) {
        now += MS(100);
        made += streams * 100 / every_ms;
        pace_tick(&p, &(struct pace_input){.events = events + (uint64_t)made,
                                           .streams = streams,
                                           .inflight = streams,
                                           .target_ns = target_ns,
                                           .now_ns = now,
                                           .elapsed_ns = MS(100)});
    }
    events += (uint64_t)made;
}

Test(pace, is_unknown_with_hardly_any_events)
{
    run(1, 1000, 5, 0);
    cr_assert_eq(p.now_s, 0);
}

Test(pace, is_seconds_of_stream_per_event)
{
    run(10, 50, 10, 0);
    cr_assert_float_eq(p.now_s, 0.050, 0.001);
}

Test(pace, follows_within_a_few_seconds)
{
    run(10, 50, 20, 0);
    run(10, 100, 6, 0);
    cr_assert(p.now_s > 0.07 && p.now_s <= 0.1, "%f", p.now_s);
}

Test(pace, target_is_a_little_inside_of_the_promise)
{
    run(1, 50, 1, MS(100));
    cr_assert_float_eq(p.target_s, 0.092, 1e-9);
}

Test(pace, target_is_100_ms_before_a_calm_time_was_seen)
{
    run(1, 1000, 1, 0);
    cr_assert_float_eq(p.target_s, 0.1, 1e-9);
}

Test(pace, target_is_twice_the_calm_pace)
{
    run(20, 40, 5, 0); /* a peak to compare with */
    run(4, 40, 20, 0);
    cr_assert_float_eq(p.calm_s, 0.04, 0.002);
    cr_assert_float_eq(p.target_s, 0.08, 0.004);
}

Test(pace, target_is_never_stricter_than_18_events_a_second)
{
    run(2, 10, 10, 0);
    cr_assert_float_eq(p.target_s, 0.055, 1e-9);
}

Test(pace, learns_calm_only_from_few_streams)
{
    run(2, 20, 10, 0);
    run(40, 200, 10, 0);
    cr_assert_float_eq(p.calm_s, 0.02, 0.001);
}

Test(pace, without_a_calm_time_the_fastest_pace_tells_the_target)
{
    run(40, 100, 10, 0);
    cr_assert_float_eq(p.target_s, 0.125, 0.01);
    run(40, 200, 10, 0);
    cr_assert_float_eq(p.target_s, 0.125, 0.01, "a slower one does not move it");
}

Test(pace, counts_streams_that_came_and_went_between_ticks)
{
    run(10, 50, 10, 0);
    pace_note(&p, 10, now + MS(50)); /* ten until here, then five */
    now += MS(100);
    pace_tick(
        &p,
        &(struct pace_input){
            .events = events, .streams = 5, .inflight = 5, .now_ns = now, .elapsed_ns = MS(100)});
    cr_assert_float_eq(p.active, 0.967 * 30 * 0.96 + 0.75, 1.0);
    cr_assert_eq(p.pending_active, 0);
}

Test(pace, remembers_the_most_in_flight)
{
    run(30, 50, 1, 0);
    run(3, 50, 10, 0);
    cr_assert(p.peak > 29 && p.peak <= 30, "%f", p.peak);
}

Test(pace, a_late_tick_decays_by_the_time_that_passed)
{
    run(10, 50, 10, 0);
    now += S(30);
    pace_tick(&p, &(struct pace_input){
                      .events = events, .streams = 0, .now_ns = now, .elapsed_ns = S(30)});
    cr_assert(p.events < 0.1);
    cr_assert_eq(p.now_s, 0);
}

/* One stream at 20 ms an event that pauses for `pause_ms` after each `after` events. */
static void run_with_pauses(unsigned after, uint64_t pause_ms, double s)
{
    static uint64_t gaps_ns;
    bool paused = false;
    uint64_t end = now + (uint64_t)(s * 1e9), next_event = now, tick = now;

    while (now < end) {
        bool pauses = events % after == after - 1;
        next_event += pauses ? MS(pause_ms) : MS(20);
        for (; tick + MS(100) <= next_event; tick += MS(100))
            pace_tick(&p, &(struct pace_input){.events = events,
                                               .gaps_ns = gaps_ns,
                                               .streams = 1,
                                               .inflight = 1,
                                               .now_ns = tick + MS(100),
                                               .elapsed_ns = MS(100)});
        gaps_ns += pace_gap_ns(next_event - now, gaps_ns, events, &paused);
        events++;
        now = next_event;
    }
}

Test(pace, pauses_inside_answers_are_no_slowness)
{
    run_with_pauses(20, 8000, 200);
    cr_assert_lt(p.low_s, 0.04);
    cr_assert_lt(p.now_s, 0.05, "%g", p.now_s);
}

static uint64_t counts_of(uint64_t gap_ns, uint64_t gaps_ns, uint64_t so_many, bool paused)
{
    return pace_gap_ns(gap_ns, gaps_ns, so_many, &paused);
}

Test(pace, of_a_gap_all_counts_up_to_four_usual_ones)
{
    cr_assert_eq(counts_of(MS(150), 0, 0, false), MS(150));
    cr_assert_eq(counts_of(MS(900), 0, 0, false), MS(200));
    cr_assert_eq(counts_of(MS(900), MS(3000), 10, false), MS(900), "an engine of 0.3 s an event");
    cr_assert_eq(counts_of(S(9), MS(3000), 10, true), MS(1200), "slow, and not only once");
}

Test(pace, a_single_long_gap_counts_as_a_usual_one)
{
    bool paused = false;

    cr_assert_eq(pace_gap_ns(S(9), MS(300), 10, &paused), MS(30));
    cr_assert_eq(pace_gap_ns(S(9), MS(300), 10, &paused), MS(200));
    cr_assert_eq(pace_gap_ns(MS(20), MS(300), 10, &paused), MS(20));
    cr_assert_eq(pace_gap_ns(S(9), MS(300), 10, &paused), MS(30));
}

Test(pace, streams_that_pause_together_are_not_slow_when_they_go_on)
{
    bool paused[8] = {false};
    uint64_t gaps_ns = 0;

    for (int i = 0; i < 300; i++) {
        uint64_t gap = i == 100 ? S(9) : MS(50);
        for (int k = 0; k < 8; k++, events++)
            gaps_ns += pace_gap_ns(gap, gaps_ns, events + 1, &paused[k]);
        for (uint64_t end = now + gap; now < end; now += MS(50))
            pace_tick(&p, &(struct pace_input){.events = now + MS(50) < end ? events - 8 : events,
                                               .gaps_ns = gaps_ns,
                                               .streams = 8,
                                               .inflight = 8,
                                               .now_ns = now + MS(50),
                                               .elapsed_ns = MS(50)});
        cr_assert(i < 20 || p.now_s <= p.target_s, "%g of %g at %d", p.now_s, p.target_s, i);
    }
}

Test(pace, an_engine_that_becomes_slow_is_seen_with_gaps_too)
{
    uint64_t gaps_ns = 0;
    bool paused = false;

    for (int i = 0; i < 600; i++) {
        uint64_t gap = i < 300 ? MS(20) : MS(120);
        gaps_ns += 10 * pace_gap_ns(gap, gaps_ns, events + 1, &paused);
        events += 10;
        now += gap;
        pace_tick(&p, &(struct pace_input){.events = events,
                                           .gaps_ns = gaps_ns,
                                           .streams = 10,
                                           .inflight = 10,
                                           .now_ns = now,
                                           .elapsed_ns = gap});
    }
    cr_assert_float_eq(p.now_s, 0.120, 0.001);
}
