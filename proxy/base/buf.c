/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/buf.h"

#include <stdlib.h>

#include "weir/base/assert.h"

enum { FIRST_CAP = 512 };

static enum weir_status grow(struct buf *b, size_t need, size_t max)
{
    size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
    char *mem;

    while (cap < need)
        cap *= 2;
    if (cap > max && need <= max)
        cap = max;
    mem = realloc(b->mem, cap);
    if (mem == NULL)
        return WEIR_NO_MEMORY;
    b->mem = mem;
    b->cap = (uint32_t)cap;
    return WEIR_OK;
}

enum weir_status buf_reserve(struct buf *b, size_t n, size_t max, char **at, size_t *room)
{
    enum weir_status rc;

    WEIR_ASSERT(max <= UINT32_MAX / 4);
    if (n > max || b->len > max - n)
        return WEIR_LIMIT;
    if (b->at > 0 && (size_t)b->at + b->len + n > b->cap) {
        memmove(b->mem, b->mem + b->at, b->len);
        b->at = 0;
    }
    if ((size_t)b->at + b->len + n > b->cap) {
        rc = grow(b, b->len + n, max);
        if (rc != WEIR_OK)
            return rc;
    }
    *at = b->mem + b->at + b->len;
    *room = b->cap - b->at - b->len;
    return WEIR_OK;
}

void buf_commit(struct buf *b, size_t n)
{
    WEIR_ASSERT((size_t)b->at + b->len + n <= b->cap);
    b->len += (uint32_t)n;
}

enum weir_status buf_append(struct buf *b, struct slice bytes, size_t max)
{
    char *at;
    size_t room;
    enum weir_status rc;

    if (bytes.len == 0)
        return WEIR_OK;
    rc = buf_reserve(b, bytes.len, max, &at, &room);
    if (rc != WEIR_OK)
        return rc;
    memcpy(at, bytes.p, bytes.len);
    buf_commit(b, bytes.len);
    return WEIR_OK;
}

void buf_consume(struct buf *b, size_t n)
{
    WEIR_ASSERT(n <= b->len);
    b->at += (uint32_t)n;
    b->len -= (uint32_t)n;
    if (b->len == 0)
        buf_free(b);
}

void buf_free(struct buf *b)
{
    free(b->mem);
    *b = BUF_INIT;
}
