/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_PREFIX_H
#define BENCH_BACKEND_PREFIX_H

#include <stdint.h>

#include "weir/base/slice.h"

/*
 * A prefix cache as vLLM has it: prompts are cut into blocks, a block's name depends on all before
 * it, and the leading blocks already known cost no prefill.  A fixed table; the oldest of a group
 * makes room.  Zero blocks: nothing is ever known.
 */
enum { PREFIX_BLOCK_BYTES = 64 }; /* 16 tokens */

struct prefix_slot {
    uint64_t name, used;
};
struct prefix_cache {
    struct prefix_slot *slots;
    uint32_t n;
    uint64_t clock;
};

void prefix_init(struct prefix_cache *p, uint32_t blocks);
void prefix_fini(struct prefix_cache *p);
/* Forgets everything, as a restarted server has. */
void prefix_clear(struct prefix_cache *p);
/* Bytes at the front of prompt that were known; the whole prompt is known afterwards. */
uint32_t prefix_learn(struct prefix_cache *p, struct slice prompt);

#endif
