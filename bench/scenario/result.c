/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a play as JSON: what a report is made from (docs/benchmarks.md has the form). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/play.h"

enum { TTFT_WINDOW_S = 5 };

static void put_number(struct grow *g, double x, int decimals)
{
    if (isnan(x) || isinf(x))
        grow_str(g, "null");
    else
        grow_printf(g, "%.*f", decimals, x);
}

static void put_text(struct grow *g, const char *key, const char *value)
{
    grow_printf(g, "\"%s\":", key);
    grow_json_str(g, slice_str(value));
    grow_str(g, ",");
}

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
    return b->tries[TURN_REFUSED];
}

static double of_failed(const struct load_bin *b)
{
    return group_in(b->tries, HARD);
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

static void put_series(const struct play *p, struct grow *g)
{
    grow_str(g, "\"series\":{\"step_s\":1");
    for (size_t k = 0; k < sizeof series / sizeof series[0]; k++) {
        grow_printf(g, ",\"%s\":[", series[k].name);
        for (size_t i = 0; i < p->n_bins; i++)
            grow_printf(g, "%s%.0f", i > 0 ? "," : "", series[k].of(&p->bins[i]));
        grow_str(g, "]");
    }
    grow_str(g, "},");
}

/* Failures and refusals by kind over the whole run, of attempts and of turns. */
static void put_ends(struct grow *g, const char *key, const uint64_t *ends)
{
    grow_printf(g, "\"%s\":{", key);
    for (int e = 0; e < TURN_END_COUNT; e++)
        grow_printf(g, "%s\"%s\":%llu", e > 0 ? "," : "", turn_end_name((enum turn_end)e),
                    (unsigned long long)ends[e]);
    grow_str(g, "},");
}

static void collect_ttft(const struct play *p, double from_s, double to_s, struct samples *out)
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

static void put_ttft(const struct play *p, struct grow *g)
{
    grow_printf(g, "\"ttft\":{\"step_s\":%d,\"windows\":[", TTFT_WINDOW_S);
    for (double t = 0; t < p->scenario->duration_s; t += TTFT_WINDOW_S) {
        struct samples s = {0};
        collect_ttft(p, t, t + TTFT_WINDOW_S, &s);
        grow_str(g, t > 0 ? ",[" : "[");
        put_number(g, s.n == 0 ? NAN : samples_percentile(&s, 0.5), 1);
        grow_str(g, ",");
        put_number(g, s.n == 0 ? NAN : samples_percentile(&s, 0.9), 1);
        grow_str(g, ",");
        put_number(g, s.n == 0 ? NAN : samples_percentile(&s, 0.99), 1);
        grow_str(g, "]");
        samples_free(&s);
    }
    grow_str(g, "]},");
}

static void put_samples(const struct play *p, struct grow *g)
{
    grow_str(g, "\"samples\":[");
    for (size_t i = 0; i < p->watch.n_samples; i++) {
        const struct watch_sample *w = &p->watch.samples[i];
        grow_printf(g,
                    "%s{\"at_s\":%.2f,\"weir\":%s,\"state\":\"%s\",\"upstream\":\"%s\","
                    "\"share\":%.3f,\"inflight\":%d,\"pending\":%d,\"queued\":%d,\"up\":%s,"
                    "\"running\":%d,\"waiting\":%d,\"attempts\":%.0f,\"tokens\":%.0f,"
                    "\"wasted\":%.0f}",
                    i > 0 ? "," : "", w->at_s, w->has_weir ? "true" : "false", w->state,
                    w->upstream_state, w->share, w->inflight, w->pending, w->queued,
                    w->has_backend && w->backend_up ? "true" : "false", w->running, w->waiting,
                    w->attempts, w->tokens, w->tokens_wasted);
    }
    grow_str(g, "],\"events\":[");
    for (size_t i = 0; i < p->watch.n_events; i++) {
        const struct watch_event *e = &p->watch.events[i];
        grow_printf(g, "%s{\"at_s\":%.3f,\"upstream\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",",
                    i > 0 ? "," : "", e->at_s, e->upstream, e->from, e->to);
        grow_printf(g, "\"cause\":\"%s\"}", e->cause);
    }
    grow_str(g, "],");
}

static void put_steps(const struct play *p, struct grow *g)
{
    grow_str(g, "\"steps\":[");
    for (size_t i = 0; i < p->scenario->n_steps; i++) {
        const struct scenario_step *s = &p->scenario->steps[i];
        grow_printf(g, "%s{\"at_s\":%.2f,", i > 0 ? "," : "", s->at_s);
        put_text(g, "backend", s->backend);
        put_text(g, "weir", s->weir);
        grow_str(g, "\"say\":");
        grow_json_str(g, slice_str(s->say));
        grow_str(g, "}");
    }
    grow_str(g, "],");
}

static void put_musts(const struct play *p, struct grow *g)
{
    bool more = false;

    grow_str(g, "\"must\":[");
    for (size_t i = 0; i < p->scenario->n_musts; i++) {
        const struct scenario_must *m = &p->scenario->musts[i];
        bool binding = strcmp(m->target, "all") == 0 || strcmp(m->target, p->target) == 0;
        grow_printf(g,
                    "%s{\"what\":\"%s\",\"help\":\"%s\",\"of\":%g,\"from_s\":%.1f,\"to_s\":%.1f,"
                    "\"least\":",
                    more ? "," : "", m->name, must_help(m->kind), m->of, m->from_s, m->to_s);
        put_number(g, m->least, 4);
        grow_str(g, ",\"most\":");
        put_number(g, m->most, 4);
        grow_str(g, ",\"value\":");
        put_number(g, p->values[i], 4);
        grow_printf(g, ",\"beside\":\"%s\",\"raw\":", m->beside);
        put_number(g, p->raw[i], 4);
        grow_printf(g, ",\"binding\":%s,\"held\":%s}", binding ? "true" : "false",
                    must_holds(m, p->values[i]) ? "true" : "false");
        more = true;
    }
    grow_str(g, "],");
}

static void put_sheds(const struct play *p, struct grow *g)
{
    grow_str(g, "\"shed\":{");
    for (size_t i = 0; i < p->watch.n_sheds; i++)
        grow_printf(g, "%s\"%s\":%.0f", i > 0 ? "," : "", p->watch.sheds[i].cause,
                    p->watch.sheds[i].n);
    grow_str(g, "},");
}

/* Percentiles over all loads together, of what was served. */
static void put_times(const struct play *p, struct grow *g)
{
    static const struct {
        const char *name;
        size_t at;
    } times[] = {{"ttft_ms", offsetof(struct load_record, ttft_ms)},
                 {"wait_ms", offsetof(struct load_record, wait_ms)}};

    for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
        struct samples s = {0};
        for (size_t i = 0; i < p->scenario->n_loads; i++)
            load_collect(p->loads[i], times[k].at, true, &s);
        grow_printf(g, "\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f},", times[k].name,
                    samples_percentile(&s, 0.5), samples_percentile(&s, 0.9),
                    samples_percentile(&s, 0.99));
        samples_free(&s);
    }
}

