/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_KINDS_H
#define WEIR_DECIDE_KINDS_H

#include <stdint.h>

/*
 * Kinds of requests (docs/decisions.md, "Whose evidence").  What makes tokens is one kind; all else
 * is told apart by its route, pooled into seven.  An answer of one kind says little of another: a
 * list of models is served by a process whose engine is dead.
 */
enum { KIND_GENERATION, KIND_ROUTES, KINDS = 8, KINDS_ANY = (1 << KINDS) - 1 };

/* The kind of a request that generates nothing; hash of its route, or of its path. */
static inline uint8_t kind_of_route(uint64_t hash)
{
    return (uint8_t)(KIND_ROUTES + hash % (KINDS - KIND_ROUTES));
}

#endif
