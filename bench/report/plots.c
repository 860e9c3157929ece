/* SPDX-License-Identifier: Apache-2.0 */
/* The plots of a scenario: for each target its answers, its first tokens, and what it cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/report/svg.h"
#include "bench/scenario/ask.h"
#include "weir/base/assert.h"

enum { SMOOTH_S = 5 };
static const double plot_wide = 760, plot_tall = 176, plot_low = 112;

static const struct ink ink_demand = {"#444444", "4 3", 1.4};
static const struct ink ink_good = {"#007a53", "", 2.4};
static const struct ink ink_refused = {"#b87500", "7 3", 1.8};
static const struct ink ink_failed = {"#c0360c", "2 2", 2.0};
static const struct ink ink_share = {"#0060a8", "", 1.4};
static const struct ink ink_p50 = {"#007a53", "", 2.0};
static const struct ink ink_p90 = {"#b87500", "7 3", 1.8};
static const struct ink ink_p99 = {"#c0360c", "2 2", 1.8};

/* The numbers of a JSON array, NAN for null; *n of them, the caller frees. */
static double *numbers_of(const json_t *array, size_t *n)
{
    double *v;

    *n = json_array_size(array);
    v = calloc(*n + 1, sizeof v[0]);
    WEIR_ASSERT(v != NULL);
    for (size_t i = 0; i < *n; i++) {
        const json_t *x = json_array_get(array, i);
        v[i] = json_is_number(x) ? json_number_value(x) : NAN;
    }
    return v;
}

/* A series of a run, smoothed. */
static double *series_of(const json_t *run, const char *name, size_t *n)
{
    double *raw = numbers_of(json_object_get(json_object_get(run, "series"), name), n);
    double *out = calloc(*n + 1, sizeof out[0]);

    WEIR_ASSERT(out != NULL);
    smooth(raw, out, *n, SMOOTH_S);
    free(raw);
    return out;
}

/* The highest value of the named series over all runs. */
static double highest(const struct chapter *c, const char *const *names, size_t n_names)
{
    double most = 0;

    for (size_t r = 0; r < c->n; r++) {
        for (size_t k = 0; k < n_names; k++) {
            size_t n;
            double *v = series_of(c->runs[r], names[k], &n);
            for (size_t i = 0; i < n; i++)
                most = fmax(most, v[i]);
            free(v);
        }
    }
    return most;
}

static double duration_of(const struct chapter *c)
{
    return json_number_at(c->runs[0], "duration_s");
}

static const char *band_colour(const char *state)
{
    static const struct {
        const char *state, *colour;
    } bands[] = {{"open", "#f4c9bd"}, {"half_open", "#f7e0b5"}, {"ramping", "#e3eefa"}};

    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
        if (strcmp(bands[i].state, state) == 0)
            return bands[i].colour;
    }
    return NULL;
}

/* The breaker's states behind the lines, from the events. */
static void draw_bands(struct plot *p, const json_t *run)
{
    const json_t *events = json_object_get(run, "events");
    const char *state = "closed";
    double since = 0;

    for (size_t i = 0; i <= json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i);
        double at = e == NULL ? p->x_max : json_number_at(e, "at_s");
        if (band_colour(state) != NULL)
            plot_band(p, since, at, band_colour(state));
        since = at;
        state = json_text_at(e, "to");
    }
}

static void draw_steps(struct plot *p, const json_t *run)
{
    const json_t *steps = json_object_get(run, "steps");
    struct grow label = {0};

    for (size_t i = 0; i < json_array_size(steps); i++) {
        grow_clear(&label);
        grow_printf(&label, "%zu", i + 1);
        plot_mark(p, json_number_at(json_array_get(steps, i), "at_s"), label.p);
    }
    grow_free(&label);
}

