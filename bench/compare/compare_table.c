/* SPDX-License-Identifier: Apache-2.0 */
/* The findings as a table and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "bench/compare/compare.h"

static int by_others(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    return x->others < y->others ? -1 : x->others > y->others;
}

double column_median(const struct column *c)
{
    struct finding quiet[ROUNDS_MAX];
    double v[ROUNDS_MAX];
    size_t half = (c->n + 1) / 2;

    memcpy(quiet, c->rounds, c->n * sizeof quiet[0]);
    qsort(quiet, c->n, sizeof quiet[0], by_others);
    for (size_t i = 0; i < half; i++)
        v[i] = quiet[i].value;
    return median_of(v, half);
}

const struct column *row_column(const struct row *r, const char *target)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        if (strcmp(r->columns[i].target, target) == 0 && r->columns[i].n > 0)
            return &r->columns[i];
    }
    return NULL;
}

double row_best_peer(const struct row *r)
{
    static const char *const peers[] = {"nginx", "haproxy"};
    double best = 0;

    for (size_t i = 0; i < 2; i++) {
        const struct column *c = row_column(r, peers[i]);
        double x = c == NULL ? 0 : column_median(c);
        if (x > 0 && (best == 0 || x < best))
            best = x;
    }
    return best;
}

static void ratio(FILE *to, double x, double of)
{
    if (x > 0 && of > 0)
        (void)fprintf(to, " %9.2f", x / of);
    else
        (void)fprintf(to, " %9s", "-");
}

size_t rows_disturbed(const struct row *rows, size_t n, size_t *of)
{
    size_t disturbed = 0;

    *of = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i].n_columns; k++) {
            for (size_t r = 0; r < rows[i].columns[k].n; r++) {
                disturbed += rows[i].columns[k].rounds[r].others > others_bad;
                (*of)++;
            }
        }
    }
    return disturbed;
}

static const char *const shown[] = {"direct", "relay", "nginx", "haproxy", "weir"};
enum { N_SHOWN = sizeof shown / sizeof shown[0] };

static double median_in(const struct row *r, const char *target)
{
    const struct column *c = row_column(r, target);

    return c == NULL ? 0 : column_median(c);
}

static void write_row(const struct row *r, FILE *to)
{
    double weir = median_in(r, "weir");
    /* a relay without state has next to no memory: nothing to be compared with */
    bool comparable = strcmp(r->m->unit, "KiB") != 0;

    (void)fprintf(to, "%-57s %-4s", r->m->title, r->m->unit);
    for (size_t k = 0; k < N_SHOWN; k++) {
        double x = median_in(r, shown[k]);
        if (x > 0)
            (void)fprintf(to, " %9.*f", r->m->decimals, x);
        else
            (void)fprintf(to, " %9s", "-");
    }
    ratio(to, weir, row_best_peer(r));
    ratio(to, weir, comparable ? median_in(r, "relay") : 0);
    (void)fputc('\n', to);
}

/* The same row the other way round: how many one processor makes in a second. */
static void write_handshakes(const struct row *r, FILE *to)
{
    (void)fprintf(to, "%-57s %-4s", "  that is, handshakes a second of one processor", "1/s");
    for (size_t k = 0; k < N_SHOWN; k++) {
        double us = median_in(r, shown[k]);
        if (us > 0)
            (void)fprintf(to, " %9.0f", 1e6 / us);
        else
            (void)fprintf(to, " %9s", "-");
    }
    (void)fputc('\n', to);
}

static void write_reasons(const struct row *r, FILE *to)
{
    for (size_t k = 0; k < r->n_columns; k++) {
        if (r->columns[k].why[0] != '\0')
            (void)fprintf(to, "%s, %s: %s\n", r->m->name, r->columns[k].target, r->columns[k].why);
    }
}

void rows_write_text(const struct row *rows, size_t n, FILE *to)
{
    size_t of, disturbed = rows_disturbed(rows, n, &of);

    (void)fprintf(to, "%-62s", "");
    for (size_t k = 0; k < N_SHOWN; k++)
        (void)fprintf(to, " %9s", shown[k]);
    (void)fprintf(to, " %9s %9s\n", "/ peer", "/ relay");
    for (size_t i = 0; i < n; i++) {
        write_row(&rows[i], to);
        if (rows[i].m->load.kind == HAMMER_HANDSHAKES)
            write_handshakes(&rows[i], to);
    }
    if (disturbed > 0)
        (void)fprintf(
            to,
            "%zu of %zu measurements were disturbed: other programs used more than %.0f %% of "
            "a processor\n",
            disturbed, of, 100 * others_bad);
    for (size_t i = 0; i < n; i++)
        write_reasons(&rows[i], to);
}

static void column_write_json(const struct column *c, struct grow *g)
{
    grow_str(g, "{\"target\":");
    grow_json_str(g, slice_str(c->target));
    grow_printf(g, ",\"median\":%.4f,\"rounds\":[", column_median(c));
    for (size_t i = 0; i < c->n; i++)
        grow_printf(
            g, "%s{\"value\":%.4f,\"per_s\":%.1f,\"cpu_share\":%.3f,\"p99\":%.4f,\"others\":%.3f}",
            i > 0 ? "," : "", c->rounds[i].value, c->rounds[i].per_s, c->rounds[i].cpu_share,
            c->rounds[i].p99, c->rounds[i].others);
    grow_str(g, "],\"why\":");
    grow_json_str(g, slice_str(c->why));
    grow_str(g, "}");
}

void rows_write_json(const struct row *rows, size_t n, struct grow *g)
{
    size_t of, disturbed = rows_disturbed(rows, n, &of);

    grow_printf(g, "{\"kind\":\"compare\",\"disturbed\":%zu,\"measured\":%zu,\"rows\":[", disturbed,
                of);
    for (size_t i = 0; i < n; i++) {
        grow_printf(g, "%s{\"name\":\"%s\",\"title\":", i > 0 ? "," : "", rows[i].m->name);
        grow_json_str(g, slice_str(rows[i].m->title));
        grow_printf(g, ",\"unit\":\"%s\",\"targets\":[", rows[i].m->unit);
        for (size_t k = 0; k < rows[i].n_columns; k++) {
            grow_str(g, k > 0 ? "," : "");
            column_write_json(&rows[i].columns[k], g);
        }
        grow_str(g, "]}");
    }
    grow_str(g, "]}");
}
