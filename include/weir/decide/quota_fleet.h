/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_QUOTA_FLEET_H
#define WEIR_DECIDE_QUOTA_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/decide/quota.h"

/*
 * Limits over all nodes of a fleet (docs/decisions.md, "Limits in a fleet").  The store counts what
 * each node tells it; a node knows what the store last said.
 *
 *     much is left             it is let in at once, and told afterwards: on credit
 *     little is left           it waits for one answer of the store, which charges what it grants
 *     nothing is left          it is refused at once, until something slides out
 *     the store is silent      the node's part of the limit, by its own counts
 *
 * All credit together is half of what is left at most, so nothing has to be given back.
 * Pure; in the daemon every call is made under the gate's lock.
 */

enum quota_mode {
    QUOTA_OWN,  /* no fleet: each node counts for itself */
    QUOTA_ASKS, /* the store answers */
    QUOTA_PART, /* it does not: the node goes by its part */
};

/* What was charged and is not told yet: now, taken back from the oldest, of the day. */
enum quota_debt { QUOTA_DEBT_MINUTE, QUOTA_DEBT_BACK, QUOTA_DEBT_DAY, QUOTA_DEBT_KINDS };
enum { QUOTA_DEBTS = QUOTA_DEBT_KINDS * QUOTA_UNITS, QUOTA_NEWS_MAX = 256 };

/* Of one count, to the store. */
struct quota_news {
    uint64_t id; /* by which all nodes know it */
    struct quota_limits limits;
    /* Less than 0: given back.  `unsure` was in a call that got no answer, and may be counted. */
    int64_t sure[QUOTA_DEBTS], unsure[QUOTA_DEBTS];
    uint32_t streams;            /* that this node has */
    uint32_t waiting;            /* requests that wait for the answer, and what they need: */
    uint64_t need[QUOTA_UNITS];  /* all of them */
    uint64_t first[QUOTA_UNITS]; /* the first */
};

/* ... and what it answers. */
struct quota_answer {
    uint64_t minute[QUOTA_UNITS], day[QUOTA_UNITS]; /* that count now, of all nodes */
    uint32_t streams;                               /* at other nodes */
    uint64_t granted[QUOTA_UNITS];                  /* to those who wait; charged */
    bool full;                                      /* not all of them: */
    uint8_t limit;                                  /* this one keeps the next of them, */
    uint32_t wait_ms;                               /* for so long; 0 = not known */
    uint32_t reset_minute_ms, reset_day_ms;         /* until all has slid out */
};

/* Is less than half of some limit left?  Then every node should know. */
bool quota_is_hot(const struct quota_limits *limits, const struct quota_answer *a,
                  uint32_t streams);

/* nodes: how many share the limits.  pool: a number of the pool's that all nodes agree on. */
void quota_fleet_set(struct quota *q, enum quota_mode mode, uint32_t nodes, uint64_t pool,
                     uint64_t now_ns);

/*
 * The next call: of each request that waits quota_fleet_collect, then quota_fleet_news for what is
 * to be told besides; both add to `out`, QUOTA_NEWS_MAX at most in all, and count in *n.  Then, in
 * their order, an answer each (NULL: there was none), and quota_fleet_end.
 */
void quota_fleet_collect(struct quota *q, const struct quota_asked *a, uint64_t now_ns);
size_t quota_fleet_news(struct quota *q, struct quota_news *out, size_t max, uint64_t now_ns);
void quota_fleet_answer(struct quota *q, size_t i, const struct quota_answer *a, uint64_t now_ns);
void quota_fleet_end(struct quota *q);
/* Is there anything to tell? */
bool quota_fleet_owes(const struct quota *q);
/* The store says that little is left of this count. */
void quota_fleet_note_hot(struct quota *q, uint64_t id, uint64_t now_ns);
/* Now and then: streams that run on are told again before the store forgets them. */
void quota_fleet_tick(struct quota *q, uint64_t now_ns);

#endif
