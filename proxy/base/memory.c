/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory by cache lines, and memory that is there before it is needed.  The room is made of pieces
 * that malloc takes from the thread's own heap, not from the kernel one by one, with one more piece
 * above them: when those below are given back they become one gap in the heap, which stays while
 * the piece above it does, and which malloc serves before it asks the kernel for more.
 */
#include "weir/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Below the size from which malloc asks the kernel (M_MMAP_THRESHOLD: 128 KiB at the least). */
enum { PIECE_BYTES = 64 * 1024 };
enum { CACHE_LINE = 64 };

struct memory_room {
    struct memory_room *below;
};

bool memory_is_there(size_t n)
{
    void *volatile p = malloc(n); /* volatile: or the compiler knows the answer without asking */
    bool there = p != NULL;

    free(p);
    return there;
}

void *memory_lines(size_t n)
{
    void *p = aligned_alloc(CACHE_LINE, (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1));

    if (p != NULL)
        memset(p, 0, n);
    return p;
}

static void give_all(struct memory_room *pieces)
{
    while (pieces != NULL) {
        struct memory_room *below = pieces->below;

        free(pieces);
        pieces = below;
    }
}

struct memory_room *memory_room_take(size_t n)
{
    struct memory_room *pieces = NULL, *above;

    for (size_t have = 0; have < n; have += PIECE_BYTES) {
        struct memory_room *piece = malloc(PIECE_BYTES);

        if (piece == NULL) {
            give_all(pieces);
            return NULL;
        }
        piece->below = pieces;
        pieces = piece;
    }
    above = malloc(PIECE_BYTES);
    give_all(pieces);
    if (above != NULL)
        above->below = NULL;
    return above;
}

void memory_room_give(struct memory_room **room)
{
    free(*room);
    *room = NULL;
}
