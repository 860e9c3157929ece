/* SPDX-License-Identifier: Apache-2.0 */
/* The table that puts the targets of a scenario side by side. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/scenario/ask.h"

static double sum_of(const json_t *object, const char *const *names, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += json_number_value(json_object_get(object, names[i]));
    return sum;
}

static double all_of(const json_t *object)
{
    const char *key;
    json_t *value;
    double sum = 0;

    json_object_foreach((json_t *)(uintptr_t)object, key, value) sum += json_number_value(value);
    return sum;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

static double load_number(const json_t *run, const char *path)
{
    const json_t *loads = json_object_get(run, "loads");
    double sum = 0;

    for (size_t i = 0; i < json_array_size(loads); i++)
        sum += json_number_at(json_object_get(json_array_get(loads, i), "summary"), path);
    return sum;
}

/* Of virtual users whose turn was not over when the run ended: most wait for the time they were
 * told. */
static double under_way(const json_t *run)
{
    return load_number(run, "under_way");
}

/* With those, or a target that puts virtual users off would look the better for it. */
static double turns(const json_t *run)
{
    return all_of(json_object_get(run, "ends")) + under_way(run);
}

static double under_way_share(const json_t *run)
{
    return percent(under_way(run), turns(run));
}

double figure_good(const json_t *run)
{
    return percent(json_number_at(run, "ends.good"), turns(run));
}

static double goodput(const json_t *run)
{
    return json_number_at(run, "ends.good") / json_number_at(run, "duration_s");
}

static double of_capacity(const json_t *run)
{
    return percent(goodput(run), json_number_at(run, "capacity_per_s"));
}

static double poor_share(const json_t *run)
{
    return percent(json_number_at(run, "ends.late") + json_number_at(run, "ends.slow"), turns(run));
}

double figure_polite(const json_t *run)
{
    return percent(json_number_at(run, "ends.refused"), turns(run));
}

static const char *const served[] = {"good", "late", "slow"};

double figure_hard(const json_t *run)
{
    const json_t *ends = json_object_get(run, "ends");
    double soft = sum_of(ends, served, 3) + json_number_at(ends, "refused");

    return percent(all_of(ends) - soft, turns(run));
}

static double hard_attempts(const json_t *run)
{
    const json_t *attempt_ends = json_object_get(run, "tries");
    double all = all_of(attempt_ends),
           soft = sum_of(attempt_ends, served, 3) + json_number_at(attempt_ends, "refused");

    return percent(all - soft, all);
}

static double retries_per_turn(const json_t *run)
{
    return load_number(run, "retries") / fmax(load_number(run, "turns"), 1);
}

/* The backend's last counters. */
static double wasted_share(const json_t *run)
{
    const json_t *samples = json_object_get(run, "samples");
    const json_t *last = json_array_get(samples, json_array_size(samples) - 1);

    return percent(json_number_at(last, "wasted"), json_number_at(last, "tokens"));
}

static double first_token(const json_t *run)
{
    return json_number_at(run, "ttft_ms.p50") / 1e3;
}

static double first_token_p99(const json_t *run)
{
    return json_number_at(run, "ttft_ms.p99") / 1e3;
}

static double waiting_p90(const json_t *run)
{
    return json_number_at(run, "wait_ms.p90") / 1e3;
}

static double conversations(const json_t *run)
{
    return load_number(run, "conversations_completed") +
           load_number(run, "conversations_broken_first") +
           load_number(run, "conversations_broken_later");
}

static double completed_share(const json_t *run)
{
    return percent(load_number(run, "conversations_completed"), conversations(run));
}

static double completed_good_share(const json_t *run)
{
    return percent(load_number(run, "conversations_completed_good"), conversations(run));
}

static double broken_later_share(const json_t *run)
{
    return percent(load_number(run, "conversations_broken_later"), conversations(run));
}

static double hints_kept(const json_t *run)
{
    return percent(load_number(run, "hints_kept"), load_number(run, "hinted"));
}

static double late_ms(const json_t *run)
{
    return json_number_at(run, "late_ms_p99");
}

