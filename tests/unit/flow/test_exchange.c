/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange does with each end of an answer, at each point of its life. */
#include <criterion/criterion.h>

#include "rig.h"

#define BODY "{\"stream\":true}"
#define STREAM                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CONTENT "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
#define DONE    "data: [DONE]\n\n"

static struct rig r;

static void expect(int status, enum client_end how, enum outcome o)
{
    cr_assert_eq(r.c.status, status, "status %d", r.c.status);
    cr_assert(r.c.ended);
    cr_assert_eq(r.c.how, how, "ended as %d", (int)r.c.how);
    cr_assert_eq(rig_outcomes(&r, o), 1);
    cr_assert_null(fake.uplink.owner, "the connection was given back");
    rig_free(&r);
}

static void to_relay(void)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    rig_answer(&r, STREAM);
    rig_data(CONTENT);
    cr_assert_eq(r.c.status, 200);
}

Test(exchange, sends_the_body_it_waited_for_with_the_head_of_the_client)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, 3);
    cr_assert_eq(fake.taken, 0, "nothing is asked before the body says what it is");
    exchange_body(r.x, slice_from(SLICE_LIT(BODY), 3));
    exchange_body_end(r.x);
    cr_assert_eq(fake.taken, 1);
    cr_assert_str_eq(fake.host, "chat.test");
    cr_assert(slice_eq(slice_of(fake.body, fake.len), SLICE_LIT(BODY)));
    cr_assert(fake.complete);
    exchange_client_gone(r.x);
    rig_free(&r);
}

Test(exchange, a_client_gone_in_its_body_reaches_no_upstream)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, 3);
    exchange_client_gone(r.x);
    cr_assert_eq(fake.taken, 0);
    rig_free(&r);
}

Test(exchange, a_client_gone_before_the_head_cancels_and_is_nobodys_fault)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    exchange_client_gone(r.x);
    cr_assert(fake.cancelled);
    cr_assert_not(r.c.ended);
    cr_assert_eq(rig_outcomes(&r, OUTCOME_NEUTRAL), 1);
    rig_free(&r);
}

Test(exchange, a_client_gone_in_the_stream_cancels_and_is_nobodys_fault)
{
    to_relay();
    exchange_client_gone(r.x);
    cr_assert(fake.cancelled);
    cr_assert_eq(rig_outcomes(&r, OUTCOME_FAILED), 0);
    rig_free(&r);
}

Test(exchange, a_reset_before_the_head_is_a_502)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    rig_end(END_RESET);
    expect(502, CLIENT_END_WHOLE, OUTCOME_FAILED);
}

Test(exchange, what_an_upstream_may_have_begun_is_not_begun_again_at_another)
{
    rig_make(&r, 2);
    rig_ask(&r, BODY, strlen(BODY));
    rig_end(END_RESET);
    cr_assert_eq(fake.taken, 1);
    cr_assert_eq(rig_outcomes(&r, OUTCOME_FAILED), 1);
    expect(502, CLIENT_END_WHOLE, OUTCOME_FAILED);
}

Test(exchange, a_malformed_head_is_a_502)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    rig_end(END_BAD);
    expect(502, CLIENT_END_WHOLE, OUTCOME_FAILED);
}

Test(exchange, a_stream_that_breaks_before_its_first_event_is_a_502)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    rig_answer(&r, STREAM);
    cr_assert_eq(r.c.status, 0, "its head is kept back");
    rig_end(END_RESET);
    expect(502, CLIENT_END_WHOLE, OUTCOME_FAILED);
}

Test(exchange, a_whole_stream_ends_whole_and_its_connection_is_kept)
{
    to_relay();
    rig_data(DONE);
    rig_end(END_CLEAN);
    cr_assert(fake.released);
    cr_assert_str_eq(r.c.data, CONTENT DONE);
    expect(200, CLIENT_END_WHOLE, OUTCOME_OK);
}

Test(exchange, a_reset_after_the_commit_is_told_at_the_end_of_an_event)
{
    to_relay();
    rig_end(END_RESET);
    expect(200, CLIENT_END_TOLD, OUTCOME_FAILED);
}

Test(exchange, a_reset_inside_an_event_is_cut)
{
    to_relay();
    rig_data("data: {\"cho");
    rig_end(END_RESET);
    expect(200, CLIENT_END_CUT, OUTCOME_FAILED);
}

Test(exchange, a_body_that_breaks_its_framing_is_answered)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, 3);
    exchange_body_bad(r.x, 400, CAUSE_BAD_REQUEST, "test");
    cr_assert_eq(r.c.status, 400);
    cr_assert_eq(r.c.how, CLIENT_END_WHOLE);
    cr_assert_eq(fake.taken, 0);
    rig_free(&r);
}

Test(exchange, a_plain_answer_is_relayed_at_once)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    rig_answer(&r, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n");
    cr_assert_eq(r.c.status, 400);
    rig_data("{}");
    rig_end(END_CLEAN);
    expect(400, CLIENT_END_WHOLE, OUTCOME_NEUTRAL);
}

Test(exchange, a_process_that_ends_says_so_before_the_commit)
{
    rig_make(&r, 1);
    rig_ask(&r, BODY, strlen(BODY));
    exchanges_abandon(r.w);
    cr_assert(fake.cancelled);
    expect(503, CLIENT_END_WHOLE, OUTCOME_NEUTRAL);
}
