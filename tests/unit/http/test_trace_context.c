/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "weir/http/trace_context.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static bool is_context(const char *value)
{
    struct trace_context c;

    return trace_context_parse(slice_str(value), &c) == WEIR_OK;
}

Test(trace_context, is_read_and_written)
{
    struct trace_context c = {{0, 0}, 0, 0};
    char mem[TRACEPARENT_MAX];
    struct text t;

    cr_assert_eq(trace_context_parse(SLICE_LIT(PARENT), &c), WEIR_OK);
    cr_assert_eq(c.id[0], UINT64_C(0x4bf92f3577b34da6));
    cr_assert_eq(c.id[1], UINT64_C(0xa3ce929d0e0e4736));
    cr_assert_eq(c.span, UINT64_C(0x00f067aa0ba902b7));
    cr_assert_eq(c.flags, TRACE_SAMPLED);
    text_init(&t, mem, sizeof mem);
    trace_context_put(&t, &c);
    cr_assert(!t.full);
    cr_assert_str_eq(mem, PARENT);
}

Test(trace_context, of_the_flags_only_those_that_have_a_meaning_are_kept)
{
    struct trace_context c;

    cr_assert_eq(trace_context_parse(
                     SLICE_LIT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"), &c),
                 WEIR_OK);
    cr_assert_eq(c.flags, TRACE_RANDOM);
}

Test(trace_context, a_later_version_is_read_as_the_first)
{
    cr_assert(is_context("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    cr_assert(is_context("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else"));
    cr_assert(!is_context("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
    cr_assert(!is_context("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
}

Test(trace_context, what_is_not_one_is_refused)
{
    static const char *const bad[] = {
        "",
        "rubbish",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(!is_context(bad[i]), "%s", bad[i]);
}

Test(trace_context, a_share_of_all_ids_is_sampled)
{
    uint32_t half = 0;

    for (uint32_t i = 1; i <= 10000; i++) {
        uint64_t id[2] = {1, trace_span_nth(7, i)};

        cr_assert(trace_is_in_share(id, 1));
        cr_assert(!trace_is_in_share(id, 0));
        half += trace_is_in_share(id, 0.5);
    }
    cr_assert(half > 4800 && half < 5200, "%u", half);
}

Test(trace_context, who_is_in_a_share_is_in_each_greater_one)
{
    for (uint32_t i = 1; i <= 1000; i++) {
        uint64_t id[2] = {1, trace_span_nth(3, i)};

        cr_assert(!trace_is_in_share(id, 0.1) || trace_is_in_share(id, 0.2));
    }
}

Test(trace_context, spans_below_one_differ)
{
    for (uint32_t i = 1; i < 50; i++) {
        for (uint32_t k = i + 1; k <= 50; k++)
            cr_assert_neq(trace_span_nth(5, i), trace_span_nth(5, k));
    }
}
