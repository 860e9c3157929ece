/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text.  One owner, one thread. */
#include "bench/common/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/base/json_out.h"

static void make_room(struct grow *g, size_t n)
{
    size_t wanted = g->len + n + 1, cap = g->cap == 0 ? 256 : g->cap;

    if (wanted <= g->cap)
        return;
    while (cap < wanted)
        cap *= 2;
    g->p = realloc(g->p, cap);
    WEIR_ASSERT(g->p != NULL);
    g->cap = cap;
}

void grow_put(struct grow *g, struct slice s)
{
    make_room(g, s.len);
    if (s.len > 0)
        memcpy(g->p + g->len, s.p, s.len);
    g->len += s.len;
    g->p[g->len] = '\0';
}

void grow_str(struct grow *g, const char *s)
{
    grow_put(g, slice_str(s));
}

void grow_printf(struct grow *g, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    make_room(g, 128);
    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(g->p + g->len, g->cap - g->len, fmt, ap);
    va_end(ap);
    WEIR_ASSERT(n >= 0);
    if ((size_t)n >= g->cap - g->len) {
        make_room(g, (size_t)n);
        (void)vsnprintf(g->p + g->len, g->cap - g->len, fmt, again);
    }
    va_end(again);
    g->len += (size_t)n;
}

void grow_json_str(struct grow *g, struct slice s)
{
    struct json_out j;
    struct text t;

    make_room(g, s.len * 6 + 3); /* every byte escaped, and the quotes */
    text_init(&t, g->p + g->len, g->cap - g->len);
    json_begin(&j, &t);
    json_str(&j, NULL, s);
    WEIR_ASSERT(!t.full);
    g->len += t.len;
}

void grow_free(struct grow *g)
{
    free(g->p);
    *g = (struct grow){0};
}