static void put_loads(struct play *p, struct grow *g)
{
    grow_str(g, "\"loads\":[");
    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        grow_printf(g, "%s{\"name\":", i > 0 ? "," : "");
        grow_json_str(g, slice_str(p->scenario->loads[i].name));
        grow_str(g, ",\"summary\":");
        load_write_json(p->loads[i], g);
        grow_str(g, "}");
    }
    grow_str(g, "]");
}

void play_write_json(struct play *p, struct grow *g)
{
    const struct scenario *s = p->scenario;

    grow_str(g, "{\"kind\":\"run\",");
    put_text(g, "scenario", s->name);
    put_text(g, "title", s->title);
    put_text(g, "about", s->about);
    put_text(g, "target", p->target);
    put_text(g, "engine", s->engine_name);
    grow_printf(g, "\"seed\":%.0f,\"duration_s\":%.1f,\"capacity_per_s\":%.3f,", s->seed,
                s->duration_s, s->capacity_per_s);
    put_ends(g, "ends", p->sums.ends);
    put_ends(g, "tries", p->sums.tries);
    put_series(p, g);
    put_ttft(p, g);
    put_samples(p, g);
    put_steps(p, g);
    put_musts(p, g);
    put_sheds(p, g);
    put_times(p, g);
    grow_str(g, "\"late_ms_p99\":");
    put_number(g, play_late_ms(p), 1);
    grow_str(g, ",");
    put_loads(p, g);
    grow_str(g, "}");
}
