/* SPDX-License-Identifier: Apache-2.0 */
/* Figures over spans of a run, and their bounds.  Pure. */
#include "bench/scenario/assertion.h"

#include <math.h>
#include <string.h>

#include "bench/common/samples.h"

struct assertion_kind {
    const char *name, *help;
    double (*value)(const struct scenario_assertion *m, const struct seen *s);
};

struct span_sums {
    double seconds, intended, attempts, retries;
    double ends[TURN_END_COUNT], attempt_ends[TURN_END_COUNT];
};

static struct span_sums sum_span(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums out = {0};
    size_t from = m->from_s < 0 ? 0 : (size_t)m->from_s;

    for (size_t i = from; i < s->n_bins && (double)i < m->to_s; i++) {
        const struct load_bin *b = &s->bins[i];
        out.seconds++;
        out.intended += b->intended;
        out.attempts += b->attempts;
        out.retries += b->retries;
        for (int e = 0; e < TURN_END_COUNT; e++) {
            out.ends[e] += b->ends[e];
            out.attempt_ends[e] += b->attempt_ends[e];
        }
    }
    return out;
}

static double group_of(const double ends[TURN_END_COUNT], enum turn_group g)
{
    double n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == g ? ends[e] : 0;
    return n;
}

static double all_of(const double ends[TURN_END_COUNT])
{
    return group_of(ends, SERVED) + group_of(ends, POLITE) + group_of(ends, HARD);
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static double value_goodput(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);

    return share(t.ends[TURN_GOOD], t.seconds);
}

/* Up to the end of the run, those who still wait then count as virtual users without an answer. */
static double value_good_share(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);
    double left = m->to_s >= s->duration_s ? (double)s->sums->left : 0;

    return share(t.ends[TURN_GOOD], all_of(t.ends) + left);
}

static double value_hard_share(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);

    return share(group_of(t.ends, HARD), all_of(t.ends));
}

static double value_hard_attempts(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);

    return share(group_of(t.attempt_ends, HARD), all_of(t.attempt_ends));
}

static double value_polite(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);
    double polite = group_of(t.attempt_ends, POLITE),
           not_served = polite + group_of(t.attempt_ends, HARD);

    return not_served > 0 ? polite / not_served : 1;
}

static double value_retry_share(const struct scenario_assertion *m, const struct seen *s)
{
    struct span_sums t = sum_span(m, s);

    return share(t.retries, t.attempts);
}

double time_to_full(const struct load_bin *bins, size_t n, double from_s, double full)
{
    enum { HELD_S = 10 };

    for (size_t i = (size_t)from_s; i + HELD_S <= n; i++) {
        double good = 0;
        for (size_t k = 0; k < HELD_S; k++)
            good += bins[i + k].ends[TURN_GOOD];
        if (good / HELD_S >= full)
            return (double)i - from_s;
    }
    return NAN;
}

static double value_time_to_full(const struct scenario_assertion *m, const struct seen *s)
{
    size_t n = m->to_s < (double)s->n_bins ? (size_t)m->to_s : s->n_bins;

    return time_to_full(s->bins, n, m->from_s, m->of);
}

/* The last sample at or before a time; NULL when there is none. */
static const struct watch_sample *sample_at(const struct watch *w, double at_s)
{
    const struct watch_sample *found = NULL;

    for (size_t i = 0; i < w->n_samples && w->samples[i].at_s <= at_s; i++)
        found = w->samples[i].has_backend ? &w->samples[i] : found;
    return found;
}

static double value_attempts(const struct scenario_assertion *m, const struct seen *s)
{
    const struct watch_sample *a = sample_at(s->watch, m->from_s),
                              *b = sample_at(s->watch, m->to_s);

    return a == NULL || b == NULL ? NAN : b->attempts - a->attempts;
}

static double value_wasted(const struct scenario_assertion *m, const struct seen *s)
{
    const struct watch_sample *a = sample_at(s->watch, m->from_s),
                              *b = sample_at(s->watch, m->to_s);

    if (a == NULL || b == NULL)
        return NAN;
    return share(b->tokens_wasted - a->tokens_wasted, b->tokens - a->tokens);
}

