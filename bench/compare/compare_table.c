/* SPDX-License-Identifier: Apache-2.0 */
/* The findings as a table and as JSON. */
#include <string.h>

#include "bench/compare/compare.h"

double column_median(const struct column *c)
{
    double v[ROUNDS_MAX];

    for (size_t i = 0; i < c->n; i++)
        v[i] = c->rounds[i].value;
    return median_of(v, c->n);
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

void rows_write_text(const struct row *rows, size_t n, FILE *to)
{
    static const char *const columns[] = {"direct", "relay", "nginx", "haproxy", "weir"};

    (void)fprintf(to, "%-62s", "");
    for (size_t i = 0; i < 5; i++)
        (void)fprintf(to, " %9s", columns[i]);
    (void)fprintf(to, " %9s %9s\n", "/ peer", "/ relay");
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        const struct column *weir = row_column(r, "weir"), *relay = row_column(r, "relay");
        (void)fprintf(to, "%-57s %-4s", r->m->title, r->m->unit);
        for (size_t k = 0; k < 5; k++) {
            const struct column *c = row_column(r, columns[k]);
            double x = c == NULL ? 0 : column_median(c);
            if (x > 0)
                (void)fprintf(to, " %9.*f", r->m->decimals, x);
            else
                (void)fprintf(to, " %9s", "-");
        }
        ratio(to, weir == NULL ? 0 : column_median(weir), row_best_peer(r));
        /* a relay without state has next to no memory: nothing to be compared with */
        ratio(to, weir == NULL ? 0 : column_median(weir),
              relay == NULL || strcmp(r->m->unit, "KiB") == 0 ? 0 : column_median(relay));
        (void)fputc('\n', to);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i].n_columns; k++) {
            if (rows[i].columns[k].why[0] != '\0')
                (void)fprintf(to, "%s, %s: %s\n", rows[i].m->name, rows[i].columns[k].target,
                              rows[i].columns[k].why);
        }
    }
}

static void column_write_json(const struct column *c, struct grow *g)
{
    grow_str(g, "{\"target\":");
    grow_json_str(g, slice_str(c->target));
    grow_printf(g, ",\"median\":%.4f,\"rounds\":[", column_median(c));
    for (size_t i = 0; i < c->n; i++)
        grow_printf(g, "%s{\"value\":%.4f,\"per_s\":%.1f,\"cpu_share\":%.3f,\"p99\":%.4f}",
                    i > 0 ? "," : "", c->rounds[i].value, c->rounds[i].per_s,
                    c->rounds[i].cpu_share, c->rounds[i].p99);
    grow_str(g, "],\"why\":");
    grow_json_str(g, slice_str(c->why));
    grow_str(g, "}");
}

void rows_write_json(const struct row *rows, size_t n, struct grow *g)
{
    grow_str(g, "{\"kind\":\"compare\",\"rows\":[");
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
