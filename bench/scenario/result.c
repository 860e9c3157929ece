/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a run as JSON: what a report is made from (docs/benchmarks.md has the form). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/common/figure.h"
#include "bench/scenario/scenario_run.h"
#include "weir/base/assert.h"

enum { TTFT_WINDOW_S = 5 };

static unsigned group_in(const uint32_t *ends, enum turn_group group)
{
    unsigned n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == group ? ends[e] : 0;
    return n;
}

static double of_intended(const struct load_bin *b)
{
    return b->intended;
}

static double of_attempts(const struct load_bin *b)
{
    return b->attempts;
}

static double of_retries(const struct load_bin *b)
{
    return b->retries;
}

static double of_good(const struct load_bin *b)
{
    return b->ends[TURN_GOOD];
}

static double of_poor(const struct load_bin *b)
{
    return b->ends[TURN_LATE] + b->ends[TURN_SLOW];
}

static double of_refused(const struct load_bin *b)
{
    return b->attempt_ends[TURN_REFUSED];
}

static double of_failed(const struct load_bin *b)
{
    return group_in(b->attempt_ends, HARD);
}

static double of_content(const struct load_bin *b)
{
    return b->content;
}

static double of_open(const struct load_bin *b)
{
    return b->open;
}

static const struct {
    const char *name;
    double (*of)(const struct load_bin *b);
} series[] = {
    {"intended", of_intended}, {"attempts", of_attempts}, {"retries", of_retries},
    {"good", of_good},         {"poor", of_poor},         {"refused", of_refused},
    {"failed", of_failed},     {"content", of_content},   {"open", of_open},
};

static json_t *series_of(const struct run *p)
{
    json_t *out = json_pack("{s:i}", "step_s", 1);

    for (size_t k = 0; k < sizeof series / sizeof series[0]; k++) {
        json_t *values = json_array();
        for (size_t i = 0; i < p->n_bins; i++)
            (void)json_array_append_new(values, figure(series[k].of(&p->bins[i]), 0));
        (void)json_object_set_new(out, series[k].name, values);
    }
    return out;
}

/* Failures and refusals by kind over the whole run, of attempts or of turns. */
static json_t *ends_of(const uint64_t *ends)
{
    json_t *out = json_object();

    for (int e = 0; e < TURN_END_COUNT; e++)
        (void)json_object_set_new(out, turn_end_name((enum turn_end)e), figure_count(ends[e]));
    return out;
}

static void collect_ttft(const struct run *p, double from_s, double to_s, struct samples *out)
{
    for (size_t k = 0; k < p->scenario->n_loads; k++) {
        size_t n;
        const struct load_record *r = load_records(p->loads[k], &n);
        for (size_t i = 0; i < n; i++) {
            /* of what was served, by the time of its first token */
            double at_s = (double)r[i].end_s - ((double)r[i].total_ms - (double)r[i].wait_ms) / 1e3;
            if (r[i].ttft_ms >= 0 && turn_end_group(r[i].end) == SERVED && at_s >= from_s &&
                at_s < to_s)
                samples_add(out, (double)r[i].ttft_ms);
        }
    }
}

static json_t *percentile(struct samples *s, double share)
{
    return figure(s->n == 0 ? NAN : samples_percentile(s, share), 1);
}

static json_t *ttft_of(const struct run *p)
{
    json_t *windows = json_array();

    for (double t = 0; t < p->scenario->duration_s; t += TTFT_WINDOW_S) {
        struct samples s = {0};
        collect_ttft(p, t, t + TTFT_WINDOW_S, &s);
        (void)json_array_append_new(windows, json_pack("[o,o,o]", percentile(&s, 0.5),
                                                       percentile(&s, 0.9), percentile(&s, 0.99)));
        samples_free(&s);
    }
    return json_pack("{s:i,s:o}", "step_s", TTFT_WINDOW_S, "windows", windows);
}

static json_t *samples_of(const struct run *p)
{
    json_t *out = json_array();

    for (size_t i = 0; i < p->watch.n_samples; i++) {
        const struct watch_sample *w = &p->watch.samples[i];
        (void)json_array_append_new(
            out, json_pack("{s:o,s:b,s:o,s:o,s:o,s:i,s:i,s:i,s:b,s:i,s:i,s:o,s:o,s:o}", "at_s",
                           figure(w->at_s, 2), "weir", w->has_weir, "state", figure_text(w->state),
                           "upstream", figure_text(w->upstream_state), "share", figure(w->share, 3),
                           "inflight", w->inflight, "pending", w->pending, "queued", w->queued,
                           "up", w->has_backend && w->backend_up, "running", w->running, "waiting",
                           w->waiting, "attempts", figure(w->attempts, 0), "tokens",
                           figure(w->tokens, 0), "wasted", figure(w->tokens_wasted, 0)));
    }
    return out;
}

static json_t *events_of(const struct run *p)
{
    json_t *out = json_array();

    for (size_t i = 0; i < p->watch.n_events; i++) {
        const struct watch_event *e = &p->watch.events[i];
        (void)json_array_append_new(
            out, json_pack("{s:o,s:o,s:o,s:o,s:o}", "at_s", figure(e->at_s, 3), "upstream",
                           figure_text(e->upstream), "from", figure_text(e->from), "to",
                           figure_text(e->to), "cause", figure_text(e->cause)));
    }
    return out;
}