static double value_backend_refused(const struct scenario_assertion *m, const struct seen *s)
{
    const struct watch_sample *a = sample_at(s->watch, m->from_s),
                              *b = sample_at(s->watch, m->to_s);

    if (a == NULL || b == NULL)
        return NAN;
    return share(b->refused - a->refused, b->attempts - a->attempts);
}

/* Of the samples' longest waits: the whole of a bad second counts by its worst request. */
static double value_backend_wait(const struct scenario_assertion *m, const struct seen *s)
{
    struct samples waits = {0};
    double p95;

    for (size_t i = 0; i < s->watch->n_samples; i++) {
        const struct watch_sample *w = &s->watch->samples[i];
        if (w->has_backend && w->at_s >= m->from_s && w->at_s < m->to_s)
            samples_add(&waits, w->longest_wait_s);
    }
    p95 = waits.n == 0 ? NAN : samples_percentile(&waits, 0.95);
    samples_free(&waits);
    return p95;
}

static double refusal_ms(const struct scenario_assertion *m, const struct seen *s, double share)
{
    struct samples took = {0};
    double ms;

    for (size_t i = 0; s->refusals != NULL && i < s->refusals->n; i++) {
        const struct refusal *r = &s->refusals->v[i];
        if (r->at_s >= m->from_s && r->at_s < m->to_s)
            samples_add(&took, r->own_ms);
    }
    ms = took.n == 0 ? NAN : samples_percentile(&took, share);
    samples_free(&took);
    return ms;
}

static double value_refusal_ms(const struct scenario_assertion *m, const struct seen *s)
{
    return refusal_ms(m, s, 0.99);
}

static double value_refusal_half(const struct scenario_assertion *m, const struct seen *s)
{
    return refusal_ms(m, s, 0.5);
}

static double value_openings(const struct scenario_assertion *m, const struct seen *s)
{
    double n = 0;

    for (size_t i = 0; i < s->watch->n_events; i++) {
        const struct watch_event *e = &s->watch->events[i];
        n += strcmp(e->to, "open") == 0 && e->at_s >= m->from_s && e->at_s < m->to_s;
    }
    return n;
}

static bool is_touched(const struct scenario *s, const char *upstream)
{
    for (size_t i = 0; s != NULL && i < s->n_steps; i++) {
        if (strcmp(s->steps[i].on, upstream) == 0)
            return true;
    }
    return false;
}

static double value_moves(const struct scenario_assertion *m, const struct seen *s)
{
    double n = 0;

    for (size_t i = 0; i < s->watch->n_events; i++) {
        const struct watch_event *e = &s->watch->events[i];
        n += strcmp(e->from, e->to) != 0 && e->at_s >= m->from_s && e->at_s < m->to_s &&
             !is_touched(s->scenario, e->upstream);
    }
    return n;
}

static double value_harm(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return s->lost > s->killed ? s->lost - s->killed : 0;
}

/* What somebody was told to keep from (Retry-After of a backend) is refused there, too. */
static double value_own_refusals(const struct scenario_assertion *m, const struct seen *s)
{
    double n = 0;

    (void)m;
    for (size_t i = 0; i < s->watch->n_sheds; i++)
        n += strcmp(s->watch->sheds[i].cause, "held") == 0 ? 0 : s->watch->sheds[i].n;
    return n;
}

static double value_altered(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return (double)(s->sums->attempt_ends[TURN_ALTERED] + s->sums->mixed);
}

static double value_added_ms(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return s->added_ms;
}

static double value_added_p99(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return s->added_p99_ms;
}

static double value_most_open(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return s->most_open;
}

static double value_jain(const struct scenario_assertion *m, const struct seen *s)
{
    return s->fleet == NULL ? NAN : fleet_jain(s->fleet, m->from_s, m->to_s);
}

static double value_redis_calls(const struct scenario_assertion *m, const struct seen *s)
{
    return s->fleet == NULL ? NAN : fleet_most_calls(s->fleet, m->from_s, m->to_s);
}

