/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "weir/http/chunked.h"

/* What a decoder made of an input. */
struct decoded {
    char data[16384];
    size_t n, used;
    enum parse rc;
};

static void feed(struct chunked *c, struct slice in, struct decoded *d)
{
    struct slice data;
    size_t used;

    while (in.len > 0 && d->rc == PARSE_MORE) {
        d->rc = chunked_next(c, in, &used, &data);
        cr_assert_leq(used, in.len);
        cr_assert(used > 0 || d->rc == PARSE_BAD);
        if (data.len > 0) {
            cr_assert(data.p >= in.p && data.p + data.len <= in.p + used);
            cr_assert_leq(d->n + data.len, sizeof d->data);
            memcpy(d->data + d->n, data.p, data.len);
            d->n += data.len;
        }
        d->used += used;
        in = slice_from(in, used);
    }
}

static struct decoded *decode(struct slice in)
{
    static struct decoded d;
    struct chunked c;

    d = (struct decoded){.rc = PARSE_MORE};
    chunked_init(&c);
    feed(&c, in, &d);
    return &d;
}

#define DECODE(text) decode(slice_of((text), sizeof(text) - 1))

Test(chunked, data_comes_out_without_the_framing)
{
    struct decoded *d = DECODE("5\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nnext");

    cr_assert_eq(d->rc, PARSE_DONE);
    cr_assert(slice_eq(slice_of(d->data, d->n), SLICE_LIT("hello 0123456789")));
    cr_assert_eq(d->used, 36);
}

Test(chunked, an_empty_body_is_a_last_chunk_alone)
{
    cr_assert_eq(DECODE("0\r\n\r\n")->rc, PARSE_DONE);
    cr_assert_eq(DECODE("0000000000000000\r\n\r\n")->rc, PARSE_DONE);
}

Test(chunked, sizes_may_have_leading_zeros_and_either_case)
{
    cr_assert_eq(DECODE("000000000000000a\r\n0123456789\r\n00\r\n\r\n")->rc, PARSE_DONE);
    cr_assert_eq(DECODE("0A\r\n0123456789\r\n0\r\n\r\n")->n, 10);
}

Test(chunked, extensions_and_trailers_are_read_and_dropped)
{
    struct decoded *d = DECODE("3;name=value;\"x;y\"\r\nabc\r\n0;last\r\nX-Sum: 1\r\nY:\r\n\r\n");

    cr_assert_eq(d->rc, PARSE_DONE);
    cr_assert(slice_eq(slice_of(d->data, d->n), SLICE_LIT("abc")));
}

Test(chunked, what_is_not_exactly_so_is_broken)
{
    static const struct slice rows[] = {
        SLICE_LIT("\r\n"),
        SLICE_LIT(" 5\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5 \r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5\t;a\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("+5\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("-5\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("0x5\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5h\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("g\r\n"),
        SLICE_LIT(";a\r\n\r\n"),
        SLICE_LIT("5\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5\rhello\r\n0\r\n\r\n"),
        SLICE_LIT("5\r\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5\r\nhello\n0\r\n\r\n"),
        SLICE_LIT("5\r\nhello\r0\r\n\r\n"),
        SLICE_LIT("5\r\nhello0\r\n\r\n"),
        SLICE_LIT("5\r\nhellox\n0\r\n\r\n"),
        SLICE_LIT("5\r\nhello\rx0\r\n\r\n"),
        SLICE_LIT("5\r\nhello!\r\n0\r\n\r\n"),
        SLICE_LIT("5\r\nhello\r\n\r\n0\r\n\r\n"),
        SLICE_LIT("5;a\nb\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5;a\0\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5;a\x01\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5;a\rb\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("0\n\r\n"),
        SLICE_LIT("0\r\n\n"),
        SLICE_LIT("0\r\n\rx"),
        SLICE_LIT("0\r\n folded: x\r\n\r\n"),
        SLICE_LIT("0\r\nno colon\r\n\r\n"),
        SLICE_LIT("0\r\nX\r\n\r\n"),
        SLICE_LIT("0\r\nX : y\r\n\r\n"),
        SLICE_LIT("0\r\n: y\r\n\r\n"),
        SLICE_LIT("0\r\nX: y\n\r\n"),
        SLICE_LIT("0\r\nX: y\0\r\n\r\n"),
        SLICE_LIT("0\r\nX: y\rz\r\n\r\n"),
        SLICE_LIT("0\r\nGET / HTTP/1.1\r\n\r\n"),
        SLICE_LIT("00000000000000005\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("10000000000000000\r\n"),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(decode(rows[i])->rc, PARSE_BAD, "row %zu passed", i);
}

Test(chunked, stays_broken_and_stays_done)
{
    struct chunked c;
    struct slice data;
    size_t used;

    chunked_init(&c);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("x"), &used, &data), PARSE_BAD);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("5\r\n"), &used, &data), PARSE_BAD);
    cr_assert_eq(used, 0);
    chunked_init(&c);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("0\r\n\r\n"), &used, &data), PARSE_DONE);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("5\r\n"), &used, &data), PARSE_DONE);
    cr_assert_eq(used, 0);
}

