/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "weir/base/hash.h"
#include "wheel.h"

static size_t count_expired(struct wheel *w)
{
    size_t n = 0;

    LIST_EACH(node, &w->expired)
    n++;
    return n;
}

Test(wheel, is_empty_at_first)
{
    struct wheel *w = malloc(sizeof *w);

    wheel_init(w, 7);
    cr_assert_eq(wheel_next(w), UINT64_MAX);
    wheel_advance(w, UINT64_C(1) << 41);
    cr_assert(list_empty(&w->expired));
    free(w);
}

Test(wheel, what_is_due_already_expires_at_once)
{
    struct wheel *w = malloc(sizeof *w);
    struct wheel_entry e;

    wheel_init(w, 1000);
    wheel_add(w, &e, 999);
    cr_assert_eq(w->expired.next, &e.node);
    free(w);
}

Test(wheel, expires_at_the_tick_and_not_before)
{
    static const uint64_t delays[] = {1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 1u << 30};
    struct wheel *w = malloc(sizeof *w);

    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct wheel_entry e;

        wheel_init(w, 12345);
        wheel_add(w, &e, 12345 + delays[i]);
        cr_assert_leq(wheel_next(w), 12345 + delays[i]);
        wheel_advance(w, 12345 + delays[i] - 1);
        cr_assert(list_empty(&w->expired), "%lu too early", delays[i]);
        wheel_advance(w, 12345 + delays[i]);
        cr_assert_eq(count_expired(w), 1, "%lu too late", delays[i]);
        cr_assert_eq(wheel_next(w), UINT64_MAX);
    }
    free(w);
}

Test(wheel, a_removed_entry_does_not_expire)
{
    struct wheel *w = malloc(sizeof *w);
    struct wheel_entry e;

    wheel_init(w, 0);
    wheel_add(w, &e, 5000);
    list_remove(&e.node);
    wheel_advance(w, 10000);
    cr_assert(list_empty(&w->expired));
    free(w);
}

/* Against the plain model: a list searched from end to end. */
Test(wheel, agrees_with_a_list_over_random_work)
{
    enum { N = 300 };
    struct wheel *w = malloc(sizeof *w);
    struct wheel_entry e[N];
    bool in[N] = {false};
    uint64_t now = 1;
    struct rng r;

    rng_seed(&r, 42);
    wheel_init(w, now);
    for (int step = 0; step < 20000; step++) {
        size_t i = rng_next(&r) % N;

        if (in[i])
            list_remove(&e[i].node);
        in[i] = rng_next(&r) % 4 != 0;
        if (in[i])
            wheel_add(w, &e[i], now + (rng_next(&r) & ((UINT64_C(1) << rng_next(&r) % 24) - 1)));
        if (rng_next(&r) % 3 != 0)
            continue;
        now += rng_next(&r) & ((UINT64_C(1) << rng_next(&r) % 16) - 1);
        wheel_advance(w, now);
        while (!list_empty(&w->expired)) {
            struct wheel_entry *x = LIST_OBJECT(w->expired.next, struct wheel_entry, node);

            list_remove(&x->node);
            cr_assert_leq(x->tick, now);
            in[x - e] = false;
        }
        for (i = 0; i < N; i++)
            cr_assert(!in[i] || e[i].tick > now, "entry %zu is late", i);
        uint64_t first = UINT64_MAX;
        for (i = 0; i < N; i++)
            first = in[i] && e[i].tick < first ? e[i].tick : first;
        cr_assert_leq(wheel_next(w), first);
    }
    free(w);
}
