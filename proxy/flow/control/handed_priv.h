/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_HANDED_PRIV_H
#define WEIR_FLOW_HANDED_PRIV_H

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
    HANDED_USERS,
    HANDED_QUOTAS,
};
enum { HANDED_VERSION = 1, HANDED_HEAD = 8 };

#endif
