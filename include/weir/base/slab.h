/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_SLAB_H
#define WEIR_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

/*
 * A bounded pool of objects of one size.  Memory is taken from the heap in chunks as needed and
 * kept; at most `max` objects are out at once: an empty pool is a verdict (shed), not an error. One
 * owner, one thread.
 */
struct slab {
    size_t size;       /* of one object, rounded up to 16 */
    uint32_t max, out; /* most at once; taken now */
    void *free_list;   /* objects given back, newest first */
    void *chunks;      /* for slab_fini */
};

void slab_init(struct slab *s, size_t object_size, uint32_t max);
/* All objects must have been given back or be dead; frees the memory. */
void slab_fini(struct slab *s);
/* A zeroed object, or NULL when `max` are out or the heap has none. */
void *slab_take(struct slab *s);
/* Gives an object back; it must come from this slab. */
void slab_give(struct slab *s, void *object);

#endif
