/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_HTTP_GUARD_H
#define WEIR_TESTS_HTTP_GUARD_H

#include <criterion/criterion.h>
#include <sys/mman.h>

#include "weir/base/slice.h"

/* Memory that ends where reading is fatal: a parser that looks one byte too far dies in its test.
 */
struct guard {
    char *mem;
    size_t size;
};

static inline void guard_init(struct guard *g, size_t size)
{
    size_t page = 4096;

    g->size = (size + page - 1) / page * page;
    g->mem = mmap(NULL, g->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(g->mem, MAP_FAILED);
    cr_assert_eq(mprotect(g->mem + g->size, page, PROT_NONE), 0);
}

/* A copy of the bytes whose last byte is the last that can be read. */
static inline struct slice guard_put(struct guard *g, struct slice bytes)
{
    char *at = g->mem + g->size - bytes.len;

    cr_assert_leq(bytes.len, g->size);
    if (bytes.len > 0)
        memcpy(at, bytes.p, bytes.len);
    return slice_of(at, bytes.len);
}

static inline void guard_fini(struct guard *g)
{
    cr_assert_eq(munmap(g->mem, g->size + 4096), 0);
}

#endif
