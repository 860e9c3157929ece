/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to and fro, and that a second attempt knows nothing of the first. */
#include <criterion/criterion.h>

#include "rig.h"
#include "script.h"

static void make(int n_upstreams)
{
    rig_make(&(struct rig_settings){.upstreams = n_upstreams});
}

static uint64_t stream_events(int slot)
{
    return counter_get(&rig.w->upstreams[slot].stream_events);
}

Test(attempt, sends_the_body_it_waited_for_with_the_head_of_the_client)
{
    make(1);
    script_play("ask-half");
    cr_assert_eq(rig.n_upstreams, 0, "nothing is asked before the body says what it is");
    script_play("rest");
    cr_assert_eq(rig.n_upstreams, 1);
    cr_assert_str_eq(rig_upstream()->host, "chat.test");
    cr_assert_str_eq(rig_upstream()->body, "{\"stream\":true}");
    cr_assert(rig_upstream()->complete);
    script_play("gone");
    cr_assert(rig_upstream()->cancelled);
    rig_free();
}

Test(attempt, a_client_that_waits_to_be_asked_for_its_body_is_asked)
{
    make(1);
    script_play("ask-continue");
    cr_assert_eq(rig_client()->interim, 100);
    script_play("whole stream content done clean");
    cr_assert_str_eq(rig_client()->data, CONTENT "data: [DONE]\n\n");
    cr_assert(rig_upstream()->released);
    rig_free();
}

Test(attempt, an_upstream_waits_for_a_client_that_does_not_read)
{
    make(1);
    script_play("ask stream reads-nothing content");
    cr_assert(rig_upstream()->paused);
    script_play("40s reads");
    cr_assert_not(rig_upstream()->paused);
    script_play("40s content done clean"); /* the silence was the client's */
    cr_assert_eq(rig_record()->outcome, OUTCOME_OK);
    rig_free();
}

Test(attempt, a_silent_stream_gets_heartbeats_at_boundaries_only)
{
    make(1);
    script_play("ask stream content 16s");
    cr_assert_str_eq(rig_client()->data, CONTENT ": weir\n\n");
    script_play("half-event 16s");
    cr_assert_str_eq(rig_client()->data, CONTENT ": weir\n\ndata: {\"cho");
    script_play("gone");
    rig_free();
}

Test(attempt, a_second_one_is_sent_all_of_the_request_again)
{
    make(2);
    script_play("ask 503");
    cr_assert_eq(rig.n_upstreams, 2);
    cr_assert_neq(rig.upstreams[0].slot, rig.upstreams[1].slot);
    cr_assert_str_eq(rig_upstream()->body, "{\"stream\":true}");
    cr_assert(rig_upstream()->complete);
    cr_assert(rig.upstreams[0].cancelled);
    script_play("gone");
    rig_free();
}

/* What the head of the first one said: id, status, a refusal; how long its connection took. */
Test(attempt, a_second_one_has_no_mark_of_the_first)
{
    make(2);
    script_play("slow: ask connected quick: 429 gone");
    cr_assert_eq(rig_record()->retries, 1);
    cr_assert_eq(rig_record()->status, 0);
    cr_assert_str_empty(rig_record()->upstream_id);
    cr_assert_eq(rig_record()->connect_ns, -1, "its connection was there");
    cr_assert_eq(rig_record()->outcome, OUTCOME_NEUTRAL);
    cr_assert_eq(rig_outcomes(OUTCOME_REFUSED), 1);
    rig_free();
}

Test(attempt, a_second_one_has_its_own_time_for_a_connection)
{
    make(2);
    script_play("slow: ask connected 60s 503 3s ?0 connected stream content done clean");
    cr_assert_eq(rig_client()->status, 200);
    cr_assert_eq(rig_outcomes(OUTCOME_CONNECT_FAILED), 0);
    rig_free();
}

Test(attempt, a_second_one_has_its_own_time_for_a_first_token)
{
    make(2);
    script_play("ask 100s 503 100s ?0 21s ?504");
    rig_free();
}

Test(attempt, events_of_the_first_one_are_not_counted_again)
{
    make(2);
    script_play("ask stream role error-503 stream comment role content done clean");
    cr_assert_eq(stream_events(rig.upstreams[0].slot), 2);
    cr_assert_eq(stream_events(rig.upstreams[1].slot), 3);
    cr_assert_eq(rig_record()->events, 3);
    rig_free();
}

/* A stream where none was asked for gets the time of a stream; the next attempt is as asked. */
Test(attempt, a_second_one_expects_what_was_asked_for)
{
    make(2);
    script_play("ask-unary stream error-503 500s ?0 200 {} clean");
    cr_assert_eq(rig_client()->status, 200);
    cr_assert_eq(rig_record()->outcome, OUTCOME_OK);
    rig_free();
}

Test(attempt, after_a_stale_connection_no_clock_of_it_runs_on)
{
    make(1);
    script_play("reused: untouched: ask 100s slow: reset 3s connected 119s ?0");
    cr_assert(rig_upstream()->fresh);
    script_play("stream content done clean");
    cr_assert_eq(rig_record()->outcome, OUTCOME_OK);
    cr_assert_eq(rig_record()->retries, 0, "it is the same upstream");
    cr_assert_eq(rig_outcomes(OUTCOME_FAILED), 0);
    rig_free();
}

Test(attempt, why_weir_ends_is_not_forgotten_by_a_second_one)
{
    make(2);
    script_play("ask quits 503 gone");
    cr_assert_eq(rig_record()->cause, CAUSE_DRAINING);
    rig_free();
}
