/* SPDX-License-Identifier: Apache-2.0 */
/* All scenarios in one table: what became of everybody's request. */
#include <math.h>
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/scenario/ask.h"

enum { TARGETS_SHOWN = 12 };

static size_t add_target(const char **names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return n;
    }
    if (n < TARGETS_SHOWN)
        names[n++] = name;
    return n;
}

/* weir last, as in the chapters. */
static size_t targets_of(const struct chapter *chapters, size_t n, const char **names)
{
    size_t n_names = 0;
    bool has_weir = false;

    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < chapters[i].n; r++) {
            const char *name = json_text_at(chapters[i].runs[r], "target");
            bool is_weir = strcmp(name, "weir") == 0;
            has_weir = has_weir || is_weir;
            if (!is_weir)
                n_names = add_target(names, n_names, name);
        }
    }
    return has_weir ? add_target(names, n_names, "weir") : n_names;
}

static const json_t *run_of(const struct chapter *c, const char *target)
{
    for (size_t r = 0; r < c->n; r++) {
        if (strcmp(json_text_at(c->runs[r], "target"), target) == 0)
            return c->runs[r];
    }
    return NULL;
}

static void put_cell(struct grow *g, const json_t *run)
{
    if (run == NULL || isnan(figure_good(run)))
        grow_str(g, "<td>&ndash;</td>");
    else
        grow_printf(g, "<td>%.0f / %.0f / %.0f</td>", figure_good(run), figure_polite(run),
                    figure_hard(run));
}

/* How many of the bounds that bind held, over all targets of the scenario. */
static void put_verdict(struct grow *g, const struct chapter *c)
{
    size_t bound = 0, held = 0;

    for (size_t r = 0; r < c->n; r++) {
        const json_t *assertion = json_object_get(c->runs[r], "must");
        for (size_t i = 0; i < json_array_size(assertion); i++) {
            const json_t *m = json_array_get(assertion, i);
            bound += json_is_true(json_object_get(m, "binding"));
            held += json_is_true(json_object_get(m, "binding")) &&
                    json_is_true(json_object_get(m, "held"));
        }
    }
    grow_printf(g, "<td class=\"%s\">%zu of %zu</td>", held == bound ? "held" : "broken", held,
                bound);
}

void short_table(struct grow *g, const struct chapter *chapters, size_t n)
{
    const char *names[TARGETS_SHOWN];
    size_t n_names = targets_of(chapters, n, names);

    if (n == 0)
        return;
    grow_str(g, "<h2>In short</h2>\n<p>Of a hundred questions: answered well / refused in the end "
                "and told when to come back / failed. What is missing to a hundred was answered "
                "late or slowly, or still waited when the run ended.</p>\n"
                "<table><thead><tr><th></th>");
    for (size_t k = 0; k < n_names; k++) {
        grow_str(g, "<th>");
        put_html(g, names[k]);
        grow_str(g, "</th>");
    }
    grow_str(g, "<th>bounds held</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        grow_str(g, "<tr><th><a href=\"#");
        put_html(g, chapters[i].scenario);
        grow_str(g, "\">");
        put_html(g, json_text_at(chapters[i].runs[0], "title"));
        grow_str(g, "</a></th>");
        for (size_t k = 0; k < n_names; k++)
            put_cell(g, run_of(&chapters[i], names[k]));
        put_verdict(g, &chapters[i]);
        grow_str(g, "</tr>\n");
    }
    grow_str(g, "</tbody></table>\n");
}
