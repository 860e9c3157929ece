/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_HANDED_PRIV_H
#define WEIR_FLOW_HANDED_PRIV_H

#include "control/control_priv.h"
#include "weir/base/pack.h"

/*
 * The form of the handed state, for its writer and its reader.  A record is its kind (u16), its
 * version (u16), the bytes that follow (u32), and these:
 *
 * - KEY: the key of users' hashes (2 x u64)
 * - LEARNT: a whole state file
 * - POOL: name, number (u32), RUNNING_OF_POOL u64; of each rule: is it commanded, does it enforce
 *   (u8 each), by whom (u32), until (u64); end of the incident text (u64), the text
 * - UPSTREAM: pool's and own name, hash of the URL (u64), number (u32), places (u32); of each
 *   override: is its giver known (u8), who (u32); the limit commanded (u64, IEEE 754), the cause
 *   (BREAKER_CAUSE_MAX bytes), numbers (u32) and as many u64 (decide/running.h)
 * - USERS, LEASES, QUOTAS: number of the pool (u32), then RUNNING_OF_USER, RUNNING_OF_LEASE or
 *   RUNNING_OF_QUOTA u64 each
 * - EVENTS: seq of the newest (u64), then of each its pool, its upstream, rows (handed_seen.c)
 * - REFUSALS: of each the numbers of pool and upstream (u16, 65535 = none), rows (handed_seen.c)
 * - ADMIN: what the admin side writes for itself
 *
 * EVENTS, REFUSALS and ADMIN are what this process has seen, and not what it works with: each is
 * left out where it would be too long, and each is used as far as it can be understood.
 *
 * A name or text is its length (u16) and its bytes.  Numbers: the least byte first.
 */
enum handed_kind {
    HANDED_KEY = 1,
    HANDED_LEARNT,
    HANDED_POOL,
    HANDED_UPSTREAM,
    HANDED_USERS_WITH_MINUTES, /* of an older version */
    HANDED_LEASES,
    HANDED_EVENTS,
    HANDED_REFUSALS,
    HANDED_ADMIN,
    HANDED_USERS,
    HANDED_QUOTAS,
};
enum { HANDED_VERSION = 1, HANDED_HEAD = 8, HANDED_SEEN_MAX = 16 * 1024 * 1024 };

/* --- handed_seen.c: what the process has seen; readers need POOL and UPSTREAM read before */
void handed_events_write(struct control *c, struct packer *p);
void handed_events_read(struct control *c, struct unpacker *u);
void handed_refusals_write(struct control *c, struct packer *p);
void handed_refusals_read(struct control *c, struct unpacker *u);
void handed_admin_write(struct control *c, struct packer *p);
void handed_admin_read(struct control *c, struct unpacker *u);

#endif
