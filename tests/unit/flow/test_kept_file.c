/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "control/kept_file.h"

#define WRITTEN_NS UINT64_C(1764374400000000000)

static struct buf file;
static struct kept_entry in[2];

static void start(void)
{
    in[0] = (struct kept_entry){SLICE_LIT("chat"), SLICE_LIT("a"), kept_url("http://a:1"), {{0}}};
    in[1] = (struct kept_entry){SLICE_LIT("chat"), SLICE_LIT(""), kept_url("http://b:1"), {{0}}};
    for (int i = 0; i < KEPT_NUMBERS; i++) {
        in[0].kept.number[i] = i * 1.25 - 3;
        in[1].kept.number[i] = 1.0 / (i + 3);
    }
    file = BUF_INIT;
    cr_assert(kept_file_begin(&file, WRITTEN_NS));
    for (int i = 0; i < 2; i++)
        cr_assert(kept_file_add(&file, &in[i]));
    cr_assert(kept_file_end(&file));
}

static void stop(void)
{
    buf_free(&file);
}

TestSuite(kept_file, .init = start, .fini = stop);

/* In memory that ends where the bytes end, so that reading further is seen. */
static const char *opened(const char *bytes, size_t len, struct kept_reader *r, char **copy)
{
    *copy = malloc(len > 0 ? len : 1);
    memcpy(*copy, bytes, len);
    return kept_file_open(r, slice_of(*copy, len));
}

Test(kept_file, is_read_as_it_was_written)
{
    struct kept_reader r;
    struct kept_entry e;

    cr_assert_null(kept_file_open(&r, buf_slice(&file)));
    cr_assert_eq(r.wall_ns, WRITTEN_NS);
    for (int i = 0; i < 2; i++) {
        cr_assert(kept_file_next(&r, &e));
        cr_assert(slice_eq(e.pool, in[i].pool) && slice_eq(e.name, in[i].name));
        cr_assert_eq(e.url, in[i].url);
        cr_assert_arr_eq(&e.kept, &in[i].kept, sizeof e.kept);
    }
    cr_assert_not(kept_file_next(&r, &e));
}

Test(kept_file, no_part_of_it_is_taken_for_the_whole)
{
    for (size_t len = 0; len < file.len; len++) {
        struct kept_reader r;
        char *copy;

        cr_assert_str_eq(opened(buf_slice(&file).p, len, &r, &copy), "is cut short", "%zu", len);
        free(copy);
    }
}

Test(kept_file, no_byte_of_it_can_change_unnoticed)
{
    char *bytes = file.mem + file.at;

    for (size_t i = 0; i < file.len; i++) {
        for (int flip = 1; flip < 256; flip *= 4) {
            struct kept_reader r;
            char *copy;

            bytes[i] = (char)(bytes[i] ^ flip);
            cr_assert_not_null(opened(bytes, file.len, &r, &copy), "byte %zu", i);
            bytes[i] = (char)(bytes[i] ^ flip);
            free(copy);
        }
    }
}

Test(kept_file, of_another_version_is_named_so)
{
    struct kept_reader r;

    file.mem[file.at + 8]++;
    cr_assert_str_eq(kept_file_open(&r, buf_slice(&file)),
                     "was written by another version of weir");
    file.mem[file.at]++;
    cr_assert_str_eq(kept_file_open(&r, buf_slice(&file)), "is no state file of weir");
}

Test(kept_file, bytes_behind_the_end_are_damage)
{
    struct kept_reader r;

    cr_assert_eq(buf_append(&file, SLICE_LIT("x"), KEPT_FILE_MAX), WEIR_OK);
    cr_assert_not_null(kept_file_open(&r, buf_slice(&file)));
}

Test(kept_file, without_an_upstream_is_a_file_too)
{
    struct buf b = BUF_INIT;
    struct kept_reader r;
    struct kept_entry e;

    cr_assert(kept_file_begin(&b, 1));
    cr_assert(kept_file_end(&b));
    cr_assert_null(kept_file_open(&r, buf_slice(&b)));
    cr_assert_not(kept_file_next(&r, &e));
    buf_free(&b);
}
