/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what things cost: `compare` and `micro`. */
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/run/ask.h"

static const char *const columns[] = {"direct", "relay", "nginx", "haproxy", "weir"};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static double median_in(const json_t *row, const char *target)
{
    const json_t *targets = json_object_get(row, "targets");

    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *t = json_array_get(targets, i);
        if (strcmp(json_text_at(t, "target"), target) == 0)
            return json_number_at(t, "median");
    }
    return 0;
}

static double best_peer(const json_t *row)
{
    double a = median_in(row, "nginx"), b = median_in(row, "haproxy");

    return a <= 0 ? b : b <= 0 ? a : a < b ? a : b;
}

static void put_cell(struct grow *g, double x, int decimals)
{
    if (x > 0)
        grow_printf(g, "<td>%.*f</td>", decimals, x);
    else
        grow_str(g, "<td>–</td>");
}

static int decimals_for(double x)
{
    return x >= 100 ? 0 : x >= 1 ? 1 : 3;
}

void costs_table(struct grow *g, const json_t *compare)
{
    const json_t *rows = json_object_get(compare, "rows");

    grow_str(g, "<h2>What it costs</h2>\n<p>One worker thread each, targets taking turns in every "
                "round; medians of the rounds.</p>\n<table><thead><tr><th></th><th></th>");
    for (size_t k = 0; k < N_COLUMNS; k++)
        grow_printf(g, "<th>%s</th>", columns[k]);
    grow_str(g, "<th>weir / best peer</th><th>weir / relay</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double weir = median_in(row, "weir"), peer = best_peer(row),
               relay = median_in(row, "relay");
        grow_str(g, "<tr><th>");
        put_html(g, json_text_at(row, "title"));
        grow_printf(g, "</th><td class=\"u\">%s</td>",
                    strcmp(json_text_at(row, "unit"), "us") == 0 ? "µs"
                                                                 : json_text_at(row, "unit"));
        for (size_t k = 0; k < N_COLUMNS; k++) {
            double x = median_in(row, columns[k]);
            put_cell(g, x, decimals_for(x));
        }
        put_cell(g, peer > 0 ? weir / peer : 0, 2);
        /* a relay without state has next to no memory: nothing to be compared with */
        put_cell(g, relay > 0 && strcmp(json_text_at(row, "unit"), "KiB") != 0 ? weir / relay : 0,
                 2);
        grow_str(g, "</tr>\n");
    }
    grow_str(g, "</tbody></table>\n");
    if (json_number_at(compare, "disturbed") > 0)
        grow_printf(
            g,
            "<p class=\"meta\">%.0f of %.0f measurements were disturbed: other programs used "
            "more than a quarter of a processor meanwhile.</p>\n",
            json_number_at(compare, "disturbed"), json_number_at(compare, "measured"));
}

void micro_table(struct grow *g, const json_t *micro)
{
    const json_t *rows = json_object_get(micro, "rows");

    grow_str(g, "<h2>What a decision costs</h2>\n<table><thead><tr><th></th><th>size</th>"
                "<th>ns</th><th>instructions</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        grow_str(g, "<tr><th>");
        put_html(g, json_text_at(row, "title"));
        grow_str(g, "</th><td>");
        put_html(g, json_text_at(row, "size"));
        grow_str(g, "</td>");
        put_cell(g, json_number_at(row, "ns"), 1);
        put_cell(g, json_number_at(row, "instructions"), 0);
        grow_str(g, "</tr>\n");
    }
    grow_str(g, "</tbody></table>\n");
}
