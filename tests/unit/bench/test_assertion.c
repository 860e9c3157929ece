/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bench/scenario/assertion.h"
#include "bench/scenario/scenario_run.h"

static struct scenario_assertion assertion_of(const char *what, double from, double to)
{
    struct scenario_assertion m = {.from_s = from, .to_s = to, .least = NAN, .most = NAN};

    m.kind = assertion_find(what);
    cr_assert(m.kind != NULL, "%s", what);
    return m;
}

static double value(const char *what, double from, double to, const struct seen *s)
{
    struct scenario_assertion m = assertion_of(what, from, to);

    return assertion_value(&m, s);
}

Test(assertion, every_figure_is_found_by_its_name)
{
    const char *name, *help;
    size_t n = 0;

    for (; (name = assertion_name_at(n, &help)) != NULL; n++)
        cr_assert(assertion_find(name) != NULL && help[0] != '\0', "%s", name);
    cr_assert(n > 10);
    cr_assert_eq(assertion_find("nothing"), NULL);
}

Test(assertion, shares_are_of_what_ended_in_the_span)
{
    struct load_bin bins[30] = {0};
    struct load_sums sums = {0};
    struct watch watch = {0};
    struct seen s = {.bins = bins, .n_bins = 30, .watch = &watch, .sums = &sums, .hints_kept = NAN};

    for (int i = 0; i < 30; i++) {
        bins[i].ends[TURN_GOOD] = i < 10 ? 0 : 6;
        bins[i].ends[TURN_CUT] = 2;
        bins[i].attempt_ends[TURN_REFUSED] = 3;
        bins[i].attempt_ends[TURN_STATUS] = 1;
    }
    cr_assert_float_eq(value("goodput", 10, 30, &s), 6, 1e-9);
    cr_assert_float_eq(value("goodput", 0, 20, &s), 3, 1e-9);
    cr_assert_float_eq(value("hard_share", 10, 30, &s), 0.25, 1e-9);
    cr_assert_float_eq(value("good_share", 10, 30, &s), 0.75, 1e-9);
    cr_assert_float_eq(value("polite_share", 0, 30, &s), 0.75, 1e-9);
    bins[0].attempt_ends[TURN_CUT] = 30;
    cr_assert_float_eq(value("polite_share", 0, 1, &s), 3.0 / 34, 1e-9, "a cut is not polite");
    cr_assert_float_eq(value("polite_share", 100, 200, &s), 1, 1e-9, "nobody was sent away");
    cr_assert(isnan(value("good_share", 100, 200, &s)), "nothing ended there");
    cr_assert(isnan(value("hints_kept", 0, 30, &s)));
    cr_assert(isnan(value("attempts", 0, 30, &s)), "nobody looked at a backend");
}

Test(assertion, full_means_full_for_ten_seconds)
{
    struct load_bin bins[60] = {0};

    for (int i = 20; i < 25; i++)
        bins[i].ends[TURN_GOOD] = 9; /* a short peak is none */
    for (int i = 40; i < 60; i++)
        bins[i].ends[TURN_GOOD] = 5;
    cr_assert_float_eq(time_to_full(bins, 60, 10, 5), 30, 1e-9);
    cr_assert(isnan(time_to_full(bins, 60, 10, 6)));
    cr_assert(isnan(time_to_full(bins, 60, 55, 5)), "too late to be seen for ten seconds");
}

Test(assertion, the_backends_counters_are_differences)
{
    struct watch_sample samples[3] = {
        {.at_s = 1, .has_backend = true, .attempts = 10, .tokens = 100, .tokens_wasted = 0},
        {.at_s = 5, .has_backend = false},
        {.at_s = 9, .has_backend = true, .attempts = 25, .tokens = 300, .tokens_wasted = 50}};
    struct watch watch = {.samples = samples, .n_samples = 3};
    struct load_sums sums = {0};
    struct seen s = {.watch = &watch, .sums = &sums};

    cr_assert_float_eq(value("attempts", 2, 10, &s), 15, 1e-9);
    cr_assert_float_eq(value("attempts", 2, 6, &s), 0, 1e-9);
    cr_assert_float_eq(value("wasted", 2, 10, &s), 0.25, 1e-9);
}

Test(assertion, openings_are_counted_in_the_span)
{
    struct watch_event events[3] = {
        {.at_s = 3, .to = "open"}, {.at_s = 4, .to = "half_open"}, {.at_s = 8, .to = "open"}};
    struct watch watch = {.events = events, .n_events = 3};
    struct load_sums sums = {0};
    struct seen s = {.watch = &watch, .sums = &sums};

    cr_assert_float_eq(value("openings", 0, 10, &s), 2, 1e-9);
    cr_assert_float_eq(value("openings", 5, 10, &s), 1, 1e-9);
}

