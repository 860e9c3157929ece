/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BETS_H
#define WEIR_DECIDE_BETS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Evidence by betting: a purse of 1 is bet, request by request, against a hypothesis.  While the
 * hypothesis is true the purse is a supermartingale, so it ever reaches 1/a with a probability of a
 * at most, however often it is looked at (Ville 1939; Shafer 2021, "Testing by betting").  Pure.
 *
 * Every request that is bet on went by lot: with probability `share` to the canary, else to a peer.
 * A bet is on the label "canary" of what became of a request.  If the canary does as its peers do,
 * the label says nothing beyond the lot, whatever the time, the load or the distribution
 * (Podkopaev and Ramdas 2023, "Sequential predictive two-sample and independence testing"; for
 * failures it is the conditional test of Lindon and Malek 2022, "Anytime-valid inference for
 * multinomial count data").
 *
 * How much is bet is a mixture of five (Robbins 1970), and a part stays in the purse.  After each
 * bet a little is shared out anew, so that what begins late is seen as well (fixed share, Herbster
 * and Warmuth 1998).
 */

enum { BETS = 6 };

struct bets {
    double purse[BETS]; /* [0] is not bet */
};

void bets_begin(struct bets *b);
/* The evidence: 1 at first. */
double bets_sum(const struct bets *b);
/* Evidence so far counts no more; what is lost stays lost.  It never grows by this. */
void bets_forget(struct bets *b);

/*
 * What became of a request: its label and the probability of the label "canary".
 * 0 < share < 1.
 */
struct bets_lot {
    bool canary;
    double share;
};

/* Against "the canary fails no more often than its peers": only failures are bet on. */
void bets_on_more_failures(struct bets *b, const struct bets_lot *l);

/*
 * Against "of its requests at least `margin` more fail than of its peers'": each request is bet on.
 * The difference of the two shares is estimated by weighting with the lot (Horvitz and Thompson
 * 1952); the bet is on a bounded mean (Waudby-Smith and Ramdas 2024, "Estimating means of bounded
 * random variables by betting").  0 < margin < 1.
 */
void bets_on_failures_within(struct bets *b, const struct bets_lot *l, bool failed, double margin);

/*
 * Against "its values are no larger" (larger), or "no smaller" (!larger), in the stochastic order.
 * rank: of this request's value among the last ones of its kind, 0 to 1.  Only the order counts, so
 * a heavy tail is one rank like any other.
 */
void bets_on_rank(struct bets *b, const struct bets_lot *l, double rank, bool larger);

/* The last values of each kind of request, to rank the next one among them. */
enum { RANKS_KINDS = 32, RANKS_KEPT = 32 };

struct ranks_of_kind {
    float value[RANKS_KEPT]; /* of the canary: negative */
    uint8_t n, next;
};
struct ranks {
    struct ranks_of_kind of[RANKS_KINDS];
};

/* What counts as a peer's value of the canary's: less by `more`, then divided by `times` >= 1. */
struct ranks_slack {
    double times, more;
};

/*
 * The rank of a value > 0 among the last ones, 0.5 where there are none; of the canary's values,
 * this one too, with the slack taken off.  kind < RANKS_KINDS.
 */
double ranks_find(const struct ranks *r, unsigned kind, double value, bool canary,
                  const struct ranks_slack *slack);
void ranks_keep(struct ranks *r, unsigned kind, double value, bool canary);

#endif
