/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

static char out[HUMAN_MAX];

Test(human, durations_show_their_two_largest_units)
{
    cr_assert_str_eq(human_duration(out, 0), "0 ms");
    cr_assert_str_eq(human_duration(out, 420 * NS_PER_MS), "420 ms");
    cr_assert_str_eq(human_duration(out, 12 * NS_PER_S), "12 s");
    cr_assert_str_eq(human_duration(out, 185 * NS_PER_S), "3 min 5 s");
    cr_assert_str_eq(human_duration(out, 1800 * NS_PER_S), "30 min");
    cr_assert_str_eq(human_duration(out, 7800 * NS_PER_S), "2 h 10 min");
    cr_assert_str_eq(human_duration(out, (4 * 24 + 3) * 3600 * NS_PER_S), "4 d 3 h");
}

Test(human, a_small_share_is_not_shown_as_nothing)
{
    cr_assert_str_eq(human_share(out, 0), "0 %");
    cr_assert_str_eq(human_share(out, 0.004), "0.4 %");
    cr_assert_str_eq(human_share(out, 0.3), "30 %");
    cr_assert_str_eq(human_share(out, 1), "100 %");
}

Test(human, times_choose_their_unit)
{
    cr_assert_str_eq(human_ms(out, 0), "-");
    cr_assert_str_eq(human_ms(out, 0.84), "0.8 ms");
    cr_assert_str_eq(human_ms(out, 140.2), "140 ms");
    cr_assert_str_eq(human_ms(out, 1340), "1.34 s");
    cr_assert_str_eq(human_rate(out, 12.44), "12.4/s");
}

Test(human, the_date_is_said_when_it_is_not_today)
{
    const uint64_t day = 86400 * NS_PER_S;

    cr_assert_str_eq(human_time(out, 3 * day + 61 * NS_PER_S, 3 * day), "00:01:01Z");
    cr_assert_str_eq(human_time(out, 3 * day, 5 * day), "1970-01-04T00:00:00Z");
}

Test(table, aligns_columns_and_ends_no_line_in_blanks)
{
    char mem[256];
    struct text t;
    struct table tab;

    text_init(&t, mem, sizeof mem);
    for (table_begin(&tab, &t, "  "); table_pass(&tab);) {
        table_cell(&tab, "NAME");
        table_right(&tab, "N");
        table_cell(&tab, "%s", "CAUSE");
        table_end_row(&tab);
        table_cell(&tab, "é");
        table_right(&tab, "%d", 4096);
        table_cell(&tab, "a\nb");
        table_end_row(&tab);
    }
    cr_assert_str_eq(mem, "  NAME     N  CAUSE\n"
                          "  é     4096  a?b\n");
}
