/* SPDX-License-Identifier: Apache-2.0 */
/* What happens next: a binary heap; equal times go in the order they were pushed. */
#include <stdlib.h>

#include "weir/base/assert.h"
#include "world.h"

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void grow(struct heap *h)
{
    h->room = h->room ? 2 * h->room : 1024;
    h->at = realloc(h->at, h->room * sizeof *h->at);
    WEIR_ASSERT(h->at != NULL);
}

void heap_push(struct heap *h, uint64_t at_ns, enum event_kind kind, void *about, int arg,
               uint32_t gen)
{
    struct event ev = {at_ns, h->seq++, kind, gen, arg, about};
    size_t i = h->n++;

    if (h->n > h->room)
        grow(h);
    while (i > 0 && before(&ev, &h->at[(i - 1) / 2])) {
        h->at[i] = h->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->at[i] = ev;
}

bool heap_pop(struct heap *h, struct event *ev)
{
    struct event last;
    size_t i = 0, child;

    if (h->n == 0)
        return false;
    *ev = h->at[0];
    last = h->at[--h->n];
    while ((child = 2 * i + 1) < h->n) {
        if (child + 1 < h->n && before(&h->at[child + 1], &h->at[child]))
            child++;
        if (!before(&h->at[child], &last))
            break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = last;
    return true;
}

void heap_fini(struct heap *h)
{
    free(h->at);
    *h = (struct heap){0};
}
