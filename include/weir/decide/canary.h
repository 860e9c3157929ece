/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_CANARY_H
#define WEIR_DECIDE_CANARY_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/bets.h"

/*
 * A new version, one upstream of a pool, gets a growing share of the requests by lot, and is
 * compared with its peers until one of two things is shown (docs/decisions.md, "The canary"):
 *
 *     it is worse                      rolled back; of canaries that are no worse at most
 *                                      CANARY_FALSE_ROLLBACKS are ever rolled back by the test
 *     it is not worse by a margin      promoted; of canaries that are worse by a margin at most
 *                                      CANARY_FALSE_PROMOTIONS ever are
 *
 * Neither in the time it was given: rolled back, for want of evidence.  Pure; the pool's, under its
 * gate.  Which requests are compared and what became of them is canary_pool.c's.
 */

#define CANARY_FALSE_ROLLBACKS  0.02
#define CANARY_FALSE_PROMOTIONS 0.05
/*
 * Times within this are no worse.  Requests come to a peer when it has least to do, and to the
 * canary by lot; and nobody notices less than a few milliseconds.
 */
#define CANARY_SAME         1.1   /* times its peers' */
#define CANARY_SAME_FIRST_S 0.010 /* and so much more */
#define CANARY_SAME_PACE_S  0.001
/* What a promoted canary is shown not to be worse by. */
#define CANARY_MARGIN_FAILURES 0.02 /* of its requests fail more than of its peers' */
#define CANARY_MARGIN_FIRST    1.5  /* times its peers' time to the first token, and the 10 ms */
#define CANARY_MARGIN_PACE     1.25 /* times its peers' time between tokens, and the 1 ms */

/* X(enumerator, "name", "says") */
#define WEIR_CANARY_MEASURES(X)                                                                    \
    X(CANARY_FAILURES, "failures", "more of its requests fail than of its peers'")                 \
    X(CANARY_FIRST, "first_token", "its first tokens come later than its peers'")                  \
    X(CANARY_PACE, "pace", "its tokens come more slowly than its peers'")

#define WEIR_CANARY_STATES(X)                                                                      \
    X(CANARY_NONE, "none", "no canary was ever begun")                                             \
    X(CANARY_RUNNING, "running", "it gets its share by lot and is compared")                       \
    X(CANARY_PROMOTED, "promoted", "it is an upstream like its peers")                             \
    X(CANARY_ROLLED_BACK, "rolled_back", "it is drained")

/* Why it is in its state. */
#define WEIR_CANARY_WHYS(X)                                                                        \
    X(CANARY_BEGUN, "begun", "an operator began it")                                               \
    X(CANARY_BY_HAND, "by_hand", "an operator said so")                                            \
    X(CANARY_IS_WORSE, "worse", "it is worse than its peers")                                      \
    X(CANARY_IS_NO_WORSE, "no_worse", "it is no worse than its peers by more than the margins")    \
    X(CANARY_BREAKER_OPEN, "breaker_open", "its breaker opened while a peer was well")             \
    X(CANARY_TIME_OVER, "time_over", "its time was over before either was shown")                  \
    X(CANARY_TAKEN_OUT, "taken_out", "a reload took it out of the pool")

/* Why nothing is decided for now, and its time stands still. */
#define WEIR_CANARY_PAUSES(X)                                                                      \
    X(CANARY_GOES_ON, "none", "it is not paused")                                                  \
    X(CANARY_NO_PEER, "no_peer", "no peer is well enough to be compared with")                     \
    X(CANARY_OBSERVES, "observe", "the breaker of its pool only looks on")                         \
    X(CANARY_AWAY, "held_open", "an operator holds its breaker open")

#define WEIR_ENUM_ROW(e, name, says)  e,
#define WEIR_COUNT_ROW(e, name, says) +1
enum canary_measure { WEIR_CANARY_MEASURES(WEIR_ENUM_ROW) };
enum canary_state { WEIR_CANARY_STATES(WEIR_ENUM_ROW) };
enum canary_why { WEIR_CANARY_WHYS(WEIR_ENUM_ROW) };
enum canary_pause { WEIR_CANARY_PAUSES(WEIR_ENUM_ROW) };
enum { CANARY_MEASURES = 0 WEIR_CANARY_MEASURES(WEIR_COUNT_ROW) };
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW
enum canary_arm { CANARY_PEERS, CANARY_SELF, CANARY_ARMS };

