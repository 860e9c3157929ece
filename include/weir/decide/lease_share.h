/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_LEASE_SHARE_H
#define WEIR_DECIDE_LEASE_SHARE_H

#include <stddef.h>

#include "weir/base/clock.h"
#include "weir/decide/lease.h"

/*
 * Leases over a fleet: those that one node has given and the others do not know yet, and users who
 * wait here and may have one from another node.  Part of a pool (decide/pool_leases.h), under its
 * gate.  Of fixed size; what finds no room pushes out the oldest, and costs somebody one place in a
 * queue.
 *
 *     given ─► told with the next call ─► forgotten when it is answered, else told once more
 *     waits ─► asked with each call until it waits no more, or has one
 */
enum {
    LEASE_SHARE_GIVEN = 1024, /* kept until they are told */
    LEASE_SHARE_TOLD = 256,   /* with one call */
    LEASE_SHARE_ASKED = 64,   /* with one call */
};
#define LEASE_SHARE_AGAIN_NS (60 * NS_PER_S) /* not told again so soon, or a tenth of a lease */

struct lease_share {
    struct leases told;                         /* users, and until when they are not told again */
    struct lease_slot given[LEASE_SHARE_GIVEN]; /* a ring */
    uint32_t given_at, given_n;                 /* its oldest; how many */
    uint32_t telling;                           /* of the oldest, with the call under way */
    bool wants;                                 /* somebody waits who was not asked for yet */
    uint64_t asked[LEASE_SHARE_ASKED];          /* with the call under way */
    uint32_t asked_n;
};

/* A user's lease was renewed here, by lease_ns.  user is never 0. */
void lease_share_given(struct lease_share *s, uint64_t user, uint64_t lease_ns, uint64_t now_ns);

/* A call begins: what it is to tell, no more than room; how many. */
size_t lease_share_tell(struct lease_share *s, struct lease_slot *out, size_t room);
/* It asks for this user as well, who waits; false: as many are asked for as fit room. */
bool lease_share_ask(struct lease_share *s, uint64_t user, size_t room);
/* It ends: all of that was told; or nobody knows. */
void lease_share_done(struct lease_share *s);
void lease_share_lost(struct lease_share *s);

/*
 * How many users one call may tell and ask about, `since_ns` after the one before it: so many a
 * second over all nodes (25,000 and 50,000 keep Redis a fifth busy), and as much as fits a call.
 */
struct lease_rooms {
    size_t tell, ask;
};
struct lease_rooms lease_share_rooms(uint32_t nodes, uint64_t since_ns);

#endif
