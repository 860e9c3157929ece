/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that says which limit binds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "show/binding.h"
#include "weir/base/clock.h"

#define NOW (UINT64_C(1000) * NS_PER_S)

static struct upstream_status an_upstream(enum rule rule)
{
    struct upstream_status u = {.name = "a"};

    u.v = (struct upstream_view){
        .binds = {rule, true},
        .share = 1,
        .inflight = 8,
        .pending = 3,
        .limit_streams = 11.7,
        .limit_pending = 3.9,
        .max_streams = 64,
    };
    return u;
}

static void expect(const struct upstream_status *u, const char *want)
{
    char got[BINDING_MAX];
    struct text t;

    text_init(&t, got, sizeof got);
    show_binding(&t, u, NOW);
    cr_assert_str_eq(got, want);
    cr_assert(!t.full);
}

Test(binding, nothing)
{
    struct upstream_status u = an_upstream(RULE_ROOM);

    u.v.pending = 1;
    expect(&u, "8 of 11 places used; nothing holds it: 1 of 3 waiting for a first token");
    u.v.state = BREAKER_RAMPING;
    u.v.ramp_allows = 8.4;
    u.v.share = 0.3;
    expect(&u,
           "8 of 9 places used; nothing holds it: share 30 %, 1 of 3 waiting for a first token");
}

Test(binding, first_tokens)
{
    struct upstream_status u = an_upstream(RULE_PENDING_LIMIT);

    expect(&u, "8 of 11 places used; first tokens hold it: 3 of 3 waiting");
    u.v.elsewhere = 2;
    u.v.binds.enforced = false;
    expect(&u, "10 of 11 places used; first tokens would hold it in mode enforce: 3 of 3 waiting");
}

Test(binding, places_and_whose_number_they_are)
{
    struct upstream_status u = an_upstream(RULE_STREAM_LIMIT);

    u.v.inflight = 11;
    expect(&u, "11 of 11 places used; places hold it: learnt, of at most 64: first tokens were late"
               " or streams slow with more");
    u.v.pace_ns = 50;
    u.v.pace_target_ns = 50;
    expect(&u, "11 of 11 places used; places hold it: learnt, of at most 64: its streams are no"
               " faster than the target of the pace");
    u.v.max_streams = 11;
    u.v.limit_streams = 11;
    expect(&u, "11 of 11 places used; places hold it: max_streams of the settings is 11");
    u.n_overrides = 1;
    u.overrides[0] = (struct override_view){.what = "limit streams 11", .by = "uid 0"};
    expect(&u, "11 of 11 places used; places hold it: limit streams 11, commanded by uid 0");
    u.v.inflight = 4;
    expect(&u, "4 of 11 places used; places hold it: the next weir has the others");
    u.fleet = (struct pool_fleet_view){.shared = true, .state = FLEET_ALONE};
    expect(&u, "4 of 11 places used; places hold it: alone, this node has its part of the fleet's "
               "only");
    u.fleet = (struct pool_fleet_view){.shared = false};
}

Test(binding, the_way_back)
{
    struct upstream_status u = an_upstream(RULE_BREAKER_OPEN);

    u.v.inflight = 0;
    (void)snprintf(u.v.cause, sizeof u.v.cause, "consecutive");
    u.v.until_ns = NOW + 4 * NS_PER_S;
    expect(&u, "0 of 11 places used; the breaker holds it: open (consecutive), next probes in 4 s");
    u.v.until_ns = 0;
    (void)snprintf(u.check, sizeof u.check, "refused");
    expect(&u,
           "0 of 11 places used; the breaker holds it: open (consecutive), its health checks fail");
    u.n_overrides = 1;
    u.overrides[0] = (struct override_view){.what = "breaker open", .by = "uid 7"};
    expect(&u, "0 of 11 places used; the breaker holds it: open, commanded by uid 7");
    u.v.binds.rule = RULE_HALF_OPEN;
    u.v.probes_good = 1;
    expect(&u, "0 of 11 places used; probes hold it: half-open, 1 good answer so far");
    u.v.waits_first = true;
    expect(&u, "0 of 11 places used; probes hold it: half-open, waiting for the first request");
    u.v.binds.rule = RULE_RAMP;
    u.v.ramp_allows = 4.2;
    u.v.share = 0.3;
    u.v.known_good = 14;
    u.v.inflight = 5;
    expect(&u, "5 of 5 places used; the ramp holds it: share 30 % of 14.0 known-good streams");
    u.v.ramp_held = true;
    expect(&u, "5 of 5 places used; the ramp holds it: share 30 % of 14.0 known-good streams, "
               "frozen by an operator");
}

Test(binding, left_alone_and_drained)
{
    struct upstream_status u = an_upstream(RULE_COOLDOWN);

    u.v.cooldown_until_ns = NOW + 12 * NS_PER_S;
    expect(&u,
           "8 of 11 places used; Retry-After holds it: left alone for another 12 s, as it asked");
    u.v.binds.rule = RULE_DRAINED;
    expect(&u, "8 of 11 places used; an operator holds it: drained, what runs goes on");
    u.v.inflight = 0;
    expect(&u, "0 of 11 places used; an operator holds it: drained");
}

Test(binding, permits_and_precedence_in_a_fleet)
{
    struct upstream_status u = an_upstream(RULE_FLEET_LIMIT);

    u.fleet.held = 8;
    u.fleet.limit = 24;
    expect(&u, "8 of 11 places used; permits of the fleet hold it: this node has 8, all nodes"
               " together 24");
    u.v.binds.rule = RULE_FLEET_RANK;
    expect(&u, "8 of 11 places used; precedence holds it: a request that has it waits at another"
               " node");
}

static void expect_of_pool(const struct pool_status *p, const char *want)
{
    char got[BINDING_MAX];
    struct text t;

    text_init(&t, got, sizeof got);
    show_pool_binding(&t, p);
    cr_assert_str_eq(got, want);
}

Test(binding, of_a_pool_counts_what_holds_its_upstreams)
{
    struct upstream_status u[3] = {an_upstream(RULE_ROOM), an_upstream(RULE_BREAKER_OPEN),
                                   an_upstream(RULE_BREAKER_OPEN)};
    struct pool_status p = {.name = "chat", .upstreams = u, .n_upstreams = 3};

    expect_of_pool(&p, "1 of 3 upstreams would take another request; the breaker holds 2");
    u[2].v.binds = (struct binding){RULE_PENDING_LIMIT, true};
    p.v.user_rule = RULE_USER_STREAMS;
    expect_of_pool(&p,
                   "1 of 3 upstreams would take another request; first tokens hold 1; the "
                   "breaker holds 1; somebody has as many requests as users.max_streams allows");
    u[2].v.binds.rule = RULE_FLEET_LIMIT;
    p.v.user_rule = RULE_USER_TOKENS;
    expect_of_pool(&p, "1 of 3 upstreams would take another request; permits of the fleet hold 1; "
                       "the breaker holds 1; somebody takes more tokens than users allows in a "
                       "minute or a day");
    p.v.user_rule = RULE_LIMIT;
    expect_of_pool(&p, "1 of 3 upstreams would take another request; permits of the fleet hold 1; "
                       "the breaker holds 1; somebody takes more than a row of limits allows");
    p.n_upstreams = 1;
    p.v.user_rule = RULE_NONE;
    expect_of_pool(&p, "1 of 1 upstream would take another request");
    u[0].v.binds = (struct binding){RULE_PENDING_LIMIT, false};
    expect_of_pool(&p, "1 of 1 upstream would take another request");
}
