/* SPDX-License-Identifier: Apache-2.0 */
/* Slots by name. */
#include "snapshot/slots.h"

#include <stdlib.h>
#include <string.h>

int slot_take(char **keys, int first, int n, const char *key)
{
    for (int i = first; i < n; i++) {
        if (keys[i] == NULL)
            keys[i] = strdup(key);
        if (keys[i] == NULL)
            return SLOT_NO_MEMORY;
        if (strcmp(keys[i], key) == 0)
            return i;
    }
    return SLOT_NONE;
}

static void free_all(char **keys, int n)
{
    for (int i = 0; i < n; i++)
        free(keys[i]);
}

void slot_book_free(struct slot_book *b)
{
    free_all(b->listeners, SNAPSHOT_LISTENERS_MAX);
    free_all(b->pools, SNAPSHOT_POOLS_MAX + 1);
    free_all(b->upstreams, SNAPSHOT_UPSTREAMS_MAX);
    *b = (struct slot_book){0};
}