static json_t *steps_of(const struct run *p)
{
    json_t *out = json_array();

    for (size_t i = 0; i < p->scenario->n_steps; i++) {
        const struct scenario_step *s = &p->scenario->steps[i];
        (void)json_array_append_new(
            out, json_pack("{s:o,s:o,s:o,s:o,s:o}", "at_s", figure(s->at_s, 2), "backend",
                           figure_text(s->backend), "weir", figure_text(s->weir), "fleet",
                           figure_text(s->fleet_line), "say", figure_text(s->say)));
    }
    return out;
}

static json_t *assertion_of(const struct run *p, size_t i)
{
    const struct scenario_assertion *m = &p->scenario->assertions[i];
    bool binding = strcmp(m->target, "all") == 0 || strcmp(m->target, p->target) == 0;

    return json_pack(
        "{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "what", m->name, "help",
        assertion_help(m->kind), "of", figure(m->of, 6), "from_s", figure(m->from_s, 1), "to_s",
        figure(m->to_s, 1), "least", figure(m->least, 4), "most", figure(m->most, 4), "value",
        figure(p->values[i], 4), "beside", figure_text(m->beside), "beyond", figure_text(m->beyond),
        "raw", figure(p->raw[i], 4), "binding", binding, "held", assertion_holds(m, p->values[i]));
}

static json_t *assertions_of(const struct run *p)
{
    json_t *out = json_array();

    for (size_t i = 0; i < p->scenario->n_assertions; i++)
        (void)json_array_append_new(out, assertion_of(p, i));
    return out;
}

static json_t *sheds_of(const struct run *p)
{
    json_t *out = json_object();

    for (size_t i = 0; i < p->watch.n_sheds; i++)
        (void)json_object_set_new(out, p->watch.sheds[i].cause, figure(p->watch.sheds[i].n, 0));
    return out;
}

/* {"pool":{"cause":n}}, by weir's access log. */
static json_t *refusals_of(const struct run *p)
{
    json_t *out = json_object();

    for (size_t i = 0; i < p->refusals.n_counts; i++) {
        const struct refusal_count *c = &p->refusals.counts[i];
        json_t *pool = json_object_get(out, c->pool);
        if (pool == NULL) {
            pool = json_object();
            (void)json_object_set_new(out, c->pool, pool);
        }
        (void)json_object_set_new(pool, c->cause, figure(c->n, 0));
    }
    return out;
}

/* Percentiles over all loads together, of what was served. */
static json_t *times_of(const struct run *p, size_t offset)
{
    struct samples s = {0};
    json_t *out;

    for (size_t i = 0; i < p->scenario->n_loads; i++)
        load_collect(p->loads[i], offset, true, &s);
    out = json_pack("{s:o,s:o,s:o}", "p50", figure(samples_percentile(&s, 0.5), 1), "p90",
                    figure(samples_percentile(&s, 0.9), 1), "p99",
                    figure(samples_percentile(&s, 0.99), 1));
    samples_free(&s);
    return out;
}

static json_t *loads_of(struct run *p)
{
    json_t *out = json_array();

    for (size_t i = 0; i < p->scenario->n_loads; i++)
        (void)json_array_append_new(out, json_pack("{s:o,s:o}", "name",
                                                   figure_text(p->scenario->loads[i].name),
                                                   "summary", load_summary(p->loads[i])));
    return out;
}

json_t *run_result(struct run *p)
{
    const struct scenario *s = p->scenario;
    const struct {
        const char *name;
        json_t *value;
    } members[] = {
        {"kind", figure_text("run")},
        {"scenario", figure_text(s->name)},
        {"title", figure_text(s->title)},
        {"about", figure_text(s->about)},
        {"target", figure_text(p->target)},
        {"engine", figure_text(s->engine_name)},
        {"seed", figure(s->seed, 0)},
        {"duration_s", figure(s->duration_s, 1)},
        {"capacity_per_s", figure(s->capacity_per_s, 3)},
        {"ends", ends_of(p->sums.ends)},
        {"tries", ends_of(p->sums.attempt_ends)},
        {"series", series_of(p)},
        {"ttft", ttft_of(p)},
        {"samples", samples_of(p)},
        {"events", events_of(p)},
        {"steps", steps_of(p)},
        {"must", assertions_of(p)},
        {"shed", sheds_of(p)},
        {"refused", refusals_of(p)},
        {"ttft_ms", times_of(p, offsetof(struct load_record, ttft_ms))},
        {"wait_ms", times_of(p, offsetof(struct load_record, wait_ms))},
        {"late_ms_p99", figure(run_late_ms(p), 1)},
        {"loads", loads_of(p)},
    };
    json_t *out = json_object();

    if (p->fleet.n > 0)
        (void)json_object_set_new(out, "fleet", fleet_seen_json(&p->fleet, s->duration_s));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        WEIR_ASSERT(json_object_set_new(out, members[i].name, members[i].value) == 0);
    return out;
}
