/* SPDX-License-Identifier: Apache-2.0 */
/* The prefix cache: a set of block names with groups of eight. */
#include "bench/backend/prefix.h"

#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/base/hash.h"

enum { GROUP = 8 };

void prefix_init(struct prefix_cache *p, uint32_t blocks)
{
    *p = (struct prefix_cache){.n = (blocks + GROUP - 1) / GROUP * GROUP};
    if (p->n == 0)
        return;
    p->slots = calloc(p->n, sizeof p->slots[0]);
    WEIR_ASSERT(p->slots != NULL);
}

void prefix_fini(struct prefix_cache *p)
{
    free(p->slots);
    *p = (struct prefix_cache){0};
}

void prefix_clear(struct prefix_cache *p)
{
    if (p->n > 0)
        memset(p->slots, 0, p->n * sizeof p->slots[0]);
}

/* True when the block was known; it is known and fresh afterwards. */
static bool touch(struct prefix_cache *p, uint64_t name)
{
    struct prefix_slot *group = &p->slots[name % (p->n / GROUP) * GROUP], *oldest = group;

    p->clock++;
    for (int i = 0; i < GROUP; i++) {
        if (group[i].name == name) {
            group[i].used = p->clock;
            return true;
        }
        if (group[i].used < oldest->used)
            oldest = &group[i];
    }
    *oldest = (struct prefix_slot){.name = name, .used = p->clock};
    return false;
}

uint32_t prefix_learn(struct prefix_cache *p, struct slice prompt)
{
    struct hash_key key = {1, 2};
    uint32_t known = 0;
    bool leading = true;

    if (p->n == 0)
        return 0;
    while (prompt.len >= PREFIX_BLOCK_BYTES) {
        uint64_t name = hash_keyed(key, slice_of(prompt.p, PREFIX_BLOCK_BYTES));
        key.k0 = name; /* chained: the next name depends on all before */
        leading = touch(p, name) && leading;
        known += leading ? PREFIX_BLOCK_BYTES : 0;
        prompt = slice_from(prompt, PREFIX_BLOCK_BYTES);
    }
    return known;
}