static double value_share(const struct scenario_assertion *m, const struct seen *s)
{
    double sum = 0, n = 0;

    for (size_t i = 0; i < s->watch->n_samples; i++) {
        const struct watch_sample *w = &s->watch->samples[i];
        if (!w->has_weir || w->at_s < m->from_s || w->at_s >= m->to_s)
            continue;
        sum += w->share;
        n++;
    }
    return share(sum, n);
}

static double value_completed(const struct scenario_assertion *m, const struct seen *s)
{
    const struct load_sums *t = s->sums;

    (void)m;
    return share((double)t->completed, (double)(t->completed + t->broken_first + t->broken_later));
}

static double value_broken_later(const struct scenario_assertion *m, const struct seen *s)
{
    const struct load_sums *t = s->sums;

    (void)m;
    return share((double)t->broken_later,
                 (double)(t->completed + t->broken_first + t->broken_later));
}

static double value_hints(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return s->hints_kept;
}

static double value_mixed(const struct scenario_assertion *m, const struct seen *s)
{
    (void)m;
    return (double)(s->sums->mixed + s->sums->incomplete);
}

static const struct assertion_kind kinds[] = {
    {"goodput", "good answers a second", value_goodput},
    {"good_share", "good answers of all turns (those still under way at the end of the run, too)",
     value_good_share},
    {"hard_share", "turns that ended in a failure", value_hard_share},
    {"hard_tries", "attempts that came to a failure", value_hard_attempts},
    {"polite_share", "attempts refused and told when to come back, of all that were not served",
     value_polite},
    {"retry_share", "retries of all attempts", value_retry_share},
    {"time_to_full", "seconds until goodput is at the level `of`, and stays for ten seconds",
     value_time_to_full},
    {"attempts", "requests that reached the backend", value_attempts},
    {"wasted", "tokens of answers nobody got whole", value_wasted},
    {"backend_refused", "requests that the backend refused, of those that reached it",
     value_backend_refused},
    {"backend_wait", "longest wait for a slot of the backend in a second, s, 95 % of the seconds",
     value_backend_wait},
    {"refusal_ms", "weir's own time for a refusal, waiting left out, ms, 99 % of them",
     value_refusal_ms},
    {"refusal_half", "the same, half of them", value_refusal_half},
    {"openings", "times a breaker opened", value_openings},
    {"share", "mean share weir let through", value_share},
    {"completed", "conversations completed (whole run)", value_completed},
    {"broken_later", "conversations broken after they had begun (whole run)", value_broken_later},
    {"hints_kept", "let in, of those who came when told to (whole run)", value_hints},
    {"moves", "state changes of upstreams that no step of the scenario touches", value_moves},
    {"harm", "attempts refused or failed beyond those that died with their backend (whole run)",
     value_harm},
    {"own_refusals", "weir's own refusals, cooldowns that a backend asked for apart (whole run)",
     value_own_refusals},
    {"altered", "bodies that arrived other than they were sent (whole run)", value_altered},
    {"added_ms", "first token after the backend meant it to come, ms, median (whole run)",
     value_added_ms},
    {"added_p99", "the same, 99 % of them (whole run)", value_added_p99},
    {"most_open", "most requests at the backend at once, by its own count (whole run)",
     value_most_open},
    {"jain", "Jain's index of the shares of attempts that each node of a fleet served well",
     value_jain},
    {"redis_calls", "calls to Redis a second, of the node of a fleet that made most",
     value_redis_calls},
    {"mixed", "answers with foreign or missing tokens (whole run)", value_mixed},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

const struct assertion_kind *assertion_find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

const char *assertion_name_at(size_t i, const char **help)
{
    if (i >= N_KINDS)
        return NULL;
    *help = kinds[i].help;
    return kinds[i].name;
}

const char *assertion_help(const struct assertion_kind *k)
{
    return k->help;
}

double assertion_value(const struct scenario_assertion *m, const struct seen *s)
{
    return m->kind->value(m, s);
}

bool assertion_holds(const struct scenario_assertion *m, double value)
{
    return !isnan(value) && (isnan(m->least) || value >= m->least) &&
           (isnan(m->most) || value <= m->most);
}
