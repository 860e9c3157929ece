/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>

#include "bench/report/svg.h"
#include "bench/scenario/ask.h"
#include "bench/scenario/watch.h"

Test(watch, times_are_read_to_the_millisecond)
{
    cr_assert_eq(rfc3339_parse("1970-01-01T00:00:01.250Z"), 1250000000);
    cr_assert_eq(rfc3339_parse("2026-11-24T07:50:04Z") / 1000000000, 1795506604);
    cr_assert_eq(rfc3339_parse("yesterday"), 0);
    cr_assert_eq(rfc3339_parse(""), 0);
}

Test(watch, members_are_found_by_a_path)
{
    json_t *j = json_loads("{\"pools\":[{\"name\":\"a\"},{\"name\":\"b\",\"n\":3}]}", 0, NULL);

    cr_assert_str_eq(json_text_at(j, "pools.1.name"), "b");
    cr_assert_float_eq(json_number_at(j, "pools.1.n"), 3, 1e-9);
    cr_assert_str_eq(json_text_at(j, "pools.2.name"), "");
    cr_assert_str_eq(json_text_at(j, "pools.name.x"), "");
    cr_assert_eq(json_at(NULL, "a"), NULL);
    json_decref(j);
}

static void take(struct watch *w, const char *list)
{
    json_t *j = json_loads(list, 0, NULL);

    cr_assert(j != NULL);
    watch_take_events(w, j);
    json_decref(j);
}

#define EVENT(seq, second, to)                                                                     \
    "{\"seq\":" seq ",\"at\":\"1970-01-01T00:00:0" second "Z\",\"to\":\"" to "\"}"

/* Rounds of probes in vain are folded: the list gets shorter, and the number grows. */
Test(watch, each_event_is_kept_once_though_the_list_folds)
{
    struct watch w = {0};

    take(&w, "[" EVENT("1", "1", "open") "," EVENT("2", "2", "half_open") "]");
    take(&w, "[" EVENT("1", "1", "open") "," EVENT("2", "2", "half_open") "," EVENT("3", "3",
                                                                                    "open") "]");
    take(&w, "[" EVENT("1", "1", "open") "," EVENT("2", "2", "half_open") "," EVENT("5", "5",
                                                                                    "open") "]");
    cr_assert_eq(w.n_events, 4);
    cr_assert_str_eq(w.events[3].to, "open");
    cr_assert_float_eq(w.events[3].at_s, 5, 1e-6);
    free(w.events);
}

Test(plot, axes_end_at_round_numbers)
{
    cr_assert_float_eq(plot_nice_max(0), 1, 1e-9);
    cr_assert_float_eq(plot_nice_max(7.2), 8, 1e-9);
    cr_assert_float_eq(plot_nice_max(20), 20, 1e-9);
    cr_assert_float_eq(plot_nice_max(21), 30, 1e-9);
    cr_assert_float_eq(plot_nice_max(0.025), 0.03, 1e-9);
}

Test(plot, smoothing_keeps_the_mean_and_the_ends)
{
    static const double in[] = {0, 0, 10, 0, 0, 4};
    double out[6];

    smooth(in, out, 6, 3);
    cr_assert_float_eq(out[0], 0, 1e-9);
    cr_assert_float_eq(out[1], 10.0 / 3, 1e-9);
    cr_assert_float_eq(out[5], 2, 1e-9);
}

Test(watch, refusals_are_counted_from_the_lines_of_their_metric_only)
{
    struct watch_shed s;

    cr_assert(
        shed_parse(SLICE_LIT("weir_shed_total{pool=\"bench\",cause=\"circuit_open\"} 12"), &s));
    cr_assert_str_eq(s.cause, "circuit_open");
    cr_assert_float_eq(s.n, 12, 1e-9);
    cr_assert(!shed_parse(SLICE_LIT("weir_requests_total{cause=\"x\"} 12"), &s));
    cr_assert(!shed_parse(SLICE_LIT("# TYPE weir_shed_total counter"), &s));
    cr_assert(!shed_parse(SLICE_LIT("weir_shed_total{pool=\"bench\"} 12"), &s));
    cr_assert(!shed_parse(SLICE_LIT("weir_shed_total{cause=\"x\"} many"), &s));
    cr_assert(!shed_parse(SLICE_NONE, &s));
}
