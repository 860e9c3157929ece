/* SPDX-License-Identifier: Apache-2.0 */
/* Each node's part of a run. */
#include "bench/scenario/fleet_seen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/common/figure.h"
#include "weir/base/assert.h"

static void add_bins(struct fleet_seen *s, size_t node, const struct place_bin *from, size_t n)
{
    if (n > s->n_bins[node]) {
        s->bins[node] = realloc(s->bins[node], n * sizeof s->bins[node][0]);
        WEIR_ASSERT(s->bins[node] != NULL);
        memset(s->bins[node] + s->n_bins[node], 0, (n - s->n_bins[node]) * sizeof s->bins[node][0]);
        s->n_bins[node] = n;
    }
    for (size_t i = 0; i < n; i++) {
        s->bins[node][i].attempts += from[i].attempts;
        for (int e = 0; e < TURN_END_COUNT; e++)
            s->bins[node][i].ends[e] += from[i].ends[e];
    }
}

void fleet_seen_add(struct fleet_seen *s, const struct load *l)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t n;
        const struct place_bin *bins = load_place_bins(l, i, &n);
        add_bins(s, i, bins, n);
    }
}

void fleet_seen_free(struct fleet_seen *s)
{
    for (size_t i = 0; i < FLEET_NODES_MAX; i++)
        free(s->bins[i]);
    *s = (struct fleet_seen){0};
}

/* Of a node over a span: attempts, and what they came to. */
static struct place_bin sum_of(const struct fleet_seen *s, size_t node, double from_s, double to_s)
{
    struct place_bin sum = {0};

    for (size_t i = from_s < 0 ? 0 : (size_t)from_s; i < s->n_bins[node] && (double)i < to_s; i++) {
        sum.attempts += s->bins[node][i].attempts;
        for (int e = 0; e < TURN_END_COUNT; e++)
            sum.ends[e] += s->bins[node][i].ends[e];
    }
    return sum;
}

/* Good answers of all attempts; NAN: there were none. */
static double share_of(const struct place_bin *sum)
{
    return sum->attempts == 0 ? NAN : (double)sum->ends[TURN_GOOD] / (double)sum->attempts;
}

double fleet_jain(const struct fleet_seen *s, double from_s, double to_s)
{
    double sum = 0, squares = 0, n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct place_bin p = sum_of(s, i, from_s, to_s);
        double share = share_of(&p);
        if (isnan(share))
            continue;
        sum += share;
        squares += share * share;
        n++;
    }
    return squares > 0 ? sum * sum / (n * squares) : NAN;
}

double fleet_most_calls(const struct fleet_seen *s, double from_s, double to_s)
{
    double most = NAN;

    for (size_t i = 0; i < s->n; i++) {
        double calls = fleet_calls(s->watch, i, from_s, to_s);
        if (!isnan(calls) && (isnan(most) || calls > most))
            most = calls;
    }
    return most;
}

static unsigned hard_of(const struct place_bin *p)
{
    unsigned n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == HARD ? p->ends[e] : 0;
    return n;
}

void fleet_seen_print(const struct fleet_seen *s, double to_s, FILE *to)
{
    for (size_t i = 0; i < s->n; i++) {
        struct place_bin p = sum_of(s, i, 0, to_s);
        (void)fprintf(to,
                      "   node n%zu: %u attempts %u good %u refused %u failed, share %.3f, %.1f "
                      "calls to Redis a second\n",
                      i + 1, p.attempts, p.ends[TURN_GOOD], p.ends[TURN_REFUSED], hard_of(&p),
                      share_of(&p), fleet_calls(s->watch, i, 0, to_s));
    }
    (void)fprintf(to, "   Jain's index of the shares: %.3f\n", fleet_jain(s, 0, to_s));
}

static json_t *node_json(const struct fleet_seen *s, size_t i, double to_s)
{
    struct place_bin p = sum_of(s, i, 0, to_s);
    json_t *held = json_array();

    for (size_t k = 0; k < s->watch->n_samples; k++)
        (void)json_array_append_new(held, figure(s->watch->samples[k].nodes[i].held, 0));
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "node", (int)i + 1, "attempts",
                     figure_count(p.attempts), "good", figure_count(p.ends[TURN_GOOD]), "refused",
                     figure_count(p.ends[TURN_REFUSED]), "failed", figure_count(hard_of(&p)),
                     "share", figure(share_of(&p), 4), "redis_calls_per_s",
                     figure(fleet_calls(s->watch, i, 0, to_s), 2), "held", held);
}

json_t *fleet_seen_json(const struct fleet_seen *s, double to_s)
{
    json_t *nodes = json_array(), *at = json_array(), *joined = json_array();

    for (size_t i = 0; i < s->n; i++)
        (void)json_array_append_new(nodes, node_json(s, i, to_s));
    for (size_t k = 0; k < s->watch->n_samples; k++) {
        int n = 0;
        for (size_t i = 0; i < s->n; i++)
            n += s->watch->samples[k].nodes[i].joined;
        (void)json_array_append_new(at, figure(s->watch->samples[k].at_s, 1));
        (void)json_array_append_new(joined, json_integer(n));
    }
    return json_pack("{s:o,s:o,s:o,s:o}", "jain", figure(fleet_jain(s, 0, to_s), 4), "nodes", nodes,
                     "at_s", at, "joined", joined);
}
