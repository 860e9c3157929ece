/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TEST_FAILING_MEMORY_H
#define WEIR_TEST_FAILING_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * Memory that is not to be had when a test says so.  For one source of a program that is linked
 * with --wrap= for each function below, and for those that it adds by FAILING itself.
 */
static bool armed;           /* only then allocations are counted, and may fail */
static size_t made, fail_at; /* how many there were, and which of them fails; 0 = none */

static bool memory_fails(void)
{
    if (!armed || ++made != fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

#define FAILING(type, name, args, call)                                                            \
    type __wrap_##name args;                                                                       \
    type __real_##name args;                                                                       \
    type __wrap_##name args                                                                        \
    {                                                                                              \
        return memory_fails() ? NULL : __real_##name call;                                         \
    }
FAILING(void *, malloc, (size_t n), (n))
FAILING(void *, calloc, (size_t n, size_t size), (n, size))
FAILING(void *, realloc, (void *p, size_t n), (p, n))
FAILING(char *, strdup, (const char *s), (s))

#endif
