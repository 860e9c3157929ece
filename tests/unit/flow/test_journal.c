/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "control/journal.h"

static struct journal list;

static void empty(void)
{
    list.n = 0;
    list.seq = 0;
}

TestSuite(journal, .init = empty);

static struct control_event *happens(const char *upstream, enum breaker_state from,
                                     enum breaker_state to)
{
    struct control_event *e = journal_add(&list);

    e->at_wall_ns = 1000 * list.seq;
    e->pool = "chat";
    e->upstream = upstream;
    e->from = from;
    e->to = to;
    return journal_fold(&list);
}

static struct control_event *probed_in_vain(const char *upstream)
{
    (void)happens(upstream, BREAKER_OPEN, BREAKER_HALF_OPEN);
    return happens(upstream, BREAKER_HALF_OPEN, BREAKER_OPEN);
}

Test(journal, keeps_what_an_outage_began_with_and_counts_the_probes)
{
    const struct control_event *e;

    (void)happens("a", BREAKER_CLOSED, BREAKER_OPEN);
    for (int i = 0; i < 5000; i++)
        e = probed_in_vain("a");
    cr_assert_eq(list.n, 3);
    cr_assert_eq(list.at[0].from, BREAKER_CLOSED);
    cr_assert_eq(list.at[1].to, BREAKER_HALF_OPEN);
    cr_assert_eq(e->times, 5000);
    cr_assert_eq(e->first_wall_ns, 3000, "the first in vain");
    cr_assert_eq(e->at_wall_ns, 1000 * list.seq);
    cr_assert_eq(e->seq, 10001);
}

Test(journal, counts_each_upstream_on_its_own)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(probed_in_vain("a")->times, i + 1);
        cr_assert_eq(probed_in_vain("b")->times, i + 1);
    }
    cr_assert_eq(list.n, 4);
}

Test(journal, does_not_count_over_what_came_between)
{
    (void)probed_in_vain("a");
    (void)happens("a", BREAKER_OPEN, BREAKER_HALF_OPEN);
    (void)happens("a", BREAKER_HALF_OPEN, BREAKER_RAMPING);
    (void)happens("a", BREAKER_RAMPING, BREAKER_OPEN);
    cr_assert_eq(probed_in_vain("a")->times, 1);
    cr_assert_eq(list.n, 7);
}

Test(journal, passes_over_events_that_are_no_change_of_state)
{
    struct control_event *order;

    (void)probed_in_vain("a");
    order = journal_add(&list);
    order->pool = "chat";
    order->upstream = "a";
    cr_assert_eq(probed_in_vain("a")->times, 2);
    cr_assert_eq(list.n, 3, "the order stays");
}

Test(journal, drops_the_oldest_when_it_is_full)
{
    for (int i = 0; i < EVENTS_KEPT + 5; i++)
        (void)happens("a", BREAKER_CLOSED, BREAKER_OPEN);
    cr_assert_eq(list.n, EVENTS_KEPT);
    cr_assert_eq(list.at[0].seq, 6);
    cr_assert_eq(list.at[EVENTS_KEPT - 1].seq, EVENTS_KEPT + 5);
}

Test(journal, events_of_an_earlier_process_come_first)
{
    struct control_event older[3] = {{.seq = 4, .pool = ""}, {.seq = 6, .pool = ""}, {.seq = 7}};

    older[2].pool = "chat";
    (void)happens("a", BREAKER_CLOSED, BREAKER_OPEN);
    journal_put_before(&list, older, 3, 7);
    cr_assert_eq(list.n, 4);
    cr_assert_eq(list.at[0].seq, 4);
    cr_assert_eq(list.at[2].seq, 7);
    cr_assert_eq(list.at[3].seq, 8);
    (void)happens("a", BREAKER_OPEN, BREAKER_HALF_OPEN);
    cr_assert_eq(list.at[4].seq, 9);
}

Test(journal, as_many_events_of_an_earlier_process_as_there_is_room_for)
{
    static struct control_event older[EVENTS_KEPT];

    for (size_t i = 0; i < EVENTS_KEPT; i++)
        older[i].seq = i + 1;
    for (int i = 0; i < 3; i++)
        (void)happens("a", BREAKER_CLOSED, BREAKER_OPEN);
    journal_put_before(&list, older, EVENTS_KEPT, EVENTS_KEPT);
    cr_assert_eq(list.n, EVENTS_KEPT);
    cr_assert_eq(list.at[0].seq, 4);
    cr_assert_eq(list.at[EVENTS_KEPT - 1].seq, EVENTS_KEPT + 3);
}