static void draw_share(struct plot *p, const json_t *run)
{
    const json_t *samples = json_object_get(run, "samples");
    size_t n = json_array_size(samples), kept = 0;
    double *x = calloc(n + 1, sizeof x[0]), *y = calloc(n + 1, sizeof y[0]);

    WEIR_ASSERT(x != NULL && y != NULL);
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_array_get(samples, i);
        if (!json_is_true(json_object_get(s, "weir")))
            continue;
        x[kept] = json_number_at(s, "at_s");
        y[kept++] = 100 * json_number_at(s, "share");
    }
    if (kept > 0)
        plot_stairs(p, x, y, kept, ink_share);
    free(x);
    free(y);
}

static void draw_series(struct plot *p, const json_t *run, const char *name, struct ink ink)
{
    size_t n;
    double *v = series_of(run, name, &n);

    plot_line(p, v, n, 0.5, 1, ink);
    free(v);
}

/* Whether anybody answered on an admin socket. */
static bool has_weir(const json_t *run)
{
    return json_is_true(json_at(run, "samples.1.weir"));
}

static void plot_answers(struct grow *g, const struct chapter *c, const json_t *run, double y_max)
{
    struct plot p = {.g = g,
                     .width = plot_wide,
                     .height = plot_tall,
                     .x_max = duration_of(c),
                     .y_max = y_max,
                     .right_max = has_weir(run) ? 100 : 0};

    plot_begin(&p, "questions and good answers a second", "1/s", " %");
    draw_bands(&p, run);
    draw_steps(&p, run);
    if (has_weir(run))
        draw_share(&p, run);
    draw_series(&p, run, "intended", ink_demand);
    draw_series(&p, run, "good", ink_good);
    plot_end(&p);
}

static void plot_attempts(struct grow *g, const struct chapter *c, const json_t *run, double y_max)
{
    struct plot p = {
        .g = g, .width = plot_wide, .height = plot_low, .x_max = duration_of(c), .y_max = y_max};

    plot_begin(&p, "attempts with all retries; those refused and those that failed, a second",
               "1/s", "");
    draw_steps(&p, run);
    draw_series(&p, run, "attempts", ink_demand);
    draw_series(&p, run, "refused", ink_refused);
    draw_series(&p, run, "failed", ink_failed);
    plot_end(&p);
}

/* Column k of the windows of percentiles, in seconds. */
static double *percentile_of(const json_t *run, size_t k, size_t *n)
{
    const json_t *windows = json_at(run, "ttft.windows");
    double *v;

    *n = json_array_size(windows);
    v = calloc(*n + 1, sizeof v[0]);
    WEIR_ASSERT(v != NULL);
    for (size_t i = 0; i < *n; i++) {
        const json_t *x = json_array_get(json_array_get(windows, i), k);
        v[i] = json_is_number(x) ? json_number_value(x) / 1e3 : NAN;
    }
    return v;
}

static void plot_ttft(struct grow *g, const struct chapter *c, const json_t *run)
{
    static const struct ink *const inks[] = {&ink_p50, &ink_p90, &ink_p99};
    struct plot p = {.g = g,
                     .width = plot_wide,
                     .height = plot_low,
                     .x_max = duration_of(c),
                     .y_min = 0.01,
                     .y_max = 100,
                     .log_y = true};
    double step = json_number_at(run, "ttft.step_s");

    plot_begin(&p, "first token of served answers: median, 90 %, 99 %", "s", "");
    draw_steps(&p, run);
    for (size_t k = 0; k < 3; k++) {
        size_t n;
        double *v = percentile_of(run, k, &n);
        plot_line(&p, v, n, step / 2, step, *inks[k]);
        free(v);
    }
    plot_end(&p);
}

