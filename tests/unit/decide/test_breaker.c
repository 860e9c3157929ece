/* SPDX-License-Identifier: Apache-2.0 */
/* What opens the breaker and what does not; by way of a pool with one upstream. */
#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(breaker, .init = start, .fini = stop);

static struct breaker *breaker(void)
{
    return &f.pool->upstream[0].breaker;
}

static void trip(void)
{
    fail_times(&f, 5);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

static void come_back(void)
{
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(breaker, is_closed_at_first_with_the_whole_share)
{
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    cr_assert_eq(breaker_share(breaker()), 1);
}

Test(breaker, trips_on_five_failures_in_a_row)
{
    fail_times(&f, 4);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    fail_times(&f, 1);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "consecutive_failures");
}

Test(breaker, any_first_content_ends_the_row)
{
    fail_times(&f, 4);
    exchange(&f, OUTCOME_OK, 200);
    fail_times(&f, 4);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, counts_the_500s_of_one_user_once_while_another_is_well)
{
    struct pool_request r;

    exchange(&f, OUTCOME_OK, 200);
    for (int i = 0; i < 8; i++) {
        r = request_of(77);
        arrive(&f, &r);
        end_as(&f, &r, OUTCOME_FAILED, 500);
    }
    cr_assert_eq(breaker()->failed_in_row, 1);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, counts_every_502_of_one_user)
{
    struct pool_request r;

    for (int i = 0; i < 5; i++) {
        r = request_of(77);
        arrive(&f, &r);
        end_as(&f, &r, OUTCOME_FAILED, 502);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(breaker, trips_on_half_of_twenty_within_the_window)
{
    for (int i = 0; i < 9; i++) {
        exchange(&f, OUTCOME_FAILED, 502);
        exchange(&f, OUTCOME_OK, 200);
    }
    exchange(&f, OUTCOME_OK, 200);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    exchange(&f, OUTCOME_FAILED, 502);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "error_rate");
}

Test(breaker, forgets_failures_after_the_window)
{
    for (int i = 0; i < 9; i++) {
        exchange(&f, OUTCOME_FAILED, 502);
        exchange(&f, OUTCOME_OK, 200);
    }
    pass(&f, S(11));
    exchange(&f, OUTCOME_FAILED, 502);
    exchange(&f, OUTCOME_FAILED, 502);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, trips_on_five_streams_cut_in_a_row)
{
    struct pool_request r;

    for (int i = 0; i < 5; i++) {
        cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
        r = request_of(0);
        arrive(&f, &r);
        first(&f, &r);
        end_as(&f, &r, i % 2 ? OUTCOME_FAILED : OUTCOME_STALLED, 200);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "consecutive_cuts");
}

Test(breaker, a_clean_end_ends_the_row_of_cuts)
{
    struct pool_request r;

    for (int i = 0; i < 4; i++) {
        r = request_of(0);
        arrive(&f, &r);
        first(&f, &r);
        end_as(&f, &r, OUTCOME_FAILED, 200);
    }
    exchange(&f, OUTCOME_OK, 200);
    cr_assert_eq(breaker()->cut_in_row, 0);
}

Test(breaker, a_cut_stream_takes_its_ok_back)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    first(&f, &r);
    cr_assert_eq(window_sum(&breaker()->window, OUTCOME_OK), 1);
    end_as(&f, &r, OUTCOME_STALLED, 200);
    cr_assert_eq(window_sum(&breaker()->window, OUTCOME_OK), 0);
    cr_assert_eq(window_sum(&breaker()->window, OUTCOME_STALLED), 1);
}

Test(breaker, trips_when_all_is_refused_for_a_while)
{
    struct pool_request r;

    for (int i = 0; i < 5; i++) {
        pass(&f, MS(1200)); /* the hold of each */
        r = request_of(0);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        end_as(&f, &r, OUTCOME_REFUSED, 503);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "refusing");
}

Test(breaker, does_not_trip_on_refusals_between_answers)
{
    struct pool_request r;

    for (int i = 0; i < 20; i++) {
        r = request_of(0);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        end_as(&f, &r, OUTCOME_REFUSED, 429);
        pass(&f, MS(1200));
        exchange(&f, OUTCOME_OK, 200);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, does_not_trip_on_lateness)
{
    struct pool_request r[4];

    for (int n = 0; n < 20; n++) {
        int sent = 0;
        for (int i = 0; i < 4; i++) {
            r[i] = request_of(0);
            if (arrive(&f, &r[i]) == POOL_ADMIT)
                sent = i + 1;
            else
                pool_leave(f.pool, &r[i], f.now_ns);
        }
        pass(&f, S(8));
        for (int i = 0; i < sent; i++) {
            first(&f, &r[i]);
            end_ok(&f, &r[i]);
        }
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

/* Three open streams. */
static void open_streams(struct pool_request *r)
{
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
        first(&f, &r[i]);
    }
}

Test(breaker, streams_that_pause_without_a_witness_do_not_trip_it)
{
    struct pool_request r[3];

    open_streams(r);
    pass(&f, S(60));
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, trips_when_one_sent_into_the_silence_gets_nothing)
{
    struct pool_request r[3], witness = request_of(0);

    open_streams(r);
    pass(&f, S(1));
    arrive(&f, &witness);
    pass(&f, MS(4900));
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    pass(&f, S(10));
    cr_assert_eq(breaker()->trips, 1);
    cr_assert_eq(breaker()->probe_kinds, 1u << KIND_GENERATION);
}

Test(breaker, one_sent_between_the_last_byte_and_the_tick_that_notices_it_is_a_witness)
{
    struct pool_request r[3], witness = request_of(0);
    uint64_t signs[1] = {1};

    open_streams(r);
    f.now_ns += MS(10);
    arrive(&f, &witness);
    f.now_ns += MS(10);
    pool_signs(f.pool, signs);
    pass(&f, S(15));
    cr_assert_eq(breaker()->trips, 1);
}

Test(breaker, any_byte_ends_the_silence)
{
    struct pool_request r[3], witness = request_of(0);
    uint64_t signs[1] = {0};

    open_streams(r);
    pass(&f, S(1));
    arrive(&f, &witness);
    for (int i = 0; i < 10; i++) { /* pings */
        signs[0]++;
        pool_signs(f.pool, signs);
        pass(&f, S(3));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, two_silent_streams_do_not_trip_it)
{
    struct pool_request r[2];

    for (int i = 0; i < 2; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
        first(&f, &r[i]);
    }
    pass(&f, S(20));
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, one_event_of_any_stream_ends_the_silence)
{
    struct pool_request r[3];

    for (int i = 0; i < 3; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
        first(&f, &r[i]);
    }
    for (int i = 0; i < 5; i++) {
        pass(&f, S(4));
        f.events[0]++;
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(breaker, open_admits_nothing)
{
    struct pool_request r = request_of(0);

    trip();
    breaker()->until_ns = f.now_ns + S(4);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.cause, CAUSE_CIRCUIT_OPEN);
    cr_assert_eq(r.numbers.rule, RULE_BREAKER_OPEN);
}

Test(breaker, waits_longer_after_each_failed_try)
{
    static const double least[] = {0.5, 1, 2, 2, 2}, most[] = {1, 2, 4, 4, 4};

    trip();
    for (int i = 0; i < 5; i++) {
        double waits = num_s(breaker()->until_ns - f.now_ns);
        cr_assert(waits >= least[i] - 1e-6 && waits <= most[i] + 1e-6, "%f at %d", waits, i);
        wait_for_state(&f, 0, BREAKER_HALF_OPEN);
        fail_times(&f, 1);
    }
}

Test(breaker, forgets_earlier_trips_after_a_quiet_minute)
{
    trip();
    come_back();
    wait_for_state(&f, 0, BREAKER_CLOSED);
    pass(&f, S(59));
    cr_assert_eq(breaker()->trips, 1);
    pass(&f, S(2));
    cr_assert_eq(breaker()->trips, 0);
}

Test(health, a_first_token_shows_for_a_while_that_it_is_alive)
{
    struct fixture h;
    struct pool_request r = request_of(1);

    fixture_init(&h);
    fixture_start(&h, 1);
    cr_assert(!pool_is_alive(h.pool, 0, S(3), h.now_ns));
    cr_assert_eq(arrive(&h, &r), POOL_ADMIT);
    cr_assert(!pool_is_alive(h.pool, 0, S(3), h.now_ns));
    first(&h, &r);
    pass(&h, S(2));
    cr_assert(pool_is_alive(h.pool, 0, S(3), h.now_ns));
    pass(&h, S(2));
    cr_assert(!pool_is_alive(h.pool, 0, S(3), h.now_ns));
    h.events[0]++;
    pass(&h, MS(100));
    cr_assert(pool_is_alive(h.pool, 0, S(3), h.now_ns));
    end_ok(&h, &r);
    fixture_stop(&h);
}