Test(chunked, a_size_that_could_be_read_as_negative_is_broken)
{
    struct chunked c;
    struct slice data;
    size_t used;

    chunked_init(&c);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("7fffffffffffffff\r\nab"), &used, &data), PARSE_MORE);
    cr_assert_eq(data.len, 2);
    cr_assert_eq(chunked_left(&c), INT64_MAX - 2);
    cr_assert_eq(DECODE("8000000000000000\r\n")->rc, PARSE_BAD);
    cr_assert_eq(DECODE("ffffffffffffffff\r\n")->rc, PARSE_BAD);
}

Test(chunked, says_how_much_of_a_chunk_is_to_come)
{
    struct chunked c;
    struct slice data;
    size_t used;

    chunked_init(&c);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("1"), &used, &data), PARSE_MORE);
    cr_assert_eq(chunked_left(&c), 0);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("0\r\n"), &used, &data), PARSE_MORE);
    cr_assert_eq(chunked_left(&c), 16);
    cr_assert_eq(chunked_next(&c, SLICE_LIT("0123456789"), &used, &data), PARSE_MORE);
    cr_assert_eq(chunked_left(&c), 6);
}

/* A chunk of one byte with n bytes of extension, the ';' among them. */
static size_t extended(char *at, size_t n)
{
    at[0] = '1';
    at[1] = ';';
    memset(at + 2, 'e', n - 1);
    memcpy(at + 1 + n, "\r\nx\r\n", 5);
    return 6 + n;
}

Test(chunked, an_extension_of_exactly_the_limit_passes)
{
    char mem[1024];

    cr_assert_eq(decode(slice_of(mem, extended(mem, 256)))->rc, PARSE_MORE);
    cr_assert_eq(decode(slice_of(mem, extended(mem, 257)))->rc, PARSE_BAD);
}

Test(chunked, extensions_have_a_limit_in_all)
{
    char mem[8192];
    size_t at = 0;

    for (int i = 0; i < 16; i++)
        at += extended(mem + at, 256);
    cr_assert_eq(decode(slice_of(mem, at))->rc, PARSE_MORE);
    cr_assert_eq(decode(slice_of(mem, at))->n, 16);
    at += extended(mem + at, 1);
    cr_assert_eq(decode(slice_of(mem, at))->rc, PARSE_BAD);
}

Test(chunked, trailers_of_exactly_the_limit_pass)
{
    static char mem[9000];

    memcpy(mem, "0\r\nX:", 5);
    memset(mem + 5, 'v', 8192 - 4);
    memcpy(mem + 5 + 8192 - 4, "\r\n\r\n", 4);
    cr_assert_eq(decode(slice_of(mem, 3 + 8192 + 2))->rc, PARSE_DONE);
    memset(mem + 5, 'v', 8192 - 3);
    memcpy(mem + 5 + 8192 - 3, "\r\n\r\n", 4);
    cr_assert_eq(decode(slice_of(mem, 3 + 8193 + 2))->rc, PARSE_BAD);
}

Test(chunked, any_split_gives_the_same_data)
{
    static const struct slice rows[] = {
        SLICE_LIT("5\r\nhello\r\n1;x=\"y\"\r\n \r\nA\r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\nnext"),
        SLICE_LIT("5;a\r\nhello\r\n0\r\n\r\n"),
        SLICE_LIT("5\r\nhello\r\nx"),
        SLICE_LIT("5\r\nhello\n"),
    };
    struct decoded whole, part;
    struct chunked c;
    struct guard g;

    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        whole = *decode(rows[i]);
        for (size_t cut = 0; cut <= rows[i].len; cut++) {
            part = (struct decoded){.rc = PARSE_MORE};
            chunked_init(&c);
            feed(&c, guard_put(&g, slice_of(rows[i].p, cut)), &part);
            feed(&c, guard_put(&g, slice_from(rows[i], cut)), &part);
            cr_assert_eq(part.rc, whole.rc, "row %zu cut at %zu", i, cut);
            cr_assert_eq(part.used, whole.used);
            cr_assert(slice_eq(slice_of(part.data, part.n), slice_of(whole.data, whole.n)));
        }
        part = (struct decoded){.rc = PARSE_MORE};
        chunked_init(&c);
        for (size_t n = 0; n < rows[i].len; n++)
            feed(&c, guard_put(&g, slice_of(rows[i].p + n, 1)), &part);
        cr_assert_eq(part.rc, whole.rc);
        cr_assert(slice_eq(slice_of(part.data, part.n), slice_of(whole.data, whole.n)));
    }
    guard_fini(&g);
}
