/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

static struct fleet_shown node(enum service_state state, enum breaker_state upstream)
{
    return (struct fleet_shown){.state = state,
                                .n_pools = 1,
                                .n_upstreams = 2,
                                .pools = {{.name = "chat",
                                           .state = state,
                                           .waiting = 3,
                                           .admitted = 40,
                                           .refused = 5,
                                           .limited = 1}},
                                .upstreams = {{.name = "chat/a",
                                               .state = upstream,
                                               .shared = true,
                                               .limit = 12,
                                               .held = 8,
                                               .used = 7,
                                               .pending = 2,
                                               .ok = 30,
                                               .failed = 4,
                                               .refused = 1},
                                              {.name = "chat/b", .limit = 4}}};
}

/* Written and read; false as of codec_take_shown. */
static bool comes_back(const struct fleet_shown *n, struct fleet_shown *out)
{
    static char mem[32 * 1024];
    struct text t;

    text_init(&t, mem, sizeof mem);
    codec_put_shown(&t, n);
    cr_assert_not(t.full);
    return codec_take_shown(text_slice(&t), out);
}

static bool take(const char *record, struct fleet_shown *out)
{
    return codec_take_shown(slice_str(record), out);
}

Test(shown, what_a_node_tells_comes_back_as_it_was)
{
    struct fleet_shown n = node(SERVICE_SHEDDING, BREAKER_RAMPING), got = {0};

    cr_assert(comes_back(&n, &got));
    cr_assert_eq(got.state, SERVICE_SHEDDING);
    cr_assert(got.n_pools == 1 && got.n_upstreams == 2);
    cr_assert_eq(memcmp(got.pools, n.pools, sizeof n.pools[0]), 0);
    cr_assert_eq(memcmp(got.upstreams, n.upstreams, 2 * sizeof n.upstreams[0]), 0);
}

Test(shown, the_most_that_a_node_tells_fits_its_record)
{
    struct fleet_shown n = {.n_pools = FLEET_SHOWN_POOLS, .n_upstreams = FLEET_SHOWN_UPSTREAMS};
    struct fleet_shown got;

    for (int i = 0; i < FLEET_SHOWN_POOLS; i++)
        (void)snprintf(n.pools[i].name, sizeof n.pools[i].name, "%063d", i);
    for (int i = 0; i < FLEET_SHOWN_UPSTREAMS; i++)
        (void)snprintf(n.upstreams[i].name, sizeof n.upstreams[i].name, "%063d/%063d", i, i);
    cr_assert(comes_back(&n, &got));
    cr_assert(got.n_pools == FLEET_SHOWN_POOLS && got.n_upstreams == FLEET_SHOWN_UPSTREAMS);
    cr_assert_str_eq(got.upstreams[63].name, n.upstreams[63].name);
}

Test(shown, a_line_for_people_is_none_of_the_leader)
{
    struct slice s = SLICE_LIT("@ 1\n=chat 0 0 0 0 0\n");
    struct codec_line l;

    cr_assert_eq(codec_take_line(&s, &l), WEIR_NOT_FOUND);
}

Test(shown, lines_of_a_newer_weir_are_left_out_and_its_numbers_behind_ours_too)
{
    struct fleet_shown got;

    cr_assert(take("head\nchat/a ff 1 2 3\n@ 1 77 8\n=chat 1 2 3 4 5 6 7\n%what is this\n"
                   "+chat/a 0 1 2 3 4 5 6 7 8 9 10\n",
                   &got));
    cr_assert(got.n_pools == 1 && got.pools[0].limited == 5);
    cr_assert(got.n_upstreams == 1 && got.upstreams[0].refused == 8);
}

Test(shown, what_is_strange_is_left_out)
{
    static const char *const lines[] = {
        "=",
        "=chat",
        "=chat 0 0 0 0",
        "=chat 0 0 0 0 -1",
        "=chat 0 0 0 0 4294967296",
        "=chat 5 0 0 0 0", /* no such state */
        "=ch\x1b[2Jat 0 0 0 0 0",
        "=Chat 0 0 0 0 0",
        "+chat 0 1 2 3 4 5 6 7 8",
        "+chat/ 0 1 2 3 4 5 6 7 8",
        "+/a 0 1 2 3 4 5 6 7 8",
        "+a/b/c 0 1 2 3 4 5 6 7 8",
        "+chat/a 5 1 2 3 4 5 6 7 8",
        "+chat/a 0 2 2 3 4 5 6 7 8",
        "+",
    };
    struct fleet_shown got;
    char record[256];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        (void)snprintf(record, sizeof record, "@ 0\n%s\n", lines[i]);
        cr_assert(take(record, &got));
        cr_assert_eq(got.n_pools + got.n_upstreams, 0, "%s", lines[i]);
    }
    cr_assert_not(take("", &got));
    cr_assert_not(take("@\n", &got));
    cr_assert_not(take("@ 5\n", &got), "no such state");
    cr_assert_not(take("=chat 0 0 0 0 0\n", &got), "the node itself tells nothing");
}