/* Tokens a second that nobody got whole, from the backend's counter, at the times in *at_s. */
static double *wasted_of(const json_t *run, double **at_s, size_t *n)
{
    const json_t *samples = json_object_get(run, "samples");
    size_t of = json_array_size(samples);
    double *raw = calloc(of + 1, sizeof raw[0]), *v = calloc(of + 1, sizeof v[0]);
    double *at = calloc(of + 1, sizeof at[0]), before = 0, before_s = 0;

    WEIR_ASSERT(raw != NULL && v != NULL && at != NULL);
    *n = 0;
    for (size_t i = 0; i < of; i++) {
        const json_t *s = json_array_get(samples, i);
        double now = json_number_at(s, "wasted"), now_s = json_number_at(s, "at_s");
        if (now_s - before_s < 0.1) /* the last look of a run may follow on the one before */
            continue;
        at[*n] = now_s;
        raw[(*n)++] = fmax(now - before, 0) / (now_s - before_s);
        before = now;
        before_s = now_s;
    }
    smooth(raw, v, *n, 2 * SMOOTH_S);
    free(raw);
    *at_s = at;
    return v;
}

static double most_wasted(const struct chapter *c)
{
    double most = 0;

    for (size_t r = 0; r < c->n; r++) {
        size_t n;
        double *at_s, *v = wasted_of(c->runs[r], &at_s, &n);
        for (size_t i = 0; i < n; i++)
            most = fmax(most, v[i]);
        free(at_s);
        free(v);
    }
    return most;
}

static void plot_wasted(struct grow *g, const struct chapter *c, const json_t *run, double y_max)
{
    struct plot p = {
        .g = g, .width = plot_wide, .height = plot_low, .x_max = duration_of(c), .y_max = y_max};
    size_t n;
    double *at_s, *v = wasted_of(run, &at_s, &n);

    plot_begin(&p, "tokens computed for answers nobody got whole, a second", "1/s", "");
    draw_steps(&p, run);
    plot_points(&p, at_s, v, n, ink_failed);
    plot_end(&p);
    free(at_s);
    free(v);
}

static void legend(struct grow *g)
{
    static const struct {
        const struct ink *ink;
        const char *text;
    } rows[] = {{&ink_demand, "questions; attempts"},
                {&ink_good, "good answers; median"},
                {&ink_refused, "refused, told when to come back; 90 %"},
                {&ink_failed, "failed; 99 %; wasted"},
                {&ink_share, "share weir lets through (right)"}};

    grow_str(g, "<p class=\"legend\">");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        grow_printf(
            g,
            "<span><svg width=\"34\" height=\"10\"><line x1=\"0\" x2=\"34\" y1=\"5\" y2=\"5\" "
            "stroke=\"%s\" stroke-width=\"%.1f\" stroke-dasharray=\"%s\"/></svg> %s</span> ",
            rows[i].ink->colour, rows[i].ink->width, rows[i].ink->dash, rows[i].text);
    grow_str(g, "<span><i style=\"background:#f4c9bd\"></i> breaker open</span> "
                "<span><i style=\"background:#f7e0b5\"></i> probing</span> "
                "<span><i style=\"background:#e3eefa\"></i> ramping</span></p>\n");
}

void chapter_plots(struct grow *g, const struct chapter *c)
{
    static const char *const answers[] = {"intended", "good"};
    static const char *const attempts[] = {"attempts", "refused", "failed"};
    double answers_max = plot_nice_max(highest(c, answers, 2));
    double attempts_max = plot_nice_max(highest(c, attempts, 3));
    double wasted_max = plot_nice_max(most_wasted(c));

    legend(g);
    for (size_t r = 0; r < c->n; r++) {
        grow_str(g, "<figure><figcaption>");
        put_html(g, json_text_at(c->runs[r], "target"));
        grow_str(g, "</figcaption>\n");
        plot_answers(g, c, c->runs[r], answers_max);
        plot_attempts(g, c, c->runs[r], attempts_max);
        plot_ttft(g, c, c->runs[r]);
        plot_wasted(g, c, c->runs[r], wasted_max);
        grow_str(g, "</figure>\n");
    }
}