Test(assertion, bounds_hold_on_both_sides_and_never_for_what_is_unknown)
{
    struct scenario_assertion m = assertion_of("goodput", 0, 1);

    m.least = 2;
    m.most = 4;
    cr_assert(assertion_holds(&m, 2) && assertion_holds(&m, 4));
    cr_assert_not(assertion_holds(&m, 1.99) || assertion_holds(&m, 4.01) ||
                  assertion_holds(&m, NAN));
    m.least = NAN;
    cr_assert(assertion_holds(&m, -5));
}

/* Whoever puts virtual users off until the run is over must not look the better for it. */
Test(assertion, those_who_still_wait_at_the_end_have_no_answer)
{
    struct load_bin bins[10] = {0};
    struct load_sums sums = {.left = 10};
    struct watch watch = {0};
    struct seen s = {.bins = bins, .n_bins = 10, .watch = &watch, .sums = &sums, .duration_s = 10};

    bins[3].ends[TURN_GOOD] = 10;
    cr_assert_float_eq(value("good_share", 0, 10, &s), 0.5, 1e-9);
    cr_assert_float_eq(value("good_share", 0, 9, &s), 1, 1e-9);
}

Test(assertion, the_backends_worst_waits_are_taken_by_the_second)
{
    struct watch_sample samples[41] = {{.at_s = 0}};
    struct watch watch = {.samples = samples, .n_samples = 41};
    struct load_sums sums = {0};
    struct seen s = {.watch = &watch, .sums = &sums};

    for (int i = 0; i < 41; i++)
        samples[i] = (struct watch_sample){
            .at_s = i, .has_backend = i > 0, .longest_wait_s = i < 3 ? 9 : 0.25};
    cr_assert_float_eq(value("backend_wait", 1, 41, &s), 0.25, 1e-9, "2 of 40 are 5 %%");
    cr_assert_float_eq(value("backend_wait", 1, 40, &s), 9, 1e-9);
    cr_assert(isnan(value("backend_wait", 0, 1, &s)), "nobody looked at the backend");
}

Test(assertion, refusals_by_the_backend_are_of_what_reached_it)
{
    struct watch_sample samples[2] = {
        {.at_s = 1, .has_backend = true, .attempts = 10, .refused = 4},
        {.at_s = 9, .has_backend = true, .attempts = 30, .refused = 9}};
    struct watch watch = {.samples = samples, .n_samples = 2};
    struct load_sums sums = {0};
    struct seen s = {.watch = &watch, .sums = &sums};

    cr_assert_float_eq(value("backend_refused", 1, 10, &s), 0.25, 1e-9);
}

static const uint64_t wall_ns = 1763985600000000000; /* 2025-11-24T12:00:00Z */

Test(assertion, refusals_are_counted_by_pool_and_cause)
{
    static const char *lines[] = {
        "{\"time\":\"2025-11-24T12:00:01Z\",\"decision\":\"refused\",\"pool\":\"chat\",\"cause\":"
        "\"held\"}",
        "{\"time\":\"2025-11-24T12:00:02Z\",\"decision\":\"refused\",\"pool\":\"chat\",\"cause\":"
        "\"overloaded\"}",
        "{\"time\":\"2025-11-24T12:00:03Z\",\"decision\":\"admitted\",\"pool\":\"chat\",\"cause\":"
        "\"\"}",
        "{\"time\":\"2025-11-24T12:00:04Z\",\"decision\":\"refused\",\"pool\":\"chat\",\"cause\":"
        "\"held\"}",
        "{\"time\":\"2025-11-24T12:00:05Z\",\"decision\":\"refused\",\"pool\":\"api\",\"cause\":"
        "\"held\"}",
    };
    struct refusals r = {0};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        refusals_line(lines[i], wall_ns, &r);
    cr_assert_eq(r.n_counts, 3);
    cr_assert_str_eq(r.counts[0].pool, "chat");
    cr_assert_str_eq(r.counts[0].cause, "held");
    cr_assert_eq(r.counts[0].n, 2);
    cr_assert_str_eq(r.counts[1].cause, "overloaded");
    cr_assert_eq(r.counts[1].n, 1);
    cr_assert_str_eq(r.counts[2].pool, "api");
    refusals_free(&r);
}

Test(assertion, a_refusal_took_its_time_less_the_waiting)
{
    struct refusals r = {0};
    struct seen s = {.refusals = &r};

    refusals_line("{\"time\":\"2025-11-24T12:00:02.500Z\",\"decision\":\"refused\","
                  "\"queue_ms\":1000.1,\"duration_ms\":1000.5}",
                  wall_ns, &r);
    refusals_line("{\"time\":\"2025-11-24T12:00:03.000Z\",\"decision\":\"admitted\","
                  "\"queue_ms\":0,\"duration_ms\":7000}",
                  wall_ns, &r);
    refusals_line("half a li", wall_ns, &r);
    cr_assert_eq(r.n, 1);
    cr_assert_float_eq(r.v[0].at_s, 2.5, 1e-6);
    cr_assert_float_eq(value("refusal_ms", 0, 10, &s), 0.4, 1e-6);
    cr_assert(isnan(value("refusal_ms", 3, 10, &s)));
    refusals_free(&r);
}

