/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exchange makes of everything that can happen to it, at each point of its life: what the
 * client has in the end, and what it counts for (docs/answers.md).  A row is a script (script.c)
 * and how it ends.
 */
#include <criterion/criterion.h>

#include "rig.h"
#include "script.h"

#define WHOLE CLIENT_END_WHOLE
#define TOLD  CLIENT_END_TOLD
#define CUT   CLIENT_END_CUT
enum { LEFT = -1, NOTHING = -1 }; /* the client was not there; nothing is said of an upstream */

#define OK      OUTCOME_OK
#define FAILED  OUTCOME_FAILED
#define REFUSED OUTCOME_REFUSED
#define NEUTRAL OUTCOME_NEUTRAL
#define NO_CONN OUTCOME_CONNECT_FAILED
#define STALLED OUTCOME_STALLED

struct row {
    const char *script;
    int status, end, outcome;
    enum cause cause;
};

static void everyone_leaves(void)
{
    for (int i = 0; i < rig.n_clients; i++) {
        if (rig.clients[i].x != NULL)
            exchange_client_gone(rig.clients[i].x);
    }
}

static bool all_given_back(void)
{
    for (int i = 0; i < rig.n_upstreams; i++) {
        if (rig.upstreams[i].uplink.owner != NULL)
            return false;
    }
    return true;
}

/* Of the newest client. */
static void look(const struct row *row)
{
    const struct fake_client *c = rig_client();
    const struct request_record *r = rig_record();
    int end = c->ended ? (int)c->how : LEFT;
    int outcome = r->has_outcome ? (int)r->outcome : NOTHING;

    cr_expect_eq(c->status, row->status, "%s: status %d", row->script, c->status);
    cr_expect_eq(end, row->end, "%s: end %d", row->script, end);
    cr_expect_eq(outcome, row->outcome, "%s: outcome %d", row->script, outcome);
    cr_expect_eq(r->cause, row->cause, "%s: cause %s", row->script, cause_name(r->cause));
    cr_expect_eq(r->status, row->status, "%s: recorded as %d", row->script, (int)r->status);
    cr_expect(rig.clients[0].x != NULL || all_given_back(), "%s: a connection is kept",
              row->script);
}

static void play(const struct rig_settings *s, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rig_make(s);
        script_play(rows[i].script);
        look(&rows[i]);
        everyone_leaves();
        rig_free();
    }
}

#define PLAY(settings, ...)                                                                        \
    do {                                                                                           \
        static const struct row rows[] = {__VA_ARGS__};                                            \
        play(&settings, rows, sizeof rows / sizeof *rows);                                         \
    } while (0)

static const struct rig_settings one = {.upstreams = 1};
static const struct rig_settings two = {.upstreams = 2};
static const struct rig_settings short_total = {.upstreams = 1,
                                                .pool = "timeouts = { total = \"100s\"; };"};
static const struct rig_settings one_place = {.upstreams = 1, .upstream = "max_streams = 1;"};
static const struct rig_settings early = {
    .upstreams = 1, .upstream = "max_streams = 1;", .route = "early_stream = true;"};
static const struct rig_settings socket_route = {.upstreams = 1, .route = "websocket = true;"};

Test(exchange, while_its_body_comes_no_upstream_is_concerned)
{
    PLAY(one, {"ask-half gone", 0, LEFT, NOTHING, CAUSE_CLIENT_GONE},
         {"ask-half bad-body", 400, WHOLE, NOTHING, CAUSE_BAD_REQUEST},
         {"ask-half late-body", 408, WHOLE, NOTHING, CAUSE_BAD_REQUEST},
         {"ask-half abandons", 503, WHOLE, NOTHING, CAUSE_DRAINING},
         {"quits ask", 503, WHOLE, NOTHING, CAUSE_DRAINING},
         {"upgrade", 403, WHOLE, NOTHING, CAUSE_NOT_ALLOWED});
}

