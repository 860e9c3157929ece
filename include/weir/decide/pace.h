/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_PACE_H
#define WEIR_DECIDE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The pace of an upstream's open streams, in seconds per content event: the gaps between events
 * over events, with a memory of 3 s; and its target (docs/decisions.md, "Pace").  A pause for a
 * tool or a thought is no slowness: of a long gap a part counts.
 */

struct pace {
    double events, active; /* decayed events and stream-seconds */
    double pending_active; /* stream-seconds since the last tick */
    uint64_t active_at_ns;
    double gaps;            /* decayed seconds between events, of pauses a part */
    uint64_t gaps_counted;  /* seen so far, ns */
    uint64_t counted;       /* events seen so far */
    uint64_t last_event_ns; /* tick that last saw an event */
    double now_s;           /* pace, 0 = unknown */
    double calm_s;          /* pace with few streams, 0 = unset */
    double low_s;           /* fastest pace that was seen, 0 = unset */
    double target_s;
    double peak; /* most requests in flight, slowly forgotten */
};

void pace_init(struct pace *p, uint64_t now_ns);

/* To be called before the number of open streams changes; `streams` is the old number. */
void pace_note(struct pace *p, uint32_t streams, uint64_t now_ns);

/* A first content event was seen between ticks. */
void pace_seen(struct pace *p, uint64_t now_ns);

/*
 * What counts of a gap between two events of a stream, where `events` so far had `gaps_ns` between
 * them.  *paused is the stream's own, false at first: a single long gap is a pause and counts as a
 * usual one, long gaps one after the other are slowness and a part of each counts.
 */
uint64_t pace_gap_ns(uint64_t gap_ns, uint64_t gaps_ns, uint64_t events, bool *paused);

struct pace_input {
    uint64_t events;  /* content events so far, without the first of each stream */
    uint64_t gaps_ns; /* between them, each by pace_gap_ns; 0: stream-seconds stand in */
    uint32_t streams, inflight;
    uint64_t target_ns; /* the promise; 0 = automatic */
    uint64_t now_ns, elapsed_ns;
};
void pace_tick(struct pace *p, const struct pace_input *in);

#endif
