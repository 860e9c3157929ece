/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_TABLE_H
#define WEIR_ADMIN_TABLE_H

#include "weir/base/text.h"

/*
 * Aligned columns without memory: the caller writes all rows twice, first to be measured, then to
 * be printed.
 *
 *     for (table_begin(&tab, t, "  "); table_pass(&tab);)
 *         for (each row) {
 *             table_cell(&tab, "%s", name);
 *             table_right(&tab, "%u", number);
 *             table_end_row(&tab);
 *         }
 */
enum { TABLE_COLUMNS_MAX = 24 };

struct table {
    struct text *t;
    const char *indent;
    int pass, column;
    size_t width[TABLE_COLUMNS_MAX];
    size_t pad; /* blanks due before the next cell, so that no line ends in blanks */
};

void table_begin(struct table *tab, struct text *t, const char *indent);
bool table_pass(struct table *tab);
void table_cell(struct table *tab, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* The same, aligned to the right: for numbers. */
void table_right(struct table *tab, const char *fmt, ...) WEIR_PRINTF(2, 3);
void table_end_row(struct table *tab);

#endif
