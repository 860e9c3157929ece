/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what things cost: `compare` and `micro`. */
#include <math.h>
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/scenario/ask.h"

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

/* The same row the other way round: how many one processor makes in a second. */
static void handshakes_row(struct grow *g, const json_t *row)
{
    grow_str(g, "<tr><th>&nbsp;&nbsp;that is, handshakes a second of one processor</th>"
                "<td class=\"u\">1/s</td>");
    for (size_t k = 0; k < N_COLUMNS; k++) {
        double us = median_in(row, columns[k]);
        put_cell(g, us > 0 ? 1e6 / us : 0, 0);
    }
    grow_str(g, "<td></td><td></td></tr>\n");
}

void costs_table(struct grow *g, const json_t *compare)
{
    const json_t *rows = json_object_get(compare, "rows");

    grow_str(g, "<h2>What it costs</h2>\n<p>One worker thread each, targets taking turns in every "
                "round; medians of the half of the rounds in which others used least of the "
                "machine.</p>\n<table><thead><tr><th></th><th></th>");
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
        if (strcmp(json_text_at(row, "name"), "handshake") == 0)
            handshakes_row(g, row);
    }
    grow_str(g, "</tbody></table>\n");
    if (json_number_at(compare, "disturbed") > 0)
        grow_printf(
            g,
            "<p class=\"meta\">%.0f of %.0f measurements were disturbed: other programs used "
            "more than a quarter of a processor meanwhile.</p>\n",
            json_number_at(compare, "disturbed"), json_number_at(compare, "measured"));
}

static bool any_instructions(const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (json_is_number(json_object_get(json_array_get(rows, i), "instructions")))
            return true;
    }
    return false;
}

void micro_table(struct grow *g, const json_t *micro)
{
    const json_t *rows = json_object_get(micro, "rows");
    bool counted = any_instructions(rows); /* not every kernel lets a program count */
    const char *before = "";

    grow_printf(g,
                "<h2>What a decision costs</h2>\n<p>weir's decisions and parsers alone, without "
                "sockets: the least of seven rounds.%s</p>\n"
                "<table><thead><tr><th></th><th>size</th><th>ns</th>%s</tr></thead><tbody>\n",
                counted ? "" : " Instructions could not be counted on this machine.",
                counted ? "<th>instructions</th>" : "");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *title = json_text_at(row, "title");
        grow_str(g, "<tr><th>");
        if (strcmp(title, before) != 0)
            put_html(g, title);
        before = title;
        grow_str(g, "</th><td>");
        put_html(g, json_text_at(row, "size"));
        grow_str(g, "</td>");
        put_cell(g, json_number_at(row, "ns"), 0);
        if (counted)
            put_cell(g, json_number_at(row, "instructions"), 0);
        grow_str(g, "</tr>\n");
    }
    grow_str(g, "</tbody></table>\n");
}

static void put_limit(struct grow *g, const json_t *l)
{
    if (!json_is_object(l))
        return;
    grow_printf(g,
                "<p>The load generator's own limit on this machine: asked for %.0f requests a "
                "second in open loop it sent %.0f, 99&nbsp;%% of them within %.1f&nbsp;ms of their "
                "time. At its most, with 64 clients that ask again at once, it does %.0f a second "
                "with %.0f&nbsp;%% of a processor, %.1f&nbsp;µs each. The lean client of "
                "<code>compare</code> does %.0f.</p>\n",
                json_number_at(l, "asked_per_s"), json_number_at(l, "sent_per_s"),
                json_number_at(l, "late_ms_p99"), json_number_at(l, "most_per_s"),
                100 * json_number_at(l, "most_cpu"),
                1e6 * json_number_at(l, "most_cpu") / fmax(json_number_at(l, "most_per_s"), 1),
                json_number_at(l, "lean_per_s"));
}

void check_table(struct grow *g, const json_t *check)
{
    const json_t *trials = json_object_get(check, "trials");

    grow_str(g, "<h2>What the harness is worth</h2>\n<p>Backends and proxies that do one thing "
                "wrong each, and whether it was found out.</p>\n");
    put_limit(g, json_object_get(check, "limit"));
    grow_str(g, "<table><thead><tr><th class=\"l\">what is wrong</th><th></th></tr></thead>"
                "<tbody>\n");
    for (size_t i = 0; i < json_array_size(trials); i++) {
        const json_t *t = json_array_get(trials, i);
        bool found = json_is_true(json_object_get(t, "found"));
        grow_str(g, "<tr><th>");
        put_html(g, json_text_at(t, "told"));
        grow_printf(g, "</th><td class=\"%s\">%s ", found ? "held" : "broken",
                    found ? "found out" : "not found out:");
        put_html(g, json_text_at(t, "why"));
        grow_str(g, "</td></tr>\n");
    }
    grow_str(g, "</tbody></table>\n");
}
