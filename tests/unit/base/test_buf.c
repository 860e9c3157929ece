/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/buf.h"

Test(buf, holds_no_memory_while_empty)
{
    struct buf b = BUF_INIT;

    cr_assert_eq(buf_append(&b, SLICE_LIT("hello"), 100), WEIR_OK);
    cr_assert_not_null(b.mem);
    buf_consume(&b, 5);
    cr_assert_null(b.mem);
}

Test(buf, keeps_order_across_consume_and_growth)
{
    struct buf b = BUF_INIT;
    unsigned char in = 0, out = 0;

    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < 7; i++, in++)
            cr_assert_eq(buf_append(&b, slice_of(&in, 1), 1U << 20), WEIR_OK);
        for (int i = 0; i < 5; i++, out++) {
            cr_assert_eq((unsigned char)buf_slice(&b).p[0], out);
            buf_consume(&b, 1);
        }
    }
    cr_assert_eq(b.len, 4000);
    buf_free(&b);
}

Test(buf, refuses_to_grow_past_its_bound_and_keeps_what_it_has)
{
    struct buf b = BUF_INIT;

    cr_assert_eq(buf_append(&b, SLICE_LIT("1234"), 6), WEIR_OK);
    cr_assert_eq(buf_append(&b, SLICE_LIT("567"), 6), WEIR_LIMIT);
    cr_assert_eq(buf_append(&b, SLICE_LIT("56"), 6), WEIR_OK);
    cr_assert(slice_eq(buf_slice(&b), SLICE_LIT("123456")));
    buf_free(&b);
}
