/* SPDX-License-Identifier: Apache-2.0 */
/* The findings as a table and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "bench/common/figure.h"
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

static const struct column *row_column(const struct row *r, const char *target)
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

/* Rounds in which others used so much of the machine that the figures are theirs, too. */
static size_t rows_disturbed(const struct row *rows, size_t n, size_t *of)
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

static json_t *column_result(const struct column *c)
{
    json_t *rounds = json_array();

    for (size_t i = 0; i < c->n; i++) {
        const struct finding *f = &c->rounds[i];
        (void)json_array_append_new(
            rounds, json_pack("{s:o,s:o,s:o,s:o,s:o}", "value", figure(f->value, 4), "per_s",
                              figure(f->per_s, 1), "cpu_share", figure(f->cpu_share, 3), "p99",
                              figure(f->p99, 4), "others", figure(f->others, 3)));
    }
    return json_pack("{s:o,s:o,s:o,s:o}", "target", figure_text(c->target), "median",
                     figure(column_median(c), 4), "rounds", rounds, "why", figure_text(c->why));
}

json_t *rows_result(const struct row *rows, size_t n)
{
    size_t of, disturbed = rows_disturbed(rows, n, &of);
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *targets = json_array();
        for (size_t k = 0; k < rows[i].n_columns; k++)
            (void)json_array_append_new(targets, column_result(&rows[i].columns[k]));
        (void)json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:o}", "name", rows[i].m->name,
                                                   "title", rows[i].m->title, "unit",
                                                   rows[i].m->unit, "targets", targets));
    }
    return json_pack("{s:s,s:o,s:o,s:o}", "kind", "compare", "disturbed", figure_count(disturbed),
                     "measured", figure_count(of), "rows", out);
}
