/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that wait for their time. */
#include "bench/compare/held.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

static struct held *first_of(const struct list *all)
{
    return list_empty(all) ? NULL : LIST_OBJECT(all->next, struct held, node);
}

void held_add(struct list *all, int fd, uint64_t whose, uint64_t due_ns, struct slice bytes)
{
    struct held *h = malloc(sizeof *h + bytes.len);

    WEIR_ASSERT(h != NULL);
    *h = (struct held){.due_ns = due_ns, .whose = whose, .fd = fd, .n = bytes.len};
    memcpy(h->bytes, bytes.p, bytes.len);
    list_push_back(all, &h->node);
}

struct held *held_take(struct list *all, uint64_t now_ns)
{
    struct held *h = first_of(all);

    if (h == NULL || h->due_ns > now_ns)
        return NULL;
    list_remove(&h->node);
    return h;
}

int held_wait_ms(const struct list *all, uint64_t now_ns)
{
    const struct held *h = first_of(all);

    if (h == NULL)
        return -1;
    return h->due_ns <= now_ns ? 0 : (int)((h->due_ns - now_ns) / NS_PER_MS) + 1;
}

void held_clear(struct list *all)
{
    struct held *h;

    while ((h = held_take(all, UINT64_MAX)) != NULL)
        free(h);
}
