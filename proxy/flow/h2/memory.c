/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reserve is handed out from its front to its end, and begins anew when all of it is back: the
 * sessions that have some of it are being ended.  On the thread of its sessions.
 */
#include "h2/memory.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct h2_reserve {
    size_t used, pieces;
    _Alignas(max_align_t) char bytes[H2_RESERVE_BYTES];
};

/* Before each piece. */
struct head {
    _Alignas(max_align_t) size_t size;
};

struct h2_reserve *h2_reserve_create(void)
{
    struct h2_reserve *r = malloc(sizeof *r); /* its bytes stay untouched until they are needed */

    if (r != NULL)
        r->used = r->pieces = 0;
    return r;
}

void h2_reserve_destroy(struct h2_reserve **r)
{
    free(*r);
    *r = NULL;
}

static bool is_of(const struct h2_reserve *r, const void *p)
{
    return (const char *)p >= r->bytes && (const char *)p < r->bytes + H2_RESERVE_BYTES;
}

static void *take(struct h2_memory *m, size_t n)
{
    struct h2_reserve *r = m->reserve;
    struct head *h;
    size_t need = sizeof *h + ((n + sizeof *h - 1) & ~(sizeof *h - 1));

    m->lacked = true;
    if (need < n || need > H2_RESERVE_BYTES - r->used)
        return NULL;
    h = (struct head *)(void *)(r->bytes + r->used);
    h->size = n;
    r->used += need;
    r->pieces++;
    return h + 1;
}

static void give(struct h2_reserve *r)
{
    if (--r->pieces == 0)
        r->used = 0;
}

static void *on_malloc(size_t n, void *arg)
{
    void *p = malloc(n);

    return p == NULL ? take(arg, n) : p;
}

static void on_free(void *p, void *arg)
{
    struct h2_memory *m = arg;

    if (p != NULL && is_of(m->reserve, p))
        give(m->reserve);
    else
        free(p);
}

static void *on_calloc(size_t n, size_t size, void *arg)
{
    void *p = calloc(n, size);

    if (p != NULL || (size != 0 && n > SIZE_MAX / size))
        return p;
    p = take(arg, n * size);
    return p == NULL ? NULL : memset(p, 0, n * size);
}

static size_t size_of(const struct h2_reserve *r, void *p)
{
    return is_of(r, p) ? ((const struct head *)p - 1)->size : malloc_usable_size(p);
}

static void *on_realloc(void *p, size_t n, void *arg)
{
    struct h2_memory *m = arg;
    void *more = p != NULL && is_of(m->reserve, p) ? malloc(n) : realloc(p, n);
    size_t had;

    if (more == NULL)
        more = take(m, n);
    else if (p == NULL || !is_of(m->reserve, p))
        return more;
    if (more == NULL || p == NULL)
        return more;
    had = size_of(m->reserve, p);
    memcpy(more, p, had < n ? had : n);
    on_free(p, m);
    return more;
}

nghttp2_mem h2_memory_of(struct h2_memory *m)
{
    return (nghttp2_mem){.mem_user_data = m,
                         .malloc = on_malloc,
                         .free = on_free,
                         .calloc = on_calloc,
                         .realloc = on_realloc};
}
