/* SPDX-License-Identifier: Apache-2.0 */
/* A pool as a node of a fleet: what it may send by its permits, and how it goes on alone. */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/pool_fleet.h"

enum { SELF = 77 };

static struct fixture f;
static struct fleet_node node;
static uint64_t epoch;

static void start(uint32_t max_streams)
{
    fixture_init(&f);
    f.max_streams[0] = max_streams;
    fixture_start(&f, 1);
    fleet_node_init(&node, SELF, 4, f.now_ns);
    pool_fleet_attach(f.pool, &node, f.now_ns);
    pool_fleet_share(f.pool, 0, true, f.now_ns);
    epoch = 0;
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(fleet_node, .fini = stop);

static struct fleet_plan plan_of(enum breaker_state state, uint32_t total)
{
    return (struct fleet_plan){
        .epoch = ++epoch,
        .state = state,
        .total = total,
        .share = 1,
        .nodes = 4,
        .limits = {.streams = total > 0 ? total : 1,
                   .pending = 40,
                   .gain = 1,
                   .ceiling = LIMITER_NO_CEILING,
                   .wait_marks = 2},
    };
}

/* One call, answered with so many permits. */
static void call(uint32_t held, struct fleet_others others)
{
    struct fleet_ask ask;
    struct fleet_answer a = {held, others};

    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    pool_fleet_answer(f.pool, 0, &a, f.now_ns);
}

static const struct fleet_others nobody_waits = {
    .nodes = 4, .held = 30, .used = 30, .weight = 0.3, .rank = FLEET_NO_RANK};

static void join(uint32_t held, uint32_t total)
{
    struct fleet_plan p = plan_of(BREAKER_CLOSED, total);

    call(held, nobody_waits);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
}

/* Sends until nothing more is admitted; at most 64. */
static int send_all(struct pool_request *r)
{
    int n = 0;

    for (; n < 64; n++) {
        r[n] = request_of((uint64_t)n + 1);
        if (arrive(&f, &r[n]) != POOL_ADMIT)
            break;
        first(&f, &r[n]);
    }
    return n;
}

Test(fleet_node, before_the_first_answer_it_is_one_node)
{
    struct pool_request r[64];

    start(20);
    cr_assert_eq(send_all(r), 20);
    cr_assert_eq(r[20].state, REQUEST_QUEUED);
}

Test(fleet_node, sends_as_many_as_it_has_permits_and_asks_for_more)
{
    struct pool_request r[64];

    start(48);
    join(5, 40);
    cr_assert_eq(send_all(r), 5);
    cr_assert_eq(r[5].state, REQUEST_QUEUED);
    cr_assert_eq(pool_fleet_wants(f.pool, f.now_ns), 0);
    call(6, nobody_waits);
    cr_assert_eq(pool_next_woken(f.pool), &r[5], "the answer lets it in");
    cr_assert_eq(r[5].numbers.rule, RULE_ROOM);
}

Test(fleet_node, a_refusal_names_the_permits)
{
    struct pool_request r[64];

    start(48);
    f.conf.queue.max_wait_ns = f.conf.queue.cold_wait_ns = 0;
    join(2, 40);
    cr_assert_eq(send_all(r), 2);
    cr_assert_eq(r[2].state, REQUEST_ENDED);
    cr_assert_eq(r[2].cause, CAUSE_OVERLOADED);
    cr_assert_float_eq(r[2].numbers.limit_streams, 2, 0);
    cr_assert_eq(pool_fleet_wants(f.pool, f.now_ns), 0, "the next one may find one");
}

Test(fleet_node, while_a_call_is_under_way_it_lets_in_what_it_said_it_keeps)
{
    struct pool_request r[64];
    struct fleet_ask ask;
    struct fleet_answer a = {1, nobody_waits};

    start(48);
    join(10, 40);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    cr_assert_eq((uint32_t)send_all(r), ask.used);
    pool_fleet_answer(f.pool, 0, &a, f.now_ns);
    cr_assert_geq(node.place[0].held, ask.used, "an answer takes none of them");
}

Test(fleet_node, a_call_without_an_answer_leaves_it_what_it_asked_to_keep)
{
    struct fleet_ask ask;

    start(48);
    join(10, 40);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    pool_fleet_no_answer(f.pool, 0, f.now_ns);
    cr_assert_eq(node.place[0].held, ask.used);
}

Test(fleet_node, no_answer_lifts_it_above_its_own_max_streams)
{
    struct pool_request r[64];

    start(8);
    join(60, 60);
    cr_assert_eq(send_all(r), 8);
}

Test(fleet_node, a_request_waits_while_one_with_precedence_waits_elsewhere)
{
    struct pool_request r = request_of(1);
    struct fleet_others others = nobody_waits;

    start(48);
    join(5, 40);
    others.rank = 1;
    others.better = 1;
    call(5, others);
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    pass(&f, MS(400));
    cr_assert_eq(pool_next_woken(f.pool), &r, "not heard for 0.3 s: it goes");
}

Test(fleet_node, a_place_above_its_part_goes_to_who_waits_elsewhere)
{
    struct pool_request r[64];
    struct fleet_others others = nobody_waits;

    start(48);
    others.rank = 4;
    others.equal = 2;
    others.weight = 1e6; /* its part is nothing */
    join(4, 40);
    cr_assert_eq(send_all(r), 4);
    call(4, others);
    end_ok(&f, &r[0]);
    cr_assert_eq(node.place[0].held, 3);
    cr_assert_eq(pool_fleet_wants(f.pool, f.now_ns), 0, "and it says so");
}

Test(fleet_node, sends_nothing_while_the_fleets_breaker_is_open)
{
    struct pool_request r = request_of(1);
    struct fleet_plan p;

    start(48);
    join(5, 40);
    p = plan_of(BREAKER_OPEN, 0);
    p.left_ns = S(100);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.numbers.rule, RULE_BREAKER_OPEN);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED, "its own is another matter");
}

