/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * A bounded byte queue: append at the end, consume at the front.  Holds no memory while it is
 * empty, grows by doubling up to the bound given at each append.  One owner, one thread.
 */
struct buf {
    char *mem;
    uint32_t at, len, cap; /* bytes are mem[at .. at+len) */
};

#define BUF_INIT ((struct buf){NULL, 0, 0, 0})

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->mem == NULL ? NULL : b->mem + b->at, b->len);
}

static inline bool buf_empty(const struct buf *b)
{
    return b->len == 0;
}

/* Appends a copy.  WEIR_LIMIT if the queue would hold more than max bytes, WEIR_NO_MEMORY. */
enum weir_status buf_append(struct buf *b, struct slice bytes, size_t max) WEIR_MUST_CHECK;

/*
 * Room for at least n more bytes at the end, to be written by the caller and then counted with
 * buf_commit.  *room is what there is (>= n).  Same errors as buf_append.
 */
enum weir_status buf_reserve(struct buf *b, size_t n, size_t max, char **at,
                             size_t *room) WEIR_MUST_CHECK;
void buf_commit(struct buf *b, size_t n);

/* Drops n bytes from the front (n <= len) and frees the memory when nothing is left. */
void buf_consume(struct buf *b, size_t n);

/* Forgets everything and frees the memory. */
void buf_free(struct buf *b);

#endif