static const struct {
    const char *title, *unit;
    int decimals;
    double (*of)(const json_t *run);
} figures[] = {
    {"turns (questions of people)", "", 0, turns},
    {"good answers: complete, first token and pace as promised", "%", 1, figure_good},
    {"good answers a second", "1/s", 2, goodput},
    {"&nbsp;&nbsp;of what the backend can do at its best", "%", 0, of_capacity},
    {"complete, but late or slow", "%", 1, poor_share},
    {"refused in the end, politely (told when to come back)", "%", 1, figure_polite},
    {"failed in the end", "%", 1, figure_hard},
    {"still waiting or under way when the run ended", "%", 1, under_way_share},
    {"attempts that failed", "%", 1, hard_attempts},
    {"retries a turn", "", 2, retries_per_turn},
    {"let in, of those who came when told to", "%", 0, hints_kept},
    {"tokens computed for answers nobody got whole", "%", 1, wasted_share},
    {"first token, median", "s", 2, first_token},
    {"first token, 99 %", "s", 2, first_token_p99},
    {"first token with all retries, 90 %", "s", 1, waiting_p90},
    {"conversations completed", "%", 0, completed_share},
    {"&nbsp;&nbsp;with good answers only", "%", 0, completed_good_share},
    {"conversations broken after they had begun", "%", 0, broken_later_share},
    {"the generator's own delay, 99 % (much means: the machine was too busy)", "ms", 1, late_ms},
};

static void put_cell(struct grow *g, double x, int decimals)
{
    if (isnan(x) || isinf(x))
        grow_str(g, "<td>–</td>");
    else
        grow_printf(g, "<td>%.*f</td>", decimals, x);
}

static bool all_missing(const struct chapter *c, double (*of)(const json_t *run))
{
    for (size_t r = 0; r < c->n; r++) {
        if (!isnan(of(c->runs[r])))
            return false;
    }
    return true;
}

static void figure_rows(struct grow *g, const struct chapter *c)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (all_missing(c, figures[i].of))
            continue;
        grow_printf(g, "<tr><th>%s</th><td class=\"u\">%s</td>", figures[i].title, figures[i].unit);
        for (size_t r = 0; r < c->n; r++)
            put_cell(g, figures[i].of(c->runs[r]), figures[i].decimals);
        grow_str(g, "</tr>\n");
    }
}

static void put_bound(struct grow *g, const json_t *m)
{
    const json_t *least = json_object_get(m, "least"), *most = json_object_get(m, "most");

    if (json_is_number(least))
        grow_printf(g, " &ge; %g", json_number_value(least));
    if (json_is_number(most))
        grow_printf(g, " &le; %g", json_number_value(most));
}

static void assertion_cell(struct grow *g, const json_t *m)
{
    const json_t *value = json_object_get(m, "value");
    bool binding = json_is_true(json_object_get(m, "binding"));
    bool held = json_is_true(json_object_get(m, "held"));

    grow_printf(g, "<td%s>", !binding ? "" : held ? " class=\"held\"" : " class=\"broken\"");
    if (json_is_number(value))
        grow_printf(g, "%.4g", json_number_value(value));
    else
        grow_str(g, "never");
    grow_printf(g, "%s</td>", !binding ? "" : held ? " &#10003;" : " &#10007;");
}

static void put_beside(struct grow *g, const json_t *m)
{
    const char *target = json_text_at(m, "beside");

    if (target[0] == '\0')
        return;
    grow_str(g, ", as a part of that of ");
    put_html(g, target);
}

/* What had to hold, as a row each; those bound by it are marked. */
static void assertion_rows(struct grow *g, const struct chapter *c)
{
    const json_t *first = json_object_get(c->runs[0], "must");

    if (json_array_size(first) > 0)
        grow_printf(g,
                    "<tr><th class=\"sub\" colspan=\"%zu\">what must hold (marked where it "
                    "binds)</th></tr>\n",
                    c->n + 2);
    for (size_t i = 0; i < json_array_size(first); i++) {
        const json_t *m = json_array_get(first, i);
        grow_printf(g, "<tr><th>%s: ", json_text_at(m, "what"));
        put_html(g, json_text_at(m, "help"));
        if (json_number_at(m, "of") > 0)
            grow_printf(g, " (of = %g)", json_number_at(m, "of"));
        put_beside(g, m);
        grow_printf(g, ", %g&ndash;%g s", json_number_at(m, "from_s"), json_number_at(m, "to_s"));
        put_bound(g, m);
        grow_str(g, "</th><td class=\"u\"></td>");
        for (size_t r = 0; r < c->n; r++)
            assertion_cell(g, json_array_get(json_object_get(c->runs[r], "must"), i));
        grow_str(g, "</tr>\n");
    }
}

void chapter_table(struct grow *g, const struct chapter *c)
{
    grow_str(g, "<table><thead><tr><th></th><th></th>");
    for (size_t r = 0; r < c->n; r++) {
        grow_str(g, "<th>");
        put_html(g, json_text_at(c->runs[r], "target"));
        grow_str(g, "</th>");
    }
    grow_str(g, "</tr></thead><tbody>\n");
    figure_rows(g, c);
    assertion_rows(g, c);
    grow_str(g, "</tbody></table>\n");
}
