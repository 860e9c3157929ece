/* SPDX-License-Identifier: Apache-2.0 */
/* Field lists: borrowed and made values, kept and restored, as lines. */
#include <criterion/criterion.h>
#include <string.h>

#include "weir/http/field_list.h"

static struct http_field fields[4];
static char made[64];

static struct field_list empty(void)
{
    struct field_list l;

    field_list_init(&l, fields, 4, made, sizeof made);
    return l;
}

static void expect_lines(const struct field_list *l, const char *want)
{
    char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    field_list_lines(l, &t);
    cr_assert_str_eq(t.at, want);
    cr_assert_eq(field_list_lines_len(l), t.len);
}

Test(field_list, is_written_as_lines_in_its_order)
{
    struct field_list l = empty();

    field_add(&l, SLICE_LIT("Via"), SLICE_LIT("1.1 weir"));
    field_add_copy(&l, SLICE_LIT("empty"), SLICE_NONE);
    text_u64(field_begin(&l, SLICE_LIT("age")), 12);
    field_end(&l);
    expect_lines(&l, "Via: 1.1 weir\r\nempty: \r\nage: 12\r\n");
}

Test(field_list, is_the_same_after_it_was_kept)
{
    struct field_list l = empty(), back;
    struct http_field again[4];
    struct buf kept = BUF_INIT;
    char mem[8];

    field_add(&l, SLICE_LIT("a"), SLICE_LIT("1"));
    field_add(&l, SLICE_LIT("b"), SLICE_NONE);
    cr_assert_eq(field_list_keep(&l, &kept, 4096), WEIR_OK);
    field_list_init(&back, again, 4, mem, sizeof mem);
    field_list_restore(&back, buf_slice(&kept), 0);
    expect_lines(&back, "a: 1\r\nb: \r\n");
    buf_free(&kept);
}

Test(field_list, nothing_is_kept_of_nothing)
{
    struct field_list l = empty();
    struct buf kept = BUF_INIT;

    cr_assert_eq(field_list_keep(&l, &kept, 4096), WEIR_OK);
    field_list_restore(&l, buf_slice(&kept), 0);
    buf_free(&kept);
    cr_assert_eq(l.n, 0);
}

Test(field_list, says_when_a_field_or_a_value_has_no_room)
{
    struct field_list l = empty();
    struct buf kept = BUF_INIT;
    char large[80];

    for (int i = 0; i < 4; i++)
        field_add(&l, SLICE_LIT("n"), SLICE_LIT("v"));
    cr_assert_not(l.full);
    field_add_copy(&l, SLICE_LIT("n"), SLICE_LIT("v"));
    cr_assert(l.full);
    cr_assert_eq(field_list_keep(&l, &kept, 4096), WEIR_LIMIT);
    l = empty();
    memset(large, 'x', sizeof large);
    field_add_copy(&l, SLICE_LIT("n"), slice_of(large, sizeof large));
    cr_assert(l.full);
}

Test(field_list, does_not_keep_more_than_it_may)
{
    struct field_list l = empty();
    struct buf kept = BUF_INIT;

    field_add(&l, SLICE_LIT("name"), SLICE_LIT("value"));
    cr_assert_eq(field_list_keep(&l, &kept, 8), WEIR_LIMIT);
    cr_assert(buf_empty(&kept));
}

Test(field_list, leaves_aside_what_is_no_field_and_knows_its_lines_until_one_is_added)
{
    struct field_list l = empty(), back;
    struct http_field again[4];
    struct buf kept = BUF_INIT;
    char mem[8];

    field_add(&l, SLICE_LIT("method"), SLICE_LIT("GET"));
    field_add(&l, SLICE_LIT("a"), SLICE_LIT("1"));
    field_add(&l, SLICE_LIT("b"), SLICE_NONE);
    cr_assert_eq(field_list_keep(&l, &kept, 4096), WEIR_OK);
    field_list_init(&back, again, 4, mem, sizeof mem);
    field_list_restore(&back, buf_slice(&kept), 1);
    cr_assert(slice_eq(again[0].value, SLICE_LIT("GET")));
    expect_lines(&back, "a: 1\r\nb: \r\n");
    cr_assert_eq(back.n, 0, "fields are made when they are wanted");
    field_list_read(&back);
    cr_assert_eq(back.n, 2);
    cr_assert(slice_eq(back.at[0].value, SLICE_LIT("1")));
    cr_assert(slice_eq(back.lines, SLICE_LIT("a: 1\r\nb: \r\n")));
    field_add(&back, SLICE_LIT("c"), SLICE_LIT("x:y"));
    expect_lines(&back, "a: 1\r\nb: \r\nc: x:y\r\n");
    buf_free(&kept);
}

/* Copied at once are only lines that stand one behind the other, as they are to be written. */
Test(field_list, lines_of_a_received_head_are_written_with_what_is_between_them)
{
    static const char head[] = "a: 1\r\nb:  2\r\nc: 3\r\nd: 4\r\ne:5\r\nf: 6 \r\ng: \r\nh: 8\r\n";
    static const struct {
        int name, value, len;
    } at[] = {{0, 3, 1},   {6, 10, 1},  {13, 16, 1}, {19, 22, 1},
              {25, 27, 1}, {30, 33, 1}, {37, 40, 0}, {42, 45, 1}};
    static const char *const want[] = {"a: 1\r\n", "b: 2\r\n", "c: 3\r\n", "d: 4\r\n",
                                       "e: 5\r\n", "f: 6\r\n", "g: \r\n",  "h: 8\r\n"};
    struct http_field some[8];

    for (unsigned set = 0; set < 256; set++) { /* each choice of them */
        struct field_list l;
        char lines[64] = "";

        field_list_init(&l, some, 8, made, sizeof made);
        for (int i = 0; i < 8; i++) {
            if ((set >> i & 1) == 0)
                continue;
            field_add(&l, slice_of(head + at[i].name, 1),
                      slice_of(head + at[i].value, (size_t)at[i].len));
            strcat(lines, want[i]);
        }
        expect_lines(&l, lines);
    }
}
