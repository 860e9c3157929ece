/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/slab.h"

Test(slab, is_empty_after_max_and_whole_after_give)
{
    struct slab s;
    void *o[3];

    slab_init(&s, 100, 3);
    for (int i = 0; i < 3; i++) {
        o[i] = slab_take(&s);
        cr_assert_not_null(o[i]);
    }
    cr_assert_null(slab_take(&s));
    slab_give(&s, o[1]);
    cr_assert_eq(slab_take(&s), o[1]);
    slab_fini(&s);
}

Test(slab, hands_out_zeroed_objects)
{
    struct slab s;
    char *o;

    slab_init(&s, 64, 10);
    o = slab_take(&s);
    memset(o, 0x5a, 64);
    slab_give(&s, o);
    o = slab_take(&s);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(o[i], 0);
    slab_fini(&s);
}
