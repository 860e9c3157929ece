/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of slices of counts; sums are kept, so that asking costs nothing. */
#include "weir/decide/window.h"

#include <string.h>

#include "weir/base/assert.h"

void window_init(struct window *w, uint64_t span_ns, uint64_t now_ns)
{
    WEIR_ASSERT(span_ns >= WINDOW_SLICES);
    memset(w, 0, sizeof *w);
    w->slice_ns = span_ns / WINDOW_SLICES;
    w->newest = now_ns / w->slice_ns;
}

static void forget(struct window *w, uint32_t *slice)
{
    for (unsigned c = 0; c < WINDOW_COLUMNS; c++) {
        w->sum[c] -= slice[c];
        slice[c] = 0;
    }
}

void window_advance(struct window *w, uint64_t now_ns)
{
    uint64_t now = now_ns / w->slice_ns;

    if (now >= w->newest + WINDOW_SLICES) {
        memset(w->sum, 0, sizeof w->sum);
        memset(w->slice, 0, sizeof w->slice);
        w->newest = now;
    }
    while (w->newest < now)
        forget(w, w->slice[++w->newest % WINDOW_SLICES]);
}

void window_add_many(struct window *w, unsigned column, uint32_t n, uint64_t now_ns)
{
    WEIR_ASSERT(column < WINDOW_COLUMNS);
    window_advance(w, now_ns);
    w->slice[w->newest % WINDOW_SLICES][column] += n;
    w->sum[column] += n;
}

void window_add(struct window *w, unsigned column, uint64_t now_ns)
{
    window_add_many(w, column, 1, now_ns);
}

void window_take_back(struct window *w, unsigned column, uint64_t now_ns)
{
    WEIR_ASSERT(column < WINDOW_COLUMNS);
    window_advance(w, now_ns);
    for (uint64_t i = 0; i < WINDOW_SLICES; i++) {
        uint32_t *n = &w->slice[(w->newest + WINDOW_SLICES - i) % WINDOW_SLICES][column];
        if (*n > 0) {
            (*n)--;
            w->sum[column]--;
            return;
        }
    }
}

uint32_t window_failures(const struct window *w)
{
    return w->sum[OUTCOME_FAILED] + w->sum[OUTCOME_CONNECT_FAILED] + w->sum[OUTCOME_STALLED];
}