/* --- beside another target */

static struct scenario beside(const char *target, double least)
{
    struct scenario s = {.n_assertions = 1};

    s.assertions[0] = assertion_of("goodput", 0, 10);
    s.assertions[0].least = least;
    (void)strcpy(s.assertions[0].target, "weir");
    (void)strcpy(s.assertions[0].beside, target);
    return s;
}

Test(assertion, a_figure_beside_another_is_a_part_of_it)
{
    struct scenario s = beside("fixed", 0.9);
    struct run runs[2] = {{.scenario = &s, .target = "weir", .raw = {4.4}},
                          {.scenario = &s, .target = "fixed", .raw = {5}}};

    run_judge(runs, 2);
    cr_assert_float_eq(runs[0].values[0], 0.88, 1e-9);
    cr_assert_eq(runs[0].broken, 1);
    cr_assert_eq(runs[1].values[0], 5, "the other one keeps its own");
    cr_assert_eq(runs[1].broken, 0);
    s.assertions[0].least = 0.8;
    runs[0].broken = 0;
    run_judge(runs, 2);
    cr_assert_eq(runs[0].broken, 0);
}

Test(assertion, a_figure_beside_nobody_does_not_hold)
{
    struct scenario s = beside("nobody", 0);
    struct run run = {.scenario = &s, .target = "weir", .raw = {4.4}};

    run_judge(&run, 1);
    cr_assert(isnan(run.values[0]));
    cr_assert_eq(run.broken, 1);
}

Test(assertion, full_has_to_be_seen_within_the_span)
{
    struct load_bin bins[60] = {0};
    struct load_sums sums = {0};
    struct watch watch = {0};
    struct seen s = {.bins = bins, .n_bins = 60, .watch = &watch, .sums = &sums};
    struct scenario_assertion m = assertion_of("time_to_full", 10, 50);

    m.of = 5;
    for (int i = 40; i < 60; i++)
        bins[i].ends[TURN_GOOD] = 5;
    cr_assert_float_eq(assertion_value(&m, &s), 30, 1e-9);
    m.to_s = 49;
    cr_assert(isnan(assertion_value(&m, &s)));
}

Test(assertion, harm_is_what_was_lost_beyond_those_that_died_with_their_backend)
{
    struct watch watch = {0};
    struct load_sums sums = {0};
    struct seen s = {.watch = &watch, .sums = &sums, .lost = 9, .killed = 9, .added_ms = 0.4};

    cr_assert_float_eq(value("harm", 0, 60, &s), 0, 1e-9);
    s.lost = 12;
    cr_assert_float_eq(value("harm", 0, 60, &s), 3, 1e-9);
    s.lost = 2;
    cr_assert_float_eq(value("harm", 0, 60, &s), 0, 1e-9, "retries may save some");
    cr_assert_float_eq(value("added_ms", 0, 60, &s), 0.4, 1e-9);
}

Test(assertion, moves_are_of_upstreams_that_no_step_touches)
{
    struct watch_event events[] = {
        {.at_s = 1, .upstream = "chat2", .from = "closed", .to = "open"},
        {.at_s = 2, .upstream = "chat1", .from = "closed", .to = "closed"},
        {.at_s = 3, .upstream = "quiet1", .from = "closed", .to = "open"},
    };
    struct watch watch = {.events = events, .n_events = 3};
    struct load_sums sums = {0};
    static struct scenario scenario = {.n_steps = 1};
    struct seen s = {.watch = &watch, .sums = &sums, .scenario = &scenario};

    (void)strcpy(scenario.steps[0].on, "chat2");
    cr_assert_float_eq(value("moves", 0, 60, &s), 1, 1e-9);
    cr_assert_float_eq(value("moves", 0, 2, &s), 0, 1e-9);
}

Test(assertion, cooldowns_that_a_backend_asked_for_are_no_refusals_of_weirs_own)
{
    struct watch watch = {.n_sheds = 2};
    struct load_sums sums = {.mixed = 1};
    struct seen s = {.watch = &watch, .sums = &sums};

    watch.sheds[0] = (struct watch_shed){.cause = "held", .n = 7};
    watch.sheds[1] = (struct watch_shed){.cause = "queue_timeout", .n = 2};
    sums.attempt_ends[TURN_ALTERED] = 3;
    cr_assert_float_eq(value("own_refusals", 0, 60, &s), 2, 1e-9);
    cr_assert_float_eq(value("altered", 0, 60, &s), 4, 1e-9);
}