/* Words for programs and for people; static. */
const char *canary_measure_name(enum canary_measure m);
const char *canary_state_name(enum canary_state s);
const char *canary_why_name(enum canary_why w);
const char *canary_pause_name(enum canary_pause p);
/* Half a sentence: why it is in its state, or why it is paused. */
const char *canary_says(enum canary_why w, enum canary_measure m);
const char *canary_pause_says(enum canary_pause p);

/* What the books of a request have of its lot. */
struct canary_lot {
    uint32_t run; /* which canary's; 0 = it went by no lot */
    bool canary;
    bool last;    /* drawn in the last step */
    bool alike;   /* neither side can know its user's conversation better than the other */
    double share; /* probability of the canary */
};

/* Of one side, since the beginning. */
struct canary_counts {
    uint32_t finished, failed;
    double typical[CANARY_MEASURES]; /* seconds; half of them took more; 0 = none yet */
};

struct canary {
    enum canary_state state;
    enum canary_why why;
    enum canary_measure measure;
    enum canary_pause pause;
    uint32_t run;     /* counts canaries of this pool */
    uint32_t changes; /* counts beginnings, steps, pauses and ends */
    int upstream;     /* its place */
    double most;      /* the operator's share, above 0 to 1 */
    double natural;   /* its share as one among its peers */
    unsigned step;
    uint64_t time_ns, begun_ns, until_ns, step_ns, changed_ns, tick_ns;
    uint64_t natural_ns; /* its share is the natural one since then */
    uint64_t closed;     /* peers at the last tick, a bit each; canary_pool.c's */
    uint32_t in_step;    /* of its requests finished in this step */
    uint32_t peers_last, peers_have[CANARY_MEASURES]; /* finished in the last step, and measured */
    uint32_t firsts;                                  /* of its own */
    struct canary_counts counts[CANARY_ARMS];
    struct bets worse[CANARY_MEASURES], within[CANARY_MEASURES];
    struct ranks first, pace;
};

/* most: above 0, to 1.  time_ns > 0.  The evidence of an earlier one is forgotten. */
void canary_begin(struct canary *c, int upstream, double most, double natural, uint64_t time_ns,
                  uint64_t now_ns);

static inline bool canary_runs(const struct canary *c)
{
    return c->state == CANARY_RUNNING;
}

/* The probability of a lot for the canary: of its step, never beyond its most or its natural one.
 */
double canary_share(const struct canary *c);
/* No step follows this one. */
bool canary_is_last(const struct canary *c);
/* Has it carried as much as each of its peers does for so long that their caches are alike? */
bool canary_is_settled(const struct canary *c, uint64_t now_ns);

/* What became of a request that went by lot; of another canary's lot it is ignored. */
void canary_finished(struct canary *c, const struct canary_lot *l, bool failed);
/* kind < RANKS_KINDS: like is compared with like.  s > 0. */
void canary_first(struct canary *c, const struct canary_lot *l, unsigned kind, double s);
void canary_pace(struct canary *c, const struct canary_lot *l, unsigned kind, double s);
/* A peer went away: what its last requests showed is no yardstick for a promotion. */
void canary_lost_peer(struct canary *c);

struct canary_input {
    uint32_t peers; /* that are a yardstick: closed and not cooling down */
    bool enforces;  /* the rules of the pool act */
    bool open;      /* its own breaker cut it off */
    bool away;      /* an operator holds it open */
};
/* Each tick; its state after it.  A verdict is for the caller to act on. */
enum canary_state canary_tick(struct canary *c, const struct canary_input *in, uint64_t now_ns);
void canary_end(struct canary *c, enum canary_state state, enum canary_why why, uint64_t now_ns);

/* What is shown of a canary, the last one too. */
struct canary_view {
    enum canary_state state;
    enum canary_why why;
    enum canary_measure measure;
    enum canary_pause pause;
    uint32_t changes;
    int upstream;                /* its place; -1 = there never was one */
    double share, most, natural; /* share: of the lots; 0 when it is over */
    bool last;                   /* step */
    uint64_t begun_ns, until_ns, changed_ns;
    struct canary_counts counts[CANARY_ARMS];
    double worse;                     /* evidence, of CANARY_WORSE_NEEDS */
    double worse_by[CANARY_MEASURES]; /* by measure */
    double within[CANARY_MEASURES];   /* evidence, each of CANARY_WITHIN_NEEDS */
    bool asked[CANARY_MEASURES];      /* of a promotion */
};
#define CANARY_WORSE_NEEDS  (1 / CANARY_FALSE_ROLLBACKS)
#define CANARY_WITHIN_NEEDS (1 / CANARY_FALSE_PROMOTIONS)
void canary_show(const struct canary *c, struct canary_view *v);

#endif
