/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_POOL_LEASES_H
#define WEIR_DECIDE_POOL_LEASES_H

#include "weir/decide/lease_share.h"
#include "weir/decide/pool.h"

/*
 * The leases of a pool as the fleet's: a user who completed a turn at one node goes first at all of
 * them.  All calls under the pool's gate.  With each call to the store:
 *
 *     pool_leases_tell, pool_leases_ask      what it carries
 *     pool_leases_answer or pool_leases_no_answer
 */

/*
 * s: the caller's, zeroed, must outlive the pool or the next call of this; NULL: leases are this
 * node's own, as they are in the beginning.
 */
void pool_leases_attach(struct pool *p, struct lease_share *s);

/* How many users are in out, no more than room. */
size_t pool_leases_tell(struct pool *p, struct lease_slot *out, size_t room);
size_t pool_leases_ask(struct pool *p, uint64_t *out, size_t room);
/*
 * One for each that was asked for: how long the lease lasts, 0 = there is none.  Those who wait and
 * have one come before those who have none.  Serves the queue.
 */
void pool_leases_answer(struct pool *p, const uint64_t *left_ns, uint64_t now_ns);
void pool_leases_no_answer(struct pool *p);

#endif
