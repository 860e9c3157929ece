/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_GROW_H
#define BENCH_COMMON_GROW_H

#include <stddef.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * Text that grows as it is written: events, bodies, reports.  Always ends with a NUL; keeps its
 * memory when emptied, so that a scratch one settles.  Out of memory aborts: the harness has no use
 * for half a report.  Zeroed is empty.
 */
struct grow {
    char *p;
    size_t len, cap;
};

void grow_put(struct grow *g, struct slice s);
void grow_str(struct grow *g, const char *s);
void grow_printf(struct grow *g, const char *fmt, ...) WEIR_PRINTF(2, 3);
void grow_free(struct grow *g);

static inline void grow_clear(struct grow *g)
{
    g->len = 0;
}

static inline struct slice grow_slice(const struct grow *g)
{
    return slice_of(g->p, g->len);
}

/* s as a JSON string with its quotes; always valid, whatever the bytes. */
void grow_json_str(struct grow *g, struct slice s);

#endif
