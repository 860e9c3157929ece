/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_SUCCESSION_H
#define WEIR_DECIDE_SUCCESSION_H

#include "weir/decide/pool.h"

/*
 * Two processes in front of the same upstreams, for as long as the old one's streams take
 * (docs/decisions.md, "A hot restart").  Places are counted once: the old one admits within those
 * it has at the handover, the new one counts these as taken.  The old one only ever gives places
 * back after it has stopped using them, the new one only ever lends places after it has counted
 * them; so the two together never have more than one of them might.
 */

/* --- the old process */

/* From now on no upstream has more in flight than it has now, and a reserve. */
void pool_hand_over(struct pool *p);
/* The other process did not begin: everything is as it was. */
void pool_take_back(struct pool *p, uint64_t now_ns);
/* Places this process may use at an upstream. */
uint32_t pool_places(const struct pool *p, size_t upstream);
/*
 * Places that are not needed any more; they are given away with this call.  None while somebody
 * waits.  last: nothing new comes, the reserve goes, too.
 */
uint32_t pool_give_places(struct pool *p, size_t upstream, bool last);
/* How many more places those who wait here could use. */
uint32_t pool_wants_places(const struct pool *p);
void pool_take_places(struct pool *p, size_t upstream, uint32_t n, uint64_t now_ns);

/* --- the new process */

/* So many more, or fewer, are in flight from the other process. */
void pool_add_elsewhere(struct pool *p, size_t upstream, uint32_t n);
void pool_end_elsewhere(struct pool *p, size_t upstream, uint32_t n, uint64_t now_ns);
/* Lends the other process one place: the upstream's, or -1 when there is no room for one more. */
int pool_lend_place(struct pool *p, uint64_t now_ns);

#endif
