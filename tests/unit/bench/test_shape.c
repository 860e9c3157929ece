/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/load/shape.h"
#include "guard.h"

static struct shape shape_of(const char *text)
{
    struct shape s;
    char why[200];

    cr_assert_eq(shape_parse(guarded(slice_str(text)), &s, why, sizeof why), WEIR_OK, "%s: %s",
                 text, why);
    return s;
}

/* Arrivals within [from, to). */
static int count(const struct shape *s, uint64_t seed, double from, double to)
{
    struct shape_walk w;
    struct rng r;
    double at, last = 0;
    int n = 0;

    rng_seed(&r, seed);
    shape_start(&w);
    while (shape_next(s, &w, &r, &at)) {
        cr_assert(at >= last, "in order");
        cr_assert(at <= s->end_s + 1e-9, "within the shape");
        last = at;
        n += at >= from && at < to;
    }
    return n;
}

Test(shape, a_constant_rate_gives_that_many)
{
    struct shape s = shape_of("100 for 100s");

    cr_assert_float_eq(s.end_s, 100, 1e-9);
    cr_assert_float_eq(count(&s, 1, 0, 100), 10000, 300);
    cr_assert_float_eq(count(&s, 1, 50, 60), 1000, 100);
}

Test(shape, even_arrivals_are_exact)
{
    struct shape s = shape_of("even; 10 for 5s");

    cr_assert_eq(count(&s, 1, 0, 5.01), 50);
}

Test(shape, steps_and_slopes_follow_each_other)
{
    struct shape s = shape_of("0 for 10s; 0 to 100 for 20s; 100 for 10s; 100 to 0 for 10s");

    cr_assert_eq(count(&s, 3, 0, 10), 0);
    cr_assert_float_eq(count(&s, 3, 10, 20), 250, 60);
    cr_assert_float_eq(count(&s, 3, 20, 30), 750, 100);
    cr_assert_float_eq(count(&s, 3, 30, 40), 1000, 110);
    cr_assert_float_eq(count(&s, 3, 40, 50), 500, 90);
}

Test(shape, a_burst_comes_on_top)
{
    struct shape s = shape_of("10 for 20s; burst 600 within 500ms at 5s");
    int in_burst = count(&s, 2, 5, 5.6);

    cr_assert(in_burst >= 600 && in_burst < 625, "%d", in_burst);
    cr_assert_float_eq(count(&s, 2, 0, 20), 800, 60);
}

Test(shape, a_burst_does_not_change_the_rest)
{
    struct shape with = shape_of("10 for 20s; burst 50 within 1s at 5s"),
                 without = shape_of("10 for 20s");

    cr_assert_eq(count(&with, 9, 0, 20), count(&without, 9, 0, 20) + 50);
    cr_assert_eq(count(&with, 9, 10, 20), count(&without, 9, 10, 20));
}

Test(shape, the_same_seed_gives_the_same_arrivals)
{
    struct shape s = shape_of("5 to 50 for 10s; burst 20 within 1s");
    struct shape_walk a, b;
    struct rng ra, rb;
    double x, y;

    rng_seed(&ra, 4);
    rng_seed(&rb, 4);
    shape_start(&a);
    shape_start(&b);
    while (shape_next(&s, &a, &ra, &x)) {
        cr_assert(shape_next(&s, &b, &rb, &y));
        cr_assert_eq(x, y);
    }
    cr_assert_not(shape_next(&s, &b, &rb, &y));
}

Test(shape, what_is_no_shape_is_refused)
{
    static const char *const bad[] = {"",
                                      "5",
                                      "5 for",
                                      "5 for 10",
                                      "for 10s",
                                      "5 to for 10s",
                                      "burst within 1s",
                                      "burst 5 within",
                                      "5 for 10s now",
                                      "burst 5 within 1s at",
                                      "-1 for 5s",
                                      "even"};
    struct shape s;
    char why[300];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(shape_parse(guarded(slice_str(bad[i])), &s, why, sizeof why), WEIR_BAD, "%s",
                     bad[i]);
}
