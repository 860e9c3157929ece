/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/memory.h"

#include <stdlib.h>

bool memory_is_there(size_t n)
{
    void *volatile p = malloc(n); /* volatile: or the compiler knows the answer without asking */
    bool there = p != NULL;

    free(p);
    return there;
}