Test(fleet_node, sends_one_probe_for_each_number_and_tells_how_it_ended)
{
    struct pool_request r[2] = {request_of(1), request_of(2)};
    struct fleet_plan p;
    struct fleet_record told;

    start(48);
    join(5, 40);
    p = plan_of(BREAKER_HALF_OPEN, 0);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_neq(arrive(&f, &r[0]), POOL_ADMIT, "another node holds it");
    pool_leave(f.pool, &r[0], f.now_ns);
    r[0] = request_of(1);
    p = plan_of(BREAKER_HALF_OPEN, 0);
    p.probe[0] = SELF;
    p.probe_number[0] = 9;
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_eq(arrive(&f, &r[0]), POOL_ADMIT);
    cr_assert_eq(r[0].numbers.rule, RULE_PROBE);
    cr_assert_neq(arrive(&f, &r[1]), POOL_ADMIT);
    first(&f, &r[0]);
    pool_fleet_report(f.pool, 0, &told, f.now_ns);
    cr_assert_eq(told.probes_sent, 1);
    cr_assert_eq(told.probes_good, 1);
}

Test(fleet_node, a_plan_does_not_close_its_own_open_breaker)
{
    struct pool_request r = request_of(99);
    struct fleet_plan p;

    start(48);
    join(20, 40);
    fail_times(&f, 5);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    p = plan_of(BREAKER_CLOSED, 40);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    call(20, nobody_waits);
    cr_assert_neq(arrive(&f, &r), POOL_ADMIT);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(fleet_node, what_was_sent_before_the_fleet_opened_tells_nothing)
{
    struct pool_request r = request_of(1);
    struct fleet_plan p;
    struct fleet_record told;

    start(48);
    join(20, 40);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    p = plan_of(BREAKER_OPEN, 0);
    p.generation = 1;
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    end_as(&f, &r, OUTCOME_FAILED, 502);
    pool_fleet_report(f.pool, 0, &told, f.now_ns);
    cr_assert_eq(told.failed, 0);
}

Test(fleet_node, an_older_plan_is_not_taken)
{
    struct fleet_plan old, new;

    start(48);
    join(20, 40);
    old = plan_of(BREAKER_OPEN, 0);
    new = plan_of(BREAKER_CLOSED, 30);
    pool_fleet_apply(f.pool, 0, &new, f.now_ns);
    pool_fleet_apply(f.pool, 0, &old, f.now_ns);
    cr_assert_eq(node.place[0].plan.total, 30);
}

Test(fleet_node, without_an_answer_for_a_lease_it_is_alone_and_keeps_its_permits)
{
    struct pool_request r[64];

    start(48);
    join(9, 40);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    cr_assert_eq(send_all(r), 9);
    pass(&f, S(10));
    cr_assert_leq(f.pool->upstream[0].inflight, 12, "a quarter of max_streams is its part");
}

Test(fleet_node, alone_its_part_of_max_streams_is_the_most)
{
    struct pool_request r[64];

    start(20);
    pool_fleet_alone(f.pool, f.now_ns);
    cr_assert_eq(send_all(r), 5, "four nodes were assumed");
}

/* Joined for a lease, with as many permits as it uses, in a fleet where half is free. */
static void settle(uint32_t held, uint32_t total, struct pool_request *r)
{
    for (int s = 0; s < 3; s++) {
        join(held, total);
        pass(&f, S(2));
    }
    join(held, total);
    cr_assert_eq(send_all(r), (int)held);
}

/* Nobody is refused because the store is gone while there is room. */
Test(fleet_node, left_alone_while_half_is_free_it_has_its_part_at_once)
{
    struct pool_request r[6 + 64];

    start(100);
    settle(5, 100, r);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    (void)send_all(r + 6);
    cr_assert_eq(f.pool->upstream[0].inflight, 25, "35 of 100 were given out");
}

Test(fleet_node, while_calls_have_no_answer_it_goes_by_its_part_of_what_is_free)
{
    struct pool_request r[6 + 64];

    start(100);
    settle(5, 100, r);
    pass(&f, MS(600));
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
    (void)send_all(r + 6);
    cr_assert_gt(f.pool->upstream[0].inflight, 30, "nobody waits for the store");
    cr_assert_leq(f.pool->upstream[0].inflight, 70, "30 of 100 are others'");
}

Test(fleet_node, while_calls_have_no_answer_and_most_is_in_use_it_keeps_its_permits)
{
    struct pool_request r[6 + 64];

    start(60);
    settle(5, 60, r);
    pass(&f, MS(600));
    (void)send_all(r + 6);
    cr_assert_eq(f.pool->upstream[0].inflight, 5, "35 of 60 were given out");
}

Test(fleet_node, with_its_last_permit_it_asks_for_one_more_where_there_is_room)
{
    struct pool_request r[64];

    start(100);
    for (int s = 0; s < 3; s++) {
        join(2, 100);
        pass(&f, S(2));
    }
    join(2, 100);
    r[0] = request_of(1);
    cr_assert_eq(arrive(&f, &r[0]), POOL_ADMIT);
    cr_assert_eq(pool_fleet_wants(f.pool, f.now_ns), -1);
    r[1] = request_of(2);
    cr_assert_eq(arrive(&f, &r[1]), POOL_ADMIT);
    cr_assert_eq(pool_fleet_wants(f.pool, f.now_ns), 0);
}

Test(fleet_node, alone_before_any_plan_came_it_has_its_part_at_once)
{
    struct pool_request r[64];

    start(20);
    call(0, nobody_waits);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    cr_assert_eq(send_all(r), 5);
}

Test(fleet_node, a_learnt_limit_slides_to_a_nodes_share_of_it)
{
    start(4096);
    join(16, 40);
    pass(&f, FLEET_LEASE_NS + MS(100));
    cr_assert_float_eq(f.pool->upstream[0].limiter.streams, 16, 0.5);
    pass(&f, S(7));
    cr_assert_float_eq(f.pool->upstream[0].limiter.streams, 10, 0.5);
}

Test(fleet_node, left_alone_while_the_fleet_was_open_its_own_breaker_is_open)
{
    struct fleet_plan p;

    start(48);
    join(9, 40);
    p = plan_of(BREAKER_OPEN, 0);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

/* The calls are answered, but whoever leads publishes nothing that counts here. */
static void pass_without_plans(uint64_t ns)
{
    for (uint64_t end_ns = f.now_ns + ns; f.now_ns < end_ns;) {
        pass(&f, S(1));
        call(5, nobody_waits);
    }
}

Test(fleet_node, an_open_plan_that_nobody_renews_does_not_hold_for_ever)
{
    struct pool_request r = request_of(1);
    struct fleet_plan p;

    start(48);
    join(5, 40);
    p = plan_of(BREAKER_OPEN, 0);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    pass_without_plans(FLEET_PLAN_NS - S(2));
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED, "the fleet's still holds");
    pass_without_plans(S(3));
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
    cr_assert_neq(state_of(&f, 0), BREAKER_CLOSED, "its own goes on from there");
    pass_without_plans(S(60));
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    cr_assert_eq(r.numbers.rule, RULE_PROBE);
    p = plan_of(BREAKER_CLOSED, 40);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_eq(node.place[0].plan.total, 40, "the next plan holds again");
}

Test(fleet_node, back_from_there_it_brings_its_limit_for_a_lease)
{
    struct fleet_record told;
    struct fleet_ask ask;

    start(4096);
    join(16, 40);
    pass(&f, FLEET_LEASE_NS + S(8));
    pool_fleet_report(f.pool, 0, &told, f.now_ns);
    cr_assert_float_eq(told.own_streams, 10, 0.5);
    cr_assert_eq(told.epoch, 0, "it goes by no plan");
    call(4, nobody_waits);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    cr_assert_leq(ask.most, 11);
    pool_fleet_no_answer(f.pool, 0, f.now_ns);
    pass(&f, S(2));
    call(4, nobody_waits);
    pool_fleet_report(f.pool, 0, &told, f.now_ns);
    cr_assert_float_eq(told.own_streams, 10, 0.5);
    pass(&f, S(2));
    call(4, nobody_waits);
    pool_fleet_report(f.pool, 0, &told, f.now_ns);
    cr_assert_float_eq(told.own_streams, 0, 0);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    cr_assert_eq(ask.most, UINT32_MAX);
}

Test(fleet_node, back_before_the_others_it_takes_no_more_than_it_carried)
{
    struct fleet_others nobody = {.nodes = 1, .rank = FLEET_NO_RANK};
    struct fleet_ask ask;

    start(40);
    join(9, 40);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    for (int s = 0; s < 3; s++) {
        call(9, nobody);
        pass(&f, S(2));
    }
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    cr_assert_leq(ask.most, 10, "three others may still be alone");
    pool_fleet_no_answer(f.pool, 0, f.now_ns);
    call(9, nobody_waits);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    cr_assert_eq(ask.most, UINT32_MAX, "all are back");
}

Test(fleet_node, back_and_without_a_plan_it_sends_no_more_than_its_part)
{
    struct fleet_others nobody = {.nodes = 1, .rank = FLEET_NO_RANK};
    struct pool_request r[64];
    int sent;

    start(40);
    join(30, 40);
    pass(&f, FLEET_LEASE_NS);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    call(9, nobody);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
    sent = send_all(r);
    cr_assert(sent >= 1 && sent <= 10, "%d of a part of 10", sent);
}

Test(fleet_node, joined_and_without_a_plan_it_sends_by_its_permits)
{
    struct pool_request r[64];

    start(48);
    call(3, nobody_waits);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
    cr_assert_eq(send_all(r), 3);
}

Test(fleet_node, counters_never_fall)
{
    struct fleet_record was = {0}, is;
    struct random dice = {5};

    start(48);
    join(20, 40);
    for (int n = 0; n < 400; n++) {
        double x = random_between(&dice, 0, 1);
        (void)exchange(&f, x < 0.8 ? OUTCOME_OK : OUTCOME_FAILED, x < 0.8 ? 200 : 502);
        pass(&f, MS(50));
        call(20, nobody_waits);
        pool_fleet_report(f.pool, 0, &is, f.now_ns);
        cr_assert(is.ok >= was.ok && is.failed >= was.failed && is.on >= was.on &&
                  is.stream_ns >= was.stream_ns);
        was = is;
    }
    cr_assert_gt(is.ok, 10);
}

Test(fleet_node, the_view_tells_of_an_own_path_that_is_broken)
{
    struct pool_fleet_view v;

    start(48);
    join(20, 40);
    fail_times(&f, 5);
    pool_fleet_view(f.pool, 0, &v, f.now_ns);
    cr_assert(v.own_path);
    cr_assert_eq(v.limit, 40);
    cr_assert_eq(v.held, 20);
}

Test(fleet_node, where_p_binds_a_permit_beyond_its_part_of_what_runs_is_given_back)
{
    struct pool_request r[64];
    struct fleet_others crowd = {
        .nodes = 4, .held = 20, .used = 20, .weight = 0.3, .equal = 3, .rank = 1};
    struct fleet_plan p = plan_of(BREAKER_CLOSED, 4000); /* far from being reached */

    start(4096);
    p.limits.pending = 4;
    call(20, nobody_waits);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    cr_assert_geq(send_all(r), 4);
    crowd.weight = 1000; /* nearly all come elsewhere */
    call(20, crowd);
    end_ok(&f, &r[0]);
    cr_assert_lt(node.place[0].held, 20);
}

Test(fleet_node, the_plan_that_comes_with_the_first_answer_binds_at_once)
{
    struct pool_request r[64];
    struct fleet_plan p = plan_of(BREAKER_CLOSED, 40);
    struct fleet_answer a = {3, nobody_waits};
    struct fleet_ask ask;

    start(48);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    pool_fleet_apply(f.pool, 0, &p, f.now_ns);
    pool_fleet_answer(f.pool, 0, &a, f.now_ns);
    cr_assert_eq(send_all(r), 3);
}
