/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"

/* What came of the bytes, fed in pieces of `step`. */
static enum reply_reading feed_by(struct reply_reader *r, struct slice s, size_t step,
                                  const struct reply **out, const char **why)
{
    enum reply_reading rc = REPLY_MORE;

    while (s.len > 0 && rc == REPLY_MORE) {
        size_t n = s.len < step ? s.len : step;

        rc = reply_reader_feed(r, slice_of(s.p, n), out, why);
        s = slice_from(s, n);
    }
    return rc;
}

static void expect_bad(struct slice s, const char *because)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why = "";

    cr_assert_eq(feed_by(r, s, SIZE_MAX, &out, &why), REPLY_BAD);
    cr_assert_str_eq(why, because);
    reply_reader_destroy(&r);
}

Test(reply, each_kind_is_read_at_every_split)
{
    const struct slice s = SLICE_LIT("*5\r\n$3\r\na\0b\r\n:-7\r\n$-1\r\n*1\r\n+OK\r\n-ERR no\r\n");

    for (size_t step = 1; step <= s.len; step++) {
        struct reply_reader *r = reply_reader_create();
        const struct reply *out = NULL;
        const char *why = "";

        cr_assert_eq(feed_by(r, s, step, &out, &why), REPLY_WHOLE, "%s", why);
        cr_assert_eq(out->n, 5);
        cr_assert(slice_eq(reply_text(reply_item(out, 0)), SLICE_LIT("a\0b")));
        cr_assert_eq(reply_item(out, 1)->integer, -7);
        cr_assert_eq(reply_item(out, 2)->type, REPLY_NIL);
        cr_assert_eq(reply_item(reply_item(out, 3), 0)->type, REPLY_STATUS);
        cr_assert_eq(reply_item(out, 4)->type, REPLY_ERROR);
        cr_assert_null(reply_item(out, 5));
        reply_reader_destroy(&r);
    }
}

Test(reply, one_reader_reads_one_after_the_other)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why;
    int64_t n = 0;

    for (int i = 0; i < 3; i++) {
        cr_assert_eq(reply_reader_feed(r, SLICE_LIT("$2\r\n4"), &out, &why), REPLY_MORE);
        cr_assert_eq(reply_reader_feed(r, SLICE_LIT("2\r\n"), &out, &why), REPLY_WHOLE);
        cr_assert_eq(reply_i64(out, &n), WEIR_OK);
        cr_assert_eq(n, 42);
    }
    reply_reader_destroy(&r);
}

Test(reply, numbers_are_numbers_only)
{
    struct reply text = {.type = REPLY_STRING, .text = SLICE_LIT("-12")};
    int64_t n = 0;

    cr_assert_eq(reply_i64(&text, &n), WEIR_OK);
    cr_assert_eq(n, -12);
    text.text = SLICE_LIT("12x");
    cr_assert_eq(reply_i64(&text, &n), WEIR_BAD);
    text.text = SLICE_LIT("99999999999999999999");
    cr_assert_eq(reply_i64(&text, &n), WEIR_BAD);
    cr_assert_eq(reply_i64(NULL, &n), WEIR_BAD);
}

Test(reply, what_nobody_asked_for_is_bad)
{
    expect_bad(SLICE_LIT("+OK\r\n+OK\r\n"), "more than was asked for");
}

Test(reply, large_arrays_are_refused_by_their_first_line)
{
    expect_bad(SLICE_LIT("*4097\r\n"), "an array of more than 4,096 items");
    expect_bad(SLICE_LIT("*2147483647\r\n"), "an array of more than 4,096 items");
}

Test(reply, deep_arrays_are_refused)
{
    expect_bad(SLICE_LIT("*1\r\n*1\r\n*1\r\n*1\r\n"), "arrays within arrays, more than three deep");
}

Test(reply, a_long_string_is_refused_before_it_is_there)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why = "";
    static char piece[1024];
    size_t fed = 0;

    memset(piece, 'x', sizeof piece);
    cr_assert_eq(reply_reader_feed(r, SLICE_LIT("$2000000000\r\n"), &out, &why), REPLY_MORE);
    while (reply_reader_feed(r, slice_of(piece, sizeof piece), &out, &why) == REPLY_MORE)
        fed += sizeof piece;
    cr_assert_leq(fed, REPLY_TEXT_MAX + 2 * sizeof piece);
    cr_assert_str_eq(why, "a string of more than 64 KiB");
    reply_reader_destroy(&r);
}

Test(reply, an_endless_line_is_refused)
{
    static char line[128 * 1024];

    memset(line, 'x', sizeof line);
    line[0] = '+';
    expect_bad(slice_of(line, sizeof line), "a string of more than 64 KiB");
}

Test(reply, many_bytes_in_small_strings_are_refused)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why = "";
    size_t n = 0;

    cr_assert_eq(reply_reader_feed(r, SLICE_LIT("*4096\r\n"), &out, &why), REPLY_MORE);
    for (; n < 4096; n++) {
        char all[8 + 61440 + 2];

        memset(all, 'x', sizeof all);
        memcpy(all, "$61440\r\n", 8);
        memcpy(all + 8 + 61440, "\r\n", 2);
        if (reply_reader_feed(r, slice_of(all, sizeof all), &out, &why) != REPLY_MORE)
            break;
    }
    cr_assert_leq(n, REPLY_BYTES_MAX / 61440);
    cr_assert_str_eq(why, "a reply of more than 8 MiB");
    reply_reader_destroy(&r);
}

Test(reply, many_items_in_small_arrays_are_refused)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why = "";
    enum reply_reading rc = reply_reader_feed(r, SLICE_LIT("*4096\r\n"), &out, &why);

    for (int i = 0; i < 4096 && rc == REPLY_MORE; i++) {
        rc = reply_reader_feed(r, SLICE_LIT("*4096\r\n"), &out, &why);
        for (int k = 0; k < 4096 && rc == REPLY_MORE; k++)
            rc = reply_reader_feed(r, SLICE_LIT("$-1\r\n"), &out, &why);
    }
    cr_assert_eq(rc, REPLY_BAD);
    cr_assert_str_eq(why, "more than 65,536 items");
    reply_reader_destroy(&r);
}

Test(reply, what_is_no_reply_is_bad)
{
    struct reply_reader *r = reply_reader_create();
    const struct reply *out;
    const char *why = "";

    cr_assert_eq(reply_reader_feed(r, SLICE_LIT("HTTP/1.1 200 OK\r\n\r\n"), &out, &why), REPLY_BAD);
    cr_assert_neq(why[0], '\0');
    cr_assert_eq(reply_reader_feed(r, SLICE_LIT("+OK\r\n"), &out, &why), REPLY_BAD,
                 "it does not come to its senses again");
    reply_reader_destroy(&r);
}