Test(shown, every_cut_of_it_is_taken_as_less)
{
    struct fleet_shown n = node(SERVICE_SERVING, BREAKER_CLOSED), got;
    char mem[512];
    struct text t;

    text_init(&t, mem, sizeof mem);
    codec_put_shown(&t, &n);
    for (size_t cut = 0; cut < t.len; cut++) {
        (void)codec_take_shown(slice_of(mem, cut), &got);
        cr_assert(got.n_pools <= 1 && got.n_upstreams <= 2);
    }
}

/* --- sums */

Test(shown, sums_are_over_the_nodes_and_the_worst_is_named)
{
    static struct fleet_sum s;
    struct fleet_shown a = node(SERVICE_SERVING, BREAKER_CLOSED),
                       b = node(SERVICE_SHEDDING, BREAKER_OPEN),
                       c = node(SERVICE_SHEDDING, BREAKER_HALF_OPEN);

    fleet_sum_add(&s, "n1", &a);
    cr_assert(s.state == SERVICE_SERVING && s.worst.nodes == 1);
    fleet_sum_add(&s, "n2", &b);
    fleet_sum_add(&s, "n3", &c);
    cr_assert(s.nodes == 3 && s.state == SERVICE_SHEDDING && s.worst.nodes == 2);
    cr_assert_str_eq(s.worst.at, "n2");
    cr_assert(s.n_pools == 1 && s.n_upstreams == 2);
    cr_assert(s.pools[0].nodes == 3 && s.pools[0].waiting == 9 && s.pools[0].admitted == 120 &&
              s.pools[0].refused == 15 && s.pools[0].limited == 3);
    cr_assert(s.upstreams[0].state == BREAKER_OPEN && s.upstreams[0].worst.nodes == 1);
    cr_assert_str_eq(s.upstreams[0].worst.at, "n2");
    cr_assert(s.upstreams[0].held == 24 && s.upstreams[0].used == 21 && s.upstreams[0].ok == 90 &&
              s.upstreams[0].failed == 12 && s.upstreams[0].refused == 3 && s.upstreams[0].shared);
    cr_assert(s.upstreams[1].limit == 12 && !s.upstreams[1].shared);
    cr_assert(s.used == 21 && s.waiting == 9 && !s.cut);
}

Test(shown, open_is_worse_than_half_open_and_that_than_a_ramp)
{
    static const enum breaker_state order[] = {BREAKER_CLOSED, BREAKER_DRAINED, BREAKER_RAMPING,
                                               BREAKER_HALF_OPEN, BREAKER_OPEN};
    static struct fleet_sum s;

    for (int i = 0; i < 5; i++) {
        struct fleet_shown n = node(SERVICE_SERVING, order[i]), closed;

        closed = node(SERVICE_SERVING, BREAKER_CLOSED);
        fleet_sum_add(&s, "n", &n);
        fleet_sum_add(&s, "m", &closed);
        cr_assert_eq(s.upstreams[0].state, order[i]);
        cr_assert_str_eq(s.upstreams[0].worst.at, "n");
    }
}

Test(shown, nodes_with_other_pools_in_another_order_are_summed_by_name)
{
    static struct fleet_sum s;
    struct fleet_shown a = node(SERVICE_SERVING, BREAKER_CLOSED), b = a;

    (void)snprintf(b.upstreams[0].name, sizeof b.upstreams[0].name, "chat/b");
    (void)snprintf(b.upstreams[1].name, sizeof b.upstreams[1].name, "chat/a");
    fleet_sum_add(&s, "n1", &a);
    fleet_sum_add(&s, "n2", &b);
    cr_assert_eq(s.n_upstreams, 2);
    cr_assert(s.upstreams[0].used == 7 && s.upstreams[0].limit == 16);
    cr_assert(s.upstreams[1].used == 7 && s.upstreams[1].limit == 16);
}

/* A stranger writes to Redis: names without number. */
Test(shown, names_without_number_do_not_push_out_those_that_came_first)
{
    static struct fleet_sum s;
    struct fleet_shown a = node(SERVICE_SERVING, BREAKER_CLOSED), b = a;

    fleet_sum_add(&s, "n1", &a);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(b.pools[0].name, sizeof b.pools[0].name, "p%d", i);
        (void)snprintf(b.upstreams[0].name, sizeof b.upstreams[0].name, "p%d/a", i);
        fleet_sum_add(&s, "n2", &b);
    }
    cr_assert(s.cut && s.n_pools == FLEET_SUM_POOLS && s.n_upstreams == FLEET_SUM_UPSTREAMS);
    cr_assert_str_eq(s.pools[0].name, "chat");
    cr_assert(s.upstreams[0].used == 7 && s.upstreams[1].nodes == 1001);
}
