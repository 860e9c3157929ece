/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/json_out.h"

Test(json_out, places_commas_and_closes_levels)
{
    char mem[256];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    json_u64(&j, "a", 1);
    json_open_array(&j, "b");
    json_open_object(&j, NULL);
    json_bool(&j, "c", true);
    json_close(&j);
    json_put_null(&j, NULL);
    json_close(&j);
    json_num(&j, "d", 0.5, 2);
    json_cstr(&j, "e", NULL);
    json_close(&j);
    cr_assert_str_eq(mem, "{\"a\":1,\"b\":[{\"c\":true},null],\"d\":0.50,\"e\":null}");
}

Test(json_out, escapes_controls_quotes_and_bytes_that_are_not_utf8)
{
    char mem[256];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_str(&j, NULL, SLICE_LIT("a\"\\\n\x01\xc3\xa9\xff\xed\xa0\x80z"));
    cr_assert_str_eq(
        mem, "\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

Test(json_out, cuts_nothing_silently)
{
    char mem[8];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_str(&j, NULL, SLICE_LIT("0123456789"));
    cr_assert(t.full);
}
