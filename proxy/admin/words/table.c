/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns.  Pure. */
#include "weir/admin/table.h"

#include <stdarg.h>
#include <stdio.h>

#include "weir/admin/human.h"
#include "weir/base/assert.h"

enum { GAP = 2, CELL_MAX = 512 };

void table_begin(struct table *tab, struct text *t, const char *indent)
{
    *tab = (struct table){.t = t, .indent = indent};
}

bool table_pass(struct table *tab)
{
    tab->column = 0;
    return ++tab->pass <= 2;
}

static void blanks(struct text *t, size_t n)
{
    while (n-- > 0)
        text_char(t, ' ');
}

/* What a stranger named may not move the cursor. */
static void defuse(char *cell)
{
    for (; *cell != '\0'; cell++) {
        if ((unsigned char)*cell < 0x20 || *cell == 0x7f)
            *cell = '?';
    }
}

static void put(struct table *tab, bool right, char *cell)
{
    size_t w = human_width(slice_str(cell)), *col;

    WEIR_ASSERT(tab->column < TABLE_COLUMNS_MAX);
    defuse(cell);
    col = &tab->width[tab->column];
    if (tab->pass == 1) {
        *col = w > *col ? w : *col;
    } else {
        if (tab->column == 0)
            text_str(tab->t, tab->indent);
        blanks(tab->t, tab->pad + (right ? *col - w : 0));
        text_str(tab->t, cell);
        tab->pad = GAP + (right ? 0 : *col - w);
    }
    tab->column++;
}

void table_cell(struct table *tab, const char *fmt, ...)
{
    char cell[CELL_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(cell, sizeof cell, fmt, ap);
    va_end(ap);
    put(tab, false, cell);
}

void table_right(struct table *tab, const char *fmt, ...)
{
    char cell[CELL_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(cell, sizeof cell, fmt, ap);
    va_end(ap);
    put(tab, true, cell);
}

void table_end_row(struct table *tab)
{
    if (tab->pass == 2)
        text_char(tab->t, '\n');
    tab->column = 0;
    tab->pad = 0;
}
