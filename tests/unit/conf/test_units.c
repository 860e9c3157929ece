/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf_priv.h"

static uint64_t parsed(const struct conf_unit *units, const char *text)
{
    uint64_t n = 12345;

    cr_assert(conf_units_parse(units, slice_str(text), &n) == WEIR_OK, "%s", text);
    return n;
}

static const char *written(const struct conf_unit *units, uint64_t n)
{
    static char out[40];
    struct text t;

    text_init(&t, out, sizeof out);
    conf_units_format(units, n, &t);
    return out;
}

Test(units, durations_are_nanoseconds)
{
    cr_assert_eq(parsed(conf_durations, "0s"), 0);
    cr_assert_eq(parsed(conf_durations, "1ms"), UINT64_C(1000000));
    cr_assert_eq(parsed(conf_durations, "45s"), UINT64_C(45000000000));
    cr_assert_eq(parsed(conf_durations, "2m"), UINT64_C(120000000000));
    cr_assert_eq(parsed(conf_durations, "1h"), UINT64_C(3600000000000));
    cr_assert_eq(parsed(conf_durations, "1d"), UINT64_C(86400000000000));
}

Test(units, sizes_are_bytes_in_powers_of_two)
{
    cr_assert_eq(parsed(conf_sizes, "7B"), 7);
    cr_assert_eq(parsed(conf_sizes, "32KiB"), 32768);
    cr_assert_eq(parsed(conf_sizes, "32MiB"), 33554432);
    cr_assert_eq(parsed(conf_sizes, "16GiB"), UINT64_C(17179869184));
}

Test(units, only_digits_and_one_unit_are_a_number)
{
    static const char *const bad[] = {"",     "s",  "1",    "1 s",  " 1s", "1s ",  "-1s",  "+1s",
                                      "1.5s", "1S", "1sec", "1s1s", "1ks", "0x1s", "1e3s", "1h30m"};
    uint64_t n = 12345;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(conf_units_parse(conf_durations, slice_str(bad[i]), &n) == WEIR_BAD, "%s",
                  bad[i]);
    cr_assert(conf_units_parse(conf_sizes, SLICE_LIT("1KB"), &n) == WEIR_BAD);
    cr_assert(conf_units_parse(conf_sizes, SLICE_LIT("1s"), &n) == WEIR_BAD);
    cr_assert_eq(n, 12345, "an output was touched on failure");
}

Test(units, what_does_not_fit_64_bits_is_a_limit)
{
    uint64_t n = 1;

    cr_assert_eq(parsed(conf_sizes, "17179869183GiB"), UINT64_C(17179869183) << 30);
    cr_assert(conf_units_parse(conf_sizes, SLICE_LIT("17179869184GiB"), &n) == WEIR_LIMIT);
    cr_assert(conf_units_parse(conf_durations, SLICE_LIT("99999999999999999999999ms"), &n) ==
              WEIR_LIMIT);
}

Test(units, are_written_in_the_largest_unit_that_divides)
{
    cr_assert_str_eq(written(conf_durations, 0), "0s");
    cr_assert_str_eq(written(conf_durations, 90000000000), "90s");
    cr_assert_str_eq(written(conf_durations, 60000000000), "1m");
    cr_assert_str_eq(written(conf_durations, UINT64_C(86400000000000)), "1d");
    cr_assert_str_eq(written(conf_durations, 1500000000), "1500ms");
    cr_assert_str_eq(written(conf_sizes, 0), "0B");
    cr_assert_str_eq(written(conf_sizes, 1025), "1025B");
    cr_assert_str_eq(written(conf_sizes, 1 << 20), "1MiB");
}

Test(units, are_not_read_beyond_their_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const char text[] = "250ms";
    uint64_t n;

    cr_assert(mem != MAP_FAILED);
    cr_assert_eq(mprotect(mem + page, page, PROT_NONE), 0);
    for (size_t len = 0; len < sizeof text; len++) {
        char *at = mem + page - len;
        memcpy(at, text, len);
        cr_assert(conf_units_parse(conf_durations, slice_of(at, len), &n) == (len == 5 ? WEIR_OK
                                                                              : len == 4
                                                                                  ? WEIR_OK
                                                                                  : WEIR_BAD));
    }
    cr_assert_eq(munmap(mem, 2 * page), 0);
}

static const char *near(const char *word)
{
    static const char *const keys[] = {"window", "mode", "consecutive", "open_min", "open_max"};
    struct nearest n;

    nearest_begin(&n, word);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        nearest_offer(&n, keys[i]);
    return nearest_found(&n);
}

Test(nearest, finds_a_letter_missing_added_replaced_or_exchanged)
{
    cr_assert_str_eq(near("widow"), "window");
    cr_assert_str_eq(near("windoww"), "window");
    cr_assert_str_eq(near("windaw"), "window");
    cr_assert_str_eq(near("wnidow"), "window");
    cr_assert_str_eq(near("modes"), "mode");
    cr_assert_str_eq(near("open_mxa"), "open_max");
    cr_assert_str_eq(near("consectuive"), "consecutive");
}

Test(nearest, keeps_silent_about_words_that_mean_something_else)
{
    cr_assert_null(near("queue"));
    cr_assert_null(near("x"));
    cr_assert_null(near(""));
    cr_assert_null(near("m")); /* one letter off "mode" would be a guess */
    cr_assert_null(near("a_word_that_is_much_longer_than_any_key_that_weir_has_or_will_have"));
}
