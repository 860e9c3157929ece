/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bench/backend/prefix.h"
#include "guard.h"

static void fill(char *text, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + (i / 7 + i * i) % 26);
    (void)snprintf(text, 8, "%d", seed);
}

Test(prefix, only_the_leading_known_blocks_count)
{
    struct prefix_cache p;
    char text[640], other[640];

    fill(text, sizeof text, 1);
    memcpy(other, text, sizeof text);
    other[200] = '!'; /* in the fourth block */
    prefix_init(&p, 256);
    cr_assert_eq(prefix_learn(&p, guarded(slice_of(text, sizeof text))), 0);
    cr_assert_eq(prefix_learn(&p, guarded(slice_of(text, sizeof text))), 640);
    cr_assert_eq(prefix_learn(&p, guarded(slice_of(other, sizeof other))), 192);
    cr_assert_eq(prefix_learn(&p, guarded(slice_of(text, 100))), 64, "a part of a block is none");
    prefix_clear(&p);
    cr_assert_eq(prefix_learn(&p, slice_of(text, sizeof text)), 0);
    prefix_fini(&p);
}

Test(prefix, without_blocks_nothing_is_known)
{
    struct prefix_cache p;
    char text[128];

    fill(text, sizeof text, 2);
    prefix_init(&p, 0);
    (void)prefix_learn(&p, slice_of(text, sizeof text));
    cr_assert_eq(prefix_learn(&p, slice_of(text, sizeof text)), 0);
    prefix_fini(&p);
}

Test(prefix, a_small_cache_forgets_the_oldest)
{
    struct prefix_cache p;
    char text[64];
    int known = 0;

    prefix_init(&p, 64);
    for (int i = 0; i < 1000; i++) {
        fill(text, sizeof text, i);
        (void)prefix_learn(&p, slice_of(text, sizeof text));
    }
    cr_assert_eq(prefix_learn(&p, slice_of(text, sizeof text)), 64, "the newest is there");
    for (int i = 0; i < 900; i++) {
        fill(text, sizeof text, i);
        known += prefix_learn(&p, slice_of(text, sizeof text)) > 0;
    }
    cr_assert(known < 450, "%d", known);
    prefix_fini(&p);
}
