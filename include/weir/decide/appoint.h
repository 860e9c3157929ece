/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_APPOINT_H
#define WEIR_DECIDE_APPOINT_H

#include <stdint.h>

#include "weir/decide/num.h"

/*
 * When a refused client may come back: places on a list that is served at the rate the pool really
 * admits, so that those who were refused return one after the other and not in a wave
 * (docs/decisions.md, "Appointments").
 */

/* Longer waits are ignored by some clients, which then come back sooner. */
#define APPOINT_MIN_MS UINT32_C(1000)
#define APPOINT_MAX_MS UINT32_C(59000)

/*
 * The next place, in ms from now, jittered, 1000..59000.  *end_ns is the end of the list and is
 * moved on; not_before_ns is when the pool may admit anything at all; per_s is what it admits.
 */
uint32_t appoint_next(uint64_t *end_ns, struct random *random, double per_s, uint64_t not_before_ns,
                      uint64_t now_ns);

/*
 * How many were told to come back when: one count a second.  A retry that keeps its appointment is
 * no sign of a storm.
 */
enum { APPOINTED_SECONDS = 128 };
struct appointed {
    uint64_t second; /* all counts of earlier seconds were forgotten */
    uint16_t due[APPOINTED_SECONDS];
};
void appointed_note(struct appointed *a, uint32_t wait_ms, uint64_t now_ns);
/* Appointments of the last 10 s. */
uint32_t appointed_lately(struct appointed *a, uint64_t now_ns);

/*
 * The same for a turn that is known, with a jitter that is never early.  Of a turn beyond 59 s it
 * is told some time from 30 s on, but not before `room_ns`, when the first of those who wait may
 * come.
 */
uint32_t appoint_after(struct random *random, uint64_t turn_ns, uint64_t room_ns, uint64_t now_ns);

/* For a state known to last: somewhere between 30 and 59 s. */
uint32_t appoint_late(struct random *random);

#endif
