/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

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

/* Wherever it stands among bytes that need nothing, each byte is written as if it stood alone. */
Test(json_out, escapes_each_byte_at_each_place_of_a_long_string)
{
    for (int c = 1; c < 0x80; c++) {
        char one[16], text[32], want[64], got[64];
        struct json_out j;
        struct text t;

        text_init(&t, one, sizeof one);
        json_begin(&j, &t);
        json_str(&j, NULL, slice_of(&(char){(char)c}, 1));
        for (size_t at = 0; at < 20; at++) {
            memset(text, 'm', 20);
            text[at] = (char)c;
            (void)snprintf(want, sizeof want, "\"%.*s%.*s%.*s\"", (int)at, "mmmmmmmmmmmmmmmmmmmm",
                           (int)strlen(one) - 2, one + 1, (int)(19 - at), "mmmmmmmmmmmmmmmmmmmm");
            text_init(&t, got, sizeof got);
            json_begin(&j, &t);
            json_str(&j, NULL, slice_of(text, 20));
            cr_assert_str_eq(got, want);
        }
    }
}

Test(json_out, escapes_what_would_turn_or_break_a_line)
{
    char mem[256];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_str(&j, NULL, SLICE_LIT("\xc2\x85\xe2\x80\xae\xe2\x80\xa9\xf3\xa0\x80\x81"));
    cr_assert_str_eq(mem, "\"\\u0085\\u202e\\u2029\\udb40\\udc01\"");
}
