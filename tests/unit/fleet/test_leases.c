/* SPDX-License-Identifier: Apache-2.0 */
/* Leases on the wire: what goes out, and what is taken of what a Redis in the test's hand says. */
#include "fleet_priv.h"
#include "redis_test.h"

static uint64_t left[LEASE_SHARE_ASKED];
static int answers, none;
static struct fleet_leases carried;

static void fill_in(struct fleet_leases *l, struct lease_rooms rooms, void *owner)
{
    (void)owner;
    cr_assert_leq(carried.n_told, rooms.tell);
    *l = carried;
}

static void answered(const uint64_t *left_ns, void *owner)
{
    (void)owner;
    answers++;
    none += left_ns == NULL;
    if (left_ns != NULL)
        memcpy(left, left_ns, carried.n_asked * sizeof *left);
}

static const struct fleet_hooks hooks = {.leases = fill_in, .leases_answer = answered};
static struct redis_test t;
static struct fleet *f;

static void start(void)
{
    answers = none = 0;
    redis_test_open(&t, "", "", 30 * NS_PER_S);
    f = calloc(1, sizeof *f);
    cr_assert_not_null(f);
    f->loop = t.loop;
    f->hooks = &hooks;
    f->nodes = 4;
}

static void stop(void)
{
    free(f);
    redis_test_close(&t);
}

TestSuite(fleet_leases, .init = start, .fini = stop);

static void put(void)
{
    script_begin_plain(&f->call, t.link, "PING", "x");
    leases_put(f);
    cr_assert_eq(f->call.n, 4);
}

Test(fleet_leases, are_two_words_of_fixed_digits)
{
    carried = (struct fleet_leases){
        .told = {{0xab, 600 * NS_PER_S}, {1, NS_PER_MS - 1}, {UINT64_MAX, 3600 * NS_PER_S}},
        .asked = {7, UINT64_MAX},
        .n_told = 3,
        .n_asked = 2};
    put();
    cr_assert(
        slice_eq(f->call.words[2], SLICE_LIT("00000000000000ab000927c0ffffffffffffffff0036ee80")),
        "one that is over by now is not told");
    cr_assert(slice_eq(f->call.words[3], SLICE_LIT("0000000000000007ffffffffffffffff")));
}

Test(fleet_leases, as_many_as_one_call_takes_find_room_in_it)
{
    carried = (struct fleet_leases){.n_told = LEASE_SHARE_TOLD, .n_asked = LEASE_SHARE_ASKED};
    for (size_t i = 0; i < LEASE_SHARE_TOLD; i++)
        carried.told[i] = (struct fleet_lease){UINT64_MAX - i, 3600 * NS_PER_S};
    put();
    cr_assert(!f->call.full);
    cr_assert_eq(f->call.words[2].len, LEASE_SHARE_TOLD * 24);
    cr_assert_eq(f->call.words[3].len, LEASE_SHARE_ASKED * 16);
}

static struct reply number(int64_t n)
{
    return (struct reply){.type = REPLY_INTEGER, .integer = n};
}

static void say(struct reply *items, size_t n)
{
    struct reply r = {.type = REPLY_ARRAY, .items = items, .n = n};

    leases_took(f, &r);
}

Test(fleet_leases, are_taken_within_an_hour)
{
    struct reply items[] = {number(0), number(1500), number(INT64_MAX)};

    carried = (struct fleet_leases){.n_asked = 3};
    put();
    say(items, 3);
    cr_assert_eq(answers, 1);
    cr_assert_eq(none, 0);
    cr_assert_eq(left[0], 0);
    cr_assert_eq(left[1], 1500 * NS_PER_MS);
    cr_assert_eq(left[2], 3600 * NS_PER_S);
    cr_assert_eq(f->rejected, 0);
}

Test(fleet_leases, what_is_no_lease_is_none_and_counted)
{
    struct reply items[] = {number(-1),
                            {.type = REPLY_STRING, .text = SLICE_LIT("soon")},
                            {.type = REPLY_NIL},
                            number(20)};

    carried = (struct fleet_leases){.n_asked = 4};
    put();
    say(items, 4);
    cr_assert_eq(none, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(left[i], 0);
    cr_assert_eq(left[3], 20 * NS_PER_MS, "the others hold");
    cr_assert_eq(f->rejected, 3);
}

Test(fleet_leases, an_answer_of_another_length_is_none)
{
    struct reply items[] = {number(1), number(2), number(3)};
    struct reply text = {.type = REPLY_STRING, .text = SLICE_LIT("x")};

    carried = (struct fleet_leases){.n_asked = 2};
    put();
    say(items, 3);
    say(items, 1);
    leases_took(f, &text);
    leases_took(f, NULL);
    cr_assert_eq(answers, 4);
    cr_assert_eq(none, 4);
}