Test(exchange, without_a_connection_it_is_the_upstreams_fault_or_nobodys)
{
    PLAY(one, {"slow: ask refused", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"slow: ask timed-out", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"slow: ask tls-failed", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"nameless: ask", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"unresolved: ask 3s ?0 2s", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"unresolved: ask 3s addresses stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"slow: ask no-descriptor", 503, WHOLE, NEUTRAL, CAUSE_OVERLOADED},
         {"slow: ask gone", 0, LEFT, NEUTRAL, CAUSE_CLIENT_GONE},
         {"slow: ask abandons", 503, WHOLE, NEUTRAL, CAUSE_DRAINING},
         {"slow: ask-chunked rest connected stream done clean", 200, WHOLE, OK, CAUSE_NONE});
}

Test(exchange, before_the_head)
{
    PLAY(one, {"ask reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask short", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask clean", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask malformed", 502, WHOLE, FAILED, CAUSE_BAD_GATEWAY},
         {"ask lacking", 502, WHOLE, NEUTRAL, CAUSE_UPSTREAM_RESET},
         {"ask 119s ?0 2s", 504, WHOLE, FAILED, CAUSE_GATEWAY_TIMEOUT},
         {"ask-unary 599s ?0 2s", 504, WHOLE, FAILED, CAUSE_GATEWAY_TIMEOUT},
         {"takes-nothing: ask 599s ?0 2s", 504, WHOLE, FAILED, CAUSE_GATEWAY_TIMEOUT},
         {"takes-nothing: ask 500s room 119s stream done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask gone", 0, LEFT, NEUTRAL, CAUSE_CLIENT_GONE},
         {"ask quits gone", 0, LEFT, NEUTRAL, CAUSE_DRAINING},
         {"ask abandons", 503, WHOLE, NEUTRAL, CAUSE_DRAINING});
}

Test(exchange, plain_answers_are_relayed_at_once_and_judged_by_their_status)
{
    PLAY(one, {"ask 200 ?200 {} clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask 204 clean", 204, WHOLE, OK, CAUSE_NONE},
         {"get 200 {} clean", 200, WHOLE, OK, CAUSE_NONE},
         {"head 200-of-head clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask 404 {} clean", 404, WHOLE, NEUTRAL, CAUSE_NONE},
         {"ask 501 {} clean", 501, WHOLE, NEUTRAL, CAUSE_NONE},
         {"ask 500 {} clean", 500, WHOLE, FAILED, CAUSE_UPSTREAM_ERROR},
         {"ask 503 {} clean", 503, WHOLE, REFUSED, CAUSE_UPSTREAM_REFUSED},
         {"ask 429 {} clean", 429, WHOLE, REFUSED, CAUSE_UPSTREAM_REFUSED},
         {"ask 200 reset", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask 200 malformed", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask 200 lacking", 200, CUT, NEUTRAL, CAUSE_UPSTREAM_TRUNCATED},
         {"ask 200 gone", 200, LEFT, NEUTRAL, CAUSE_CLIENT_GONE},
         {"ask 200 abandons", 200, CUT, NEUTRAL, CAUSE_DRAINING},
         {"ask 200 601s", 200, CUT, FAILED, CAUSE_GATEWAY_TIMEOUT});
}

Test(exchange, before_the_commit_point)
{
    PLAY(one, {"ask stream ?0 reset", 502, WHOLE, FAILED, CAUSE_EMPTY_STREAM},
         {"ask stream short", 502, WHOLE, FAILED, CAUSE_EMPTY_STREAM},
         {"ask stream clean", 502, WHOLE, FAILED, CAUSE_EMPTY_STREAM},
         {"ask stream malformed", 502, WHOLE, FAILED, CAUSE_BAD_GATEWAY},
         {"ask stream role ?0 clean", 502, WHOLE, FAILED, CAUSE_EMPTY_STREAM},
         {"ask stream done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream gone", 0, LEFT, NEUTRAL, CAUSE_CLIENT_GONE},
         {"ask stream abandons", 503, WHOLE, NEUTRAL, CAUSE_DRAINING});
}

Test(exchange, a_stream_that_begins_with_an_error_gets_the_status_it_means)
{
    PLAY(one, {"ask stream error-500", 500, WHOLE, FAILED, CAUSE_IN_BAND_ERROR},
         {"ask stream error-503", 503, WHOLE, REFUSED, CAUSE_IN_BAND_ERROR},
         {"ask stream error-429", 429, WHOLE, REFUSED, CAUSE_IN_BAND_ERROR},
         {"ask stream error-400", 400, WHOLE, NEUTRAL, CAUSE_IN_BAND_ERROR},
         {"ask stream role error-500", 500, WHOLE, FAILED, CAUSE_IN_BAND_ERROR});
}

Test(exchange, a_head_is_held_for_ten_seconds_and_what_fails_then_fails_inside)
{
    PLAY(one,
         {"ask stream comment 9s ?0 2s ?200 reset", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream 11s ?200 clean", 200, TOLD, FAILED, CAUSE_EMPTY_STREAM},
         {"ask stream 11s error-503 clean", 200, WHOLE, REFUSED, CAUSE_IN_BAND_ERROR},
         {"ask stream comment 119s comment 2s", 200, TOLD, FAILED, CAUSE_GATEWAY_TIMEOUT},
         {"ask stream 11s content done clean", 200, WHOLE, OK, CAUSE_NONE});
}

Test(exchange, after_the_commit_point_what_fails_is_told_at_a_boundary_or_cut)
{
    PLAY(short_total,
         {"ask stream content ?200 reset", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content short", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content clean", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content malformed", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content lacking", 200, TOLD, NEUTRAL, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content half-event reset", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content finish clean", 200, TOLD, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask stream content 46s", 200, TOLD, STALLED, CAUSE_UPSTREAM_STALLED},
         {"ask stream content half-event 46s", 200, CUT, STALLED, CAUSE_UPSTREAM_STALLED},
         {"ask stream content 40s comment 40s content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content 40s comment 40s content 21s", 200, TOLD, NEUTRAL,
          CAUSE_GATEWAY_TIMEOUT},
         {"ask stream content gone", 200, LEFT, NEUTRAL, CAUSE_CLIENT_GONE},
         {"ask stream content abandons", 200, TOLD, NEUTRAL, CAUSE_DRAINING});
}

Test(exchange, an_error_of_the_backends_own_in_the_stream_counts_as_its_code)
{
    PLAY(one, {"ask stream content error-500 clean", 200, WHOLE, FAILED, CAUSE_IN_BAND_ERROR},
         {"ask stream content error-503 clean", 200, WHOLE, REFUSED, CAUSE_IN_BAND_ERROR},
         {"ask stream content error-400 clean", 200, WHOLE, NEUTRAL, CAUSE_IN_BAND_ERROR},
         {"ask stream content error-500 reset", 200, CUT, FAILED, CAUSE_IN_BAND_ERROR});
}

Test(exchange, after_the_end_marker_it_is_whole_whatever_comes)
{
    PLAY(one, {"ask stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done reset", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done malformed", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done lacking", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done half-event reset", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done 2s", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done abandons", 200, WHOLE, OK, CAUSE_NONE},
         {"ask stream content done gone clean", 200, LEFT, OK, CAUSE_NONE},
         {"ask stream content done gone 2s", 200, LEFT, OK, CAUSE_NONE});
}

Test(exchange, streams_that_cannot_be_read_are_relayed_and_only_cuts_are_seen)
{
    PLAY(one, {"ask gzip-stream bytes clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask gzip-stream bytes reset", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"ask binary-stream ?200 bytes 500s bytes clean", 200, WHOLE, OK, CAUSE_NONE},
         {"get stream ?200 comment 500s comment clean", 200, WHOLE, OK, CAUSE_NONE},
         {"get stream reset", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED},
         {"get stream-to-close half-event clean", 200, CUT, FAILED, CAUSE_UPSTREAM_TRUNCATED});
}

Test(exchange, who_waits_is_served_refused_or_leaves)
{
    PLAY(one_place, {"ask ask ?0 first-gone stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask ask first-gone reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask ask 11s expires", 503, WHOLE, NOTHING, CAUSE_QUEUE_TIMEOUT},
         {"ask ask gone", 0, LEFT, NOTHING, CAUSE_CLIENT_GONE},
         {"ask ask all-gone", 0, LEFT, NOTHING, CAUSE_CLIENT_GONE},
         {"ask ask abandons", 503, WHOLE, NOTHING, CAUSE_DRAINING});
}

/* As two reloads do, the second of them while the wake message of the first is under way. */
static void add_and_take_out(void)
{
    uint64_t now = loop_now_ns(rig.w->loop);
    uint32_t reservation;
    int place = pool_reserve(gate_lock(rig_gate()), 99, POOL_UPSTREAMS_MAX, 1, &reservation, now);

    cr_assert_eq(place, 1);
    pool_join(gate_pool(rig_gate()), (size_t)place, reservation, now);
    gate_unlock(rig_gate());
    pool_take_out(gate_lock(rig_gate()), (size_t)place, now);
    gate_unlock(rig_gate());
}

Test(exchange, that_waited_for_an_upstream_that_is_no_more_is_refused_and_keeps_no_place)
{
    rig_make(&one_place);
    script_play("ask ask");
    add_and_take_out();
    loop_poll(rig.w->loop);
    look(&(struct row){"two reloads", 503, WHOLE, NOTHING, CAUSE_OVERLOADED});
    cr_assert_eq(pool_place_of(gate_lock(rig_gate()), 99), -1);
    gate_unlock(rig_gate());
    everyone_leaves();
    cr_assert(pool_is_empty(gate_lock(rig_gate())));
    gate_unlock(rig_gate());
    rig_free();
}

Test(exchange, a_stream_that_began_while_it_waited_says_inside_what_fails)
{
    PLAY(early, {"ask ask ?200 first-gone stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask ask 11s expires", 200, TOLD, NOTHING, CAUSE_QUEUE_TIMEOUT},
         {"ask ask gone", 200, LEFT, NOTHING, CAUSE_CLIENT_GONE},
         {"ask ask abandons", 200, CUT, NOTHING, CAUSE_DRAINING},
         {"ask ask first-gone reset", 200, TOLD, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask ask first-gone stream reset", 200, TOLD, FAILED, CAUSE_EMPTY_STREAM},
         {"ask ask first-gone 503", 200, TOLD, REFUSED, CAUSE_UPSTREAM_REFUSED},
         {"ask ask first-gone 200", 200, TOLD, OK, CAUSE_BAD_GATEWAY},
         {"ask ask first-gone 121s", 200, TOLD, FAILED, CAUSE_GATEWAY_TIMEOUT},
         {"ask ask-unary ?0 first-gone 200 {} clean", 200, WHOLE, OK, CAUSE_NONE});
}

Test(exchange, a_tunnel_ends_with_either_side)
{
    PLAY(socket_route, {"upgrade 101 ?101 hello bye clean", 101, WHOLE, OK, CAUSE_NONE},
         {"upgrade 101 says-hello says-bye reset", 101, WHOLE, OK, CAUSE_NONE},
         {"upgrade 101 gone", 101, LEFT, OK, CAUSE_CLIENT_GONE},
         {"upgrade 101 says-bye gone", 101, LEFT, OK, CAUSE_CLIENT_GONE},
         {"upgrade 101 3000s more 3000s bytes 3000s gone", 101, LEFT, OK, CAUSE_CLIENT_GONE},
         {"upgrade 404 {} clean", 404, WHOLE, NEUTRAL, CAUSE_NONE},
         {"upgrade reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET});
}

Test(exchange, a_tunnel_that_breaks_or_is_ended_says_so_between_frames_or_is_cut)
{
    PLAY(socket_route, {"upgrade 101 hello clean", 101, WHOLE, OK, CAUSE_UPSTREAM_TRUNCATED},
         {"upgrade 101 half-frame clean", 101, CUT, OK, CAUSE_UPSTREAM_TRUNCATED},
         {"upgrade 101 hello reset", 101, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"upgrade 101 half-frame reset", 101, CUT, FAILED, CAUSE_UPSTREAM_RESET},
         {"upgrade 101 3601s", 101, WHOLE, NEUTRAL, CAUSE_GATEWAY_TIMEOUT},
         {"upgrade 101 half-frame 3601s", 101, CUT, NEUTRAL, CAUSE_GATEWAY_TIMEOUT},
         {"upgrade 101 hello abandons", 101, WHOLE, NEUTRAL, CAUSE_DRAINING},
         {"upgrade 101 half-frame abandons", 101, CUT, NEUTRAL, CAUSE_DRAINING},
         {"upgrade 101 bye abandons", 101, WHOLE, NEUTRAL, CAUSE_DRAINING});
}

/* What both are sent when weir ends a tunnel: the client's frame, the upstream's. */
static void expect_close(const char *script, const char *down, bool up)
{
    const struct fake_upstream *f;

    rig_make(&socket_route);
    script_play(script);
    f = rig_upstream();
    cr_expect_eq(strncmp(rig_client()->data, down, strlen(down)), 0, "%s", script);
    cr_expect_eq(rig_client()->len > 0, down[0] != '\0', "%s", script);
    cr_expect_eq(f->released, up, "%s", script);
    cr_expect(!up || (memcmp(f->body + f->len - 8, "\x88\x82", 2) == 0 &&
                      (f->body[f->len - 2] ^ f->body[f->len - 6]) == 0x03 &&
                      (char)(f->body[f->len - 1] ^ f->body[f->len - 5]) == (char)0xe9),
              "%s: 1001, masked", script);
    rig_free();
}

Test(exchange, a_tunnel_that_weir_ends_is_closed_on_both_sides)
{
    expect_close("upgrade 101 abandons",
                 "\x88\x57\x03\xf4"
                 "draining: The service",
                 true);
    expect_close("upgrade 101 3601s",
                 "\x88\x3f\x03\xe9"
                 "gateway_timeout: ",
                 true);
    expect_close("upgrade 101 says-hello abandons",
                 "\x88\x57\x03\xf4"
                 "draining",
                 true);
    expect_close("upgrade 101 says-half abandons",
                 "\x88\x57\x03\xf4"
                 "draining",
                 false);
    expect_close("upgrade 101 reset",
                 "\x88\x51\x03\xf5"
                 "upstream_reset: ",
                 false);
}

Test(exchange, a_stale_connection_is_nobodys_fault_once)
{
    PLAY(one,
         {"reused: untouched: ask reset stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"reused: get reset 200 {} clean", 200, WHOLE, OK, CAUSE_NONE},
         {"reused: ask reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"reused: untouched: ask reset reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"reused: untouched: ask malformed", 502, WHOLE, FAILED, CAUSE_BAD_GATEWAY},
         {"reused: untouched: ask slow: reset refused", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"untouched: ask reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET});
}

Test(exchange, another_upstream_is_tried_where_the_first_did_nothing)
{
    PLAY(two, {"slow: ask refused connected stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"slow: ask refused refused", 502, WHOLE, NO_CONN, CAUSE_CONNECT_FAILED},
         {"ask 503 stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask 429 503 {} clean", 503, WHOLE, REFUSED, CAUSE_UPSTREAM_REFUSED},
         {"ask stream error-503 stream content done clean", 200, WHOLE, OK, CAUSE_NONE},
         {"untouched: ask reset 200 {} clean", 200, WHOLE, OK, CAUSE_NONE},
         {"get reset 200 {} clean", 200, WHOLE, OK, CAUSE_NONE},
         {"ask reset", 502, WHOLE, FAILED, CAUSE_UPSTREAM_RESET},
         {"ask malformed", 502, WHOLE, FAILED, CAUSE_BAD_GATEWAY},
         {"ask 500 {} clean", 500, WHOLE, FAILED, CAUSE_UPSTREAM_ERROR},
         {"ask stream content error-503 clean", 200, WHOLE, REFUSED, CAUSE_IN_BAND_ERROR});
}
