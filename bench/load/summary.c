/* SPDX-License-Identifier: Apache-2.0 */
/* What a run came to, for readers and for programs. */
#include <stddef.h>

#include "bench/common/figure.h"
#include "bench/load/load_priv.h"

void load_collect(const struct load *l, size_t offset, bool good_only, struct samples *out)
{
    for (size_t i = 0; i < l->n_records; i++) {
        const struct load_record *r = &l->records[i];
        float x = *(const float *)((const char *)r + offset);
        if (x >= 0 && (!good_only || turn_end_group(r->end) == SERVED))
            samples_add(out, (double)x);
    }
}

static uint64_t group_sum(const struct load_sums *s, enum turn_group group)
{
    uint64_t n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == group ? s->ends[e] : 0;
    return n;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static double run_s(const struct load *l)
{
    return l->sums.last_end_s > 0 ? l->sums.last_end_s : 1;
}

static const struct {
    const char *name, *title;
    size_t at;
    bool served_only;
} measures[] = {
    {"ttft_ms", "first token", offsetof(struct load_record, ttft_ms), true},
    {"wait_ms", "  with retries", offsetof(struct load_record, wait_ms), true},
    {"total_ms", "whole answer", offsetof(struct load_record, total_ms), true},
    {"pace_ms", "pace per event", offsetof(struct load_record, pace_ms), true},
};
enum { N_MEASURES = sizeof measures / sizeof measures[0] };

static void write_measures(struct load *l, FILE *to)
{
    (void)fprintf(to, "\n%-16s %10s %10s %10s %10s   ms, of the answers that were served\n", "",
                  "median", "90 %", "99 %", "most");
    for (size_t i = 0; i < N_MEASURES; i++) {
        struct samples s = {0};
        load_collect(l, measures[i].at, measures[i].served_only, &s);
        if (s.n == 0) /* nobody was served, or nothing came in events */
            continue;
        (void)fprintf(to, "%-16s %10.1f %10.1f %10.1f %10.1f\n", measures[i].title,
                      samples_percentile(&s, 0.5), samples_percentile(&s, 0.9),
                      samples_percentile(&s, 0.99), samples_percentile(&s, 1));
        samples_free(&s);
    }
}

static void write_ends(const struct load *l, FILE *to)
{
    const struct load_sums *s = &l->sums;

    for (int e = 0; e < TURN_END_COUNT; e++) {
        if (s->ends[e] > 0 || e == TURN_GOOD)
            (void)fprintf(to, "  %-14s %10llu %6.1f %%\n", turn_end_name((enum turn_end)e),
                          (unsigned long long)s->ends[e], percent(s->ends[e], s->turns));
    }
    if (s->left > 0)
        (void)fprintf(to, "  %-14s %10llu %6.1f %%\n", "under way", (unsigned long long)s->left,
                      percent(s->left, s->turns));
}

static void write_generator(struct load *l, FILE *to)
{
    double late_ms = samples_percentile(&l->lateness, 0.99) / 1e3;
    uint64_t made, failed, stale;

    places_connections(l, &made, &failed, &stale);
    (void)fprintf(to, "\nconnections %llu (%llu could not be made, %llu found closed)\n",
                  (unsigned long long)made, (unsigned long long)failed, (unsigned long long)stale);
    if (late_ms > 10)
        (void)fprintf(to,
                      "the generator itself sent 1 %% of its requests %.1f ms late or more: this "
                      "machine is the limit\n",
                      late_ms);
    if (l->sums.not_sent > 0)
        (void)fprintf(
            to,
            "%llu arrivals were not sent: %u were open already (--max-open), or the run was "
            "over\n",
            (unsigned long long)l->sums.not_sent, l->conf.max_open);
    if (l->conf.verify)
        (void)fprintf(to, "checked: %llu answers mixed, %llu with missing tokens\n",
                      (unsigned long long)l->sums.mixed, (unsigned long long)l->sums.incomplete);
}

void load_write_text(struct load *l, FILE *to)
{
    const struct load_sums *s = &l->sums;
    double good = (double)s->ends[TURN_GOOD] / run_s(l);

    (void)fprintf(to, "%llu turns in %.1f s: %.1f offered and %.1f good a second\n",
                  (unsigned long long)s->turns, run_s(l), (double)s->turns / run_s(l), good);
    write_ends(l, to);
    (void)fprintf(to, "served %.1f %%, refused politely %.1f %%, failed hard %.1f %%\n",
                  percent(group_sum(s, SERVED), s->turns), percent(group_sum(s, POLITE), s->turns),
                  percent(group_sum(s, HARD), s->turns));
    (void)fprintf(to,
                  "attempts %llu, retries %llu; of %llu that came when told to, %.0f %% let in\n",
                  (unsigned long long)s->attempts, (unsigned long long)s->retries,
                  (unsigned long long)s->hinted, percent(s->hints_kept, s->hinted));
    (void)fprintf(to, "content events %llu, wasted %llu (%.1f %%)\n",
                  (unsigned long long)s->content, (unsigned long long)s->wasted_content,
                  percent(s->wasted_content, s->content));
    if (l->conf.turns > 1)
        (void)fprintf(
            to,
            "conversations %llu: %llu completed (%llu with good answers only), %llu broken at "
            "once, %llu later\n",
            (unsigned long long)s->conversations, (unsigned long long)s->completed,
            (unsigned long long)s->completed_good, (unsigned long long)s->broken_first,
            (unsigned long long)s->broken_later);
    write_measures(l, to);
    write_generator(l, to);
}

static json_t *ends_of(const uint64_t *n)
{
    json_t *out = json_object();

    for (int e = 0; e < TURN_END_COUNT; e++)
        (void)json_object_set_new(out, turn_end_name((enum turn_end)e), figure_count(n[e]));
    return out;
}

static void add_counts(const struct load *l, json_t *out)
{
    const struct load_sums *s = &l->sums;
    uint64_t several = l->conf.turns > 1; /* one request is no conversation */
    uint64_t made, failed, stale;

    places_connections(l, &made, &failed, &stale);
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"turns", s->turns},
                  {"served", group_sum(s, SERVED)},
                  {"refused_politely", group_sum(s, POLITE)},
                  {"failed_hard", group_sum(s, HARD)},
                  {"under_way", s->left},
                  {"attempts", s->attempts},
                  {"retries", s->retries},
                  {"hinted", s->hinted},
                  {"hints_kept", s->hints_kept},
                  {"content_events", s->content},
                  {"content_wasted", s->wasted_content},
                  {"bytes", s->bytes},
                  {"conversations", several * s->conversations},
                  {"conversations_completed", several * s->completed},
                  {"conversations_completed_good", several * s->completed_good},
                  {"conversations_broken_first", several * s->broken_first},
                  {"conversations_broken_later", several * s->broken_later},
                  {"mixed", s->mixed},
                  {"incomplete", s->incomplete},
                  {"connects", made},
                  {"connect_failures", failed},
                  {"stale", stale},
                  {"not_sent", s->not_sent}};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        (void)json_object_set_new(out, counts[i].name, figure_count(counts[i].n));
}

static void add_measures(const struct load *l, json_t *out)
{
    for (size_t i = 0; i < N_MEASURES; i++) {
        struct samples m = {0};
        load_collect(l, measures[i].at, measures[i].served_only, &m);
        (void)json_object_set_new(out, measures[i].name,
                                  json_pack("{s:o,s:o,s:o,s:o}", "p50",
                                            figure(samples_percentile(&m, 0.5), 2), "p90",
                                            figure(samples_percentile(&m, 0.9), 2), "p99",
                                            figure(samples_percentile(&m, 0.99), 2), "max",
                                            figure(samples_percentile(&m, 1), 2)));
        samples_free(&m);
    }
}

json_t *load_summary(struct load *l)
{
    const struct load_sums *s = &l->sums;
    json_t *out = json_pack("{s:o,s:o,s:o,s:o,s:o}", "seconds", figure(run_s(l), 3),
                            "goodput_per_s", figure((double)s->ends[TURN_GOOD] / run_s(l), 3),
                            "ends", ends_of(s->ends), "tries", ends_of(s->attempt_ends),
                            "late_us_p99", figure(samples_percentile(&l->lateness, 0.99), 1));

    add_counts(l, out);
    add_measures(l, out);
    return out;
}
