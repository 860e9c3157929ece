/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/compare/compare.h"

Test(compare, the_quieter_half_of_the_rounds_counts)
{
    struct column c = {.target = "weir",
                       .n = 5,
                       .rounds = {{.value = 30, .others = 1.5},
                                  {.value = 10, .others = 0.1},
                                  {.value = 50, .others = 0.9},
                                  {.value = 12, .others = 0.2},
                                  {.value = 11, .others = 0.3}}};

    cr_assert_float_eq(column_median(&c), 11, 1e-9);
    c.n = 2;
    cr_assert_float_eq(column_median(&c), 10, 1e-9);
    c.n = 1;
    cr_assert_float_eq(column_median(&c), 30, 1e-9);
    c.n = 0;
    cr_assert_float_eq(column_median(&c), 0, 1e-9);
}

Test(compare, the_better_peer_is_the_one_with_less_that_was_measured)
{
    struct row r = {.n_columns = 3,
                    .columns = {{.target = "weir", .n = 1, .rounds = {{.value = 1}}},
                                {.target = "nginx", .n = 1, .rounds = {{.value = 4}}},
                                {.target = "haproxy", .n = 0}}};

    cr_assert_float_eq(row_best_peer(&r), 4, 1e-9);
    r.columns[2] = (struct column){.target = "haproxy", .n = 1, .rounds = {{.value = 3}}};
    cr_assert_float_eq(row_best_peer(&r), 3, 1e-9);
    r.n_columns = 1;
    cr_assert_float_eq(row_best_peer(&r), 0, 1e-9);
}
