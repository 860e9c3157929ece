/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_REPORT_PRIV_H
#define BENCH_REPORT_REPORT_PRIV_H

/* The parts of a report, for its files. */
#include <jansson.h>

#include "bench/common/grow.h"

enum { RUNS_MAX = 16 };

/* The results of one scenario, one per target, in the order of the table. */
struct chapter {
    const char *scenario;
    const json_t *runs[RUNS_MAX];
    size_t n;
};

/* HTML with & < > " replaced. */
void put_html(struct grow *g, const char *s);

/* page.c */
void page_begin(struct grow *g);
void page_end(struct grow *g);

/* figures.c: what the comparison of targets shows. */
void chapter_table(struct grow *g, const struct chapter *c);
/* Percent of all turns; NAN when there were none. */
double figure_good(const json_t *run);
double figure_polite(const json_t *run);
double figure_hard(const json_t *run);

/* kinds.c: what the attempts came to, and why weir refused. */
void kinds_table(struct grow *g, const struct chapter *c);

/* short.c: all chapters in one table. */
void short_table(struct grow *g, const struct chapter *chapters, size_t n);

/* plots.c: the plots of one target; y axes are the same for all targets of a chapter. */
void chapter_plots(struct grow *g, const struct chapter *c);

/* costs.c: the tables of `compare`, `micro` and `check`. */
void costs_table(struct grow *g, const json_t *compare);
void micro_table(struct grow *g, const json_t *micro);
void check_table(struct grow *g, const json_t *check);

#endif
