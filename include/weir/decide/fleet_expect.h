/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_FLEET_EXPECT_H
#define WEIR_DECIDE_FLEET_EXPECT_H

#include <stdint.h>

#include "weir/decide/fleet.h"
#include "weir/decide/predict.h"

/*
 * One prediction for the fleet (docs/decisions.md, "The fleet"): each node learns on its own copy,
 * tells it with its record, and the leader adds up what all copies have moved by since they were
 * those of a plan.  Pure; of whoever calls, on one thread.
 */

/* Generation's prediction, for a record. */
void fleet_expect_tell(const struct predict *p, struct fleet_expect *out);
/*
 * A plan came: from now on the copy is the fleet's, and what moved it since it was last told.  What
 * the fleet does not know stays.  told: what was, which is the fleet's from now on.
 */
void fleet_expect_follow(struct predict *p, struct fleet_expect *told,
                         const struct fleet_expect *fleet);

/* --- the leader's side */

enum { FLEET_EXPECT_KEPT = 8 }; /* plans that a node may still go by; two seconds and more */
#define FLEET_EXPECT_NUMBERS (PREDICT_CLASSES + 1) /* bases, spread */

/* What came since the last tick for one number. */
struct fleet_moves {
    double by;          /* sum */
    double least, most; /* of the copies that moved; 0: none did */
    double first;       /* least of the copies that knew it, where the fleet did not; 0 = none */
};

struct fleet_taught {
    double is[FLEET_EXPECT_NUMBERS]; /* 0 = not known */
    struct fleet_moves moves[FLEET_EXPECT_NUMBERS];
    uint64_t epoch[FLEET_EXPECT_KEPT]; /* of the plans that said ... */
    double said[FLEET_EXPECT_KEPT][FLEET_EXPECT_NUMBERS];
};

/* A node's record, and the one before it; was NULL: there was none. */
void fleet_taught_note(struct fleet_taught *t, const struct fleet_record *was,
                       const struct fleet_record *is);
/* All nodes were heard. */
void fleet_taught_tick(struct fleet_taught *t);
/* The plan of this epoch says it; learnt: first tokens, of all nodes. */
void fleet_taught_say(struct fleet_taught *t, uint64_t epoch, uint32_t learnt,
                      struct fleet_expect *out);
/* Goes on from a plan of an earlier leader. */
void fleet_taught_restore(struct fleet_taught *t, uint64_t epoch, const struct fleet_expect *in);

#endif
