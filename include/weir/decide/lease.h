/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_LEASE_H
#define WEIR_DECIDE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who completed a turn lately, and so goes first: a fixed table from a user's keyed hash to the end
 * of the lease.  A wrong hit costs somebody one place in a queue (docs/decisions.md, "Leases").
 */

enum { LEASE_SLOTS = 65536, LEASE_GROUP = 8 };

struct lease_slot {
    uint64_t user, until_ns;
};
struct leases {
    struct lease_slot slot[LEASE_SLOTS];
};

/* user is never 0.  Overwrites the oldest of its group when there is no other place. */
void lease_renew(struct leases *t, uint64_t user, uint64_t until_ns);
/* 0 = there is none. */
uint64_t lease_left_ns(const struct leases *t, uint64_t user, uint64_t now_ns);
bool lease_is_in_force(const struct leases *t, uint64_t user, uint64_t now_ns);

#endif
