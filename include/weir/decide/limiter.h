/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_LIMITER_H
#define WEIR_DECIDE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/doubt.h"
#include "weir/decide/pace_guard.h"
#include "weir/decide/pool.h"

/*
 * How much an upstream gets: a limit on requests that wait for their first token (pending) and one
 * on requests in flight (streams), learnt from one bit a request, on time or late, and from the
 * pace of the streams (docs/decisions.md, "The limiter").
 */

#define LIMITER_NO_CEILING UINT32_MAX

struct limiter {
    double pending, streams; /* the limits; requests, 1..most */
    uint32_t most;           /* max_streams of the upstream */
    uint32_t override;       /* an operator's limit on streams, 0 = none */
    double gain;             /* 1, 2, 4 or 8 steps at once */
    double known;            /* the most that pending was lately; 0 = nothing is known */
    bool cold;               /* since the start nothing was seen that limits it */
    bool ramped;             /* the share of a returning upstream held the load at the last tick */
    bool start;              /* slow start: pending grows with each answer that is on time */
    bool probing;            /* streams is at a level that failed before */
    bool bind_pending, bind_streams; /* the limit refused somebody in this window */
    uint32_t on, late, err;          /* marks of this window */
    uint32_t overtaken;              /* late ones of this window that were excused */
    uint32_t alone;                  /* ... that showed nothing by themselves */
    struct doubt doubt;              /* without a shown limit nothing is cut for lateness */
    double proven;                   /* streams seen at once lately: so many places there are */
    uint64_t window_ns;              /* when it began */
    uint64_t marks;                  /* since the start */
    uint32_t ceiling;                /* the level that failed, or LIMITER_NO_CEILING */
    uint32_t wait_marks;             /* marks to wait before trying it again, 2..32 */
    uint64_t probe_marks;            /* ... that is, at this many marks */
    uint64_t probe_ns;               /* ... or at this time */
    uint32_t most_now, most_before;  /* streams at once in this and the last second */
    uint64_t most_ns;
    struct pace_guard pace;
};

void limiter_init(struct limiter *l, uint32_t max_streams, uint64_t now_ns);

/* Begins anew after the upstream was away. */
void limiter_restart(struct limiter *l, uint64_t now_ns);

/*
 * Its numbers are those of an earlier process, kept `away_ns` ago: as if nothing had been sent
 * since. Nothing was marked yet.
 */
void limiter_restored(struct limiter *l, uint32_t max_streams, uint64_t away_ns, uint64_t now_ns);

/* A new max_streams. */
void limiter_set_most(struct limiter *l, uint32_t max_streams);

/* What limits requests in flight now: the operator's number or the learnt one. */
double limiter_streams(const struct limiter *l);

/* The most pending that slow start goes to by itself: what it was lately, or max_streams. */
double limiter_known(const struct limiter *l);

/*
 * Was there certainly a place for a request that found `inflight` others before it?  More streams
 * ran at once lately.  `proven`: of whichever limiter.
 */
bool limiter_had_place(const struct limiter *l, uint32_t inflight);
bool limiter_had_place_of(double proven, uint32_t inflight);

/* Do as many streams run as ran at once lately? */
bool limiter_is_full(const struct limiter *l, uint32_t streams);

/* Marks.  `learning`: see doubt_late; `ramped`: the share of a returning upstream holds the load,
 * slow start waits. */
void limiter_late(struct limiter *l, bool learning);
void limiter_on_time(struct limiter *l, bool ramped);

/*
 * Room for one more?  RULE_ROOM, RULE_STREAM_LIMIT or RULE_PENDING_LIMIT; a refusal is remembered,
 * for only a limit that binds may grow.
 */
enum rule limiter_ask(struct limiter *l, uint32_t inflight, uint32_t pending);
/* The same question for nobody: nothing is remembered. */
bool limiter_has_room(const struct limiter *l, uint32_t inflight, uint32_t pending);

/*
 * The upstream asked to be left alone, once for each time it does.  That is no mark, but what waits
 * for the end of the cooldown must not all be sent at once: most of it would be refused again.
 */
void limiter_refused(struct limiter *l);

/* Limits that came from elsewhere, within 1 and max_streams; the ceiling is forgotten. */
void limiter_put(struct limiter *l, double streams, double pending);

/* A tick of one that follows another: limits and doubt are its leader's, marks move nothing. */
struct limiter_lead {
    double streams, pending, doubt;
    bool shown, start, cold;
    uint32_t in_streams; /* open streams here */
    uint64_t now_ns, elapsed_ns;
};
void limiter_follow(struct limiter *l, const struct limiter_lead *lead);

struct limiter_input {
    uint32_t inflight, pending, streams;
    double pace_s, target_s; /* seconds per event; pace 0 = unknown */
    bool unary;
    bool stuck;       /* most of what is pending is overdue, and shows no sign of a place */
    bool places_free; /* for a second fewer streams ran than at once lately */
    bool ramping;     /* the share of a returning upstream holds the load */
    uint64_t now_ns, elapsed_ns;
};
void limiter_tick(struct limiter *l, const struct limiter_input *in);

#endif
