/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

#include "bench/common/cli.h"

struct given {
    bool fast;
    const char *name;
    int64_t slots;
    double share;
    uint64_t wait_ns;
    struct opt_list fields;
};

static const struct opt opts[] = {
    {"fast", NULL, OPT_FLAG, offsetof(struct given, fast), 0, 0, ""},
    {"name", "X", OPT_TEXT, offsetof(struct given, name), 0, 0, ""},
    {"slots", "N", OPT_COUNT, offsetof(struct given, slots), 1, 10, ""},
    {"share", "P", OPT_REAL, offsetof(struct given, share), 0, 1, ""},
    {"wait", "TIME", OPT_DURATION, offsetof(struct given, wait_ns), 0, 60, ""},
    {"field", "F", OPT_LIST, offsetof(struct given, fields), 0, 0, ""},
};
static const struct cli cli = {.name = "t", .usage = "", .summary = "", .opts = opts, .n_opts = 6};

static enum cli_result parse(struct given *g, int argc, const char **argv)
{
    char *copy[16];

    cr_redirect_stderr();
    for (int i = 0; i < argc; i++)
        copy[i] = (char *)(uintptr_t)argv[i];
    return cli_parse(&cli, argc, copy, g, NULL, NULL);
}

#define PARSE(g, ...)                                                                              \
    parse(g, (int)(sizeof((const char *[]){"t", __VA_ARGS__}) / sizeof(char *)),                   \
          (const char *[]){"t", __VA_ARGS__})

Test(cli, every_kind_reaches_its_place)
{
    struct given g = {0};

    cr_assert_eq(PARSE(&g, "--fast", "--name", "x", "--slots=4", "--share", "25%", "--wait", "2s",
                       "--field", "a: b", "--field", "c: d"),
                 CLI_RUN);
    cr_assert(g.fast);
    cr_assert_str_eq(g.name, "x");
    cr_assert_eq(g.slots, 4);
    cr_assert_float_eq(g.share, 0.25, 1e-9);
    cr_assert_eq(g.wait_ns, 2000000000);
    cr_assert_eq(g.fields.n, 2);
    cr_assert_str_eq(g.fields.v[1], "c: d");
}

Test(cli, what_is_out_of_range_or_unknown_is_refused)
{
    struct given g = {0};

    cr_assert_eq(PARSE(&g, "--slots", "11"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--slots", "4x"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--share", "1.1"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--wait", "2"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--wait", "2m"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--fast=1"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--name"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "--nmae", "x"), CLI_WRONG);
    cr_assert_eq(PARSE(&g, "word"), CLI_WRONG);
}

Test(cli, words_are_kept_in_order_where_they_are_allowed)
{
    struct given g = {0};
    char a0[] = "t", a1[] = "one", a2[] = "--fast", a3[] = "two", *argv[] = {a0, a1, a2, a3},
         **words;
    int n;

    cr_assert_eq(cli_parse(&cli, 4, argv, &g, &words, &n), CLI_RUN);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(words[0], "one");
    cr_assert_str_eq(words[1], "two");
    cr_assert(g.fast);
}

Test(cli, the_nearest_spelling_counts_a_swap_as_one)
{
    cr_assert_eq(edit_distance("slots", "slots"), 0);
    cr_assert_eq(edit_distance("slost", "slots"), 1);
    cr_assert_eq(edit_distance("slot", "slots"), 1);
    cr_assert_eq(edit_distance("", "abc"), 3);
}
