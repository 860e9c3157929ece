/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_CHUNKED_H
#define WEIR_HTTP_CHUNKED_H

#include "weir/http/head.h"

/*
 * The chunked coding (RFC 9112, 7.1), strict: 1-16 hex digits (no more than 2^63-1: others may read
 * it with a sign), nothing but ';' or CR LF behind them, extensions (from the ';' to the CR) <= 256
 * bytes at each chunk and 4 KiB in all, CR LF exact, trailers read (<= 8 KiB with their line ends)
 * and dropped.  Any split of the input gives the same data.
 */
struct chunked {
    uint64_t left;      /* of the current chunk */
    uint64_t size;      /* as read so far */
    uint32_t ext_total; /* bytes of extensions so far */
    uint16_t ext, trailer;
    uint8_t state, digits;
};

void chunked_init(struct chunked *c);

/*
 * Takes from the front of `in`: *used bytes, of which *data (a slice of in, maybe empty) is body.
 * Call again while used > 0 and bytes are left.  DONE: the body and its trailers are complete
 * (*data is empty), what follows *used is not part of it.  BAD: the framing is broken, and stays
 * so.
 */
enum parse chunked_next(struct chunked *c, struct slice in, size_t *used, struct slice *data);

/* Bytes of this chunk still to come, so that a caller can pass long chunks on without looking. */
static inline uint64_t chunked_left(const struct chunked *c)
{
    return c->left;
}

#endif
