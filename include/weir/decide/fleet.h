/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_FLEET_H
#define WEIR_DECIDE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/clock.h"
#include "weir/decide/pool.h"
#include "weir/decide/predict.h"

/*
 * Many weirs before the same upstreams: what they tell each other, in numbers.  How the numbers
 * travel is not said here (proxy/fleet, tests/sim); what is learnt from all of them is the leader's
 * (decide/fleet_leader.h), what one node may do by them is decide/fleet_node.h.
 *
 *     node ── record ──► leader ── plan ──► every node         each period
 *     node ── ask ─────► permits (atomic, in the store) ── answer ──► node
 *
 * A node is named by a number: a hash of its name, never 0.  Each start of it has another `start`.
 * Times are of the clock of whoever holds them; what travels is a length of time, never a time.
 * Whatever comes in is a stranger's: fleet_*_mend puts it into its ranges before it is used.
 */

enum {
    FLEET_NODES_MAX = 1000,
    FLEET_PROBES = 2,           /* probes under way at once, each at another node */
    FLEET_NO_RANK = POOL_RANKS, /* nobody waits */
};
#define FLEET_LEASE_NS (3 * NS_PER_S)    /* a node not heard for so long is gone */
#define FLEET_SLIDE_NS (10 * NS_PER_S)   /* without the fleet for so long: a node on its own */
#define FLEET_PLAN_NS  (10 * NS_PER_S)   /* a plan that nobody renewed for so long is none */
#define FLEET_RANK_NS  (300 * NS_PER_MS) /* how long it is believed that a better rank waits */

/* Of streams that show nothing: whether that is silence (docs/decisions.md, "The breaker"). */
enum fleet_silence {
    FLEET_NO_WITNESS, /* nobody was sent into it */
    FLEET_WITNESS,    /* one was, and is overdue by the time that silence takes */
    FLEET_IN_PREFILL, /* one may still be in prefill, which can hold up all: no silence at all */
};

/* What a first token of generation takes there, as in predict.h; 0 = not known. */
struct fleet_expect {
    uint32_t learnt; /* first tokens so far; of a node no more than it needs to judge them */
    double spread_s;
    double base_s[PREDICT_CLASSES];
};

/*
 * What a node reports of one upstream: with each sync, to the leader.  Counters count since the
 * start of the node and never fall, so that a report lost or read twice changes nothing.
 */
struct fleet_record {
    /*
     * Counters: marks for the limiter.  learning: those of late that weigh less, see doubt_late.
     * lone: late ones that are none, for nothing on this node confirms them.
     */
    uint64_t on, late, learning, lone, err;
    uint64_t sent; /* requests */
    /* for the breaker; cut: failed after its ok was counted; shut: refusals that concerned all */
    uint64_t ok, cut, failed, refused, shut;
    /* of the pace: content events but the first of each stream, time between, time of streams */
    uint64_t events, gaps_ns, stream_ns;
    /* requests that went as the fleet's probe, by their end; void: they showed nothing */
    uint64_t probes_sent, probes_good, probes_bad, probes_void;
    /* as of now */
    uint32_t used;    /* requests in flight */
    uint32_t pending; /* of them without a first token */
    uint32_t stuck;   /* of pending overdue, and without a place for all that is known */
    uint32_t streams;
    uint32_t waiting;   /* in the queue of the pool */
    uint32_t override;  /* an operator's limit on streams on this node, 0 = none */
    uint64_t passed_ns; /* since the last one was sent that has its first token by now */
    uint64_t quiet_ns;  /* since any byte came, while silence may be judged */
    enum fleet_silence silence;
    bool unary;         /* whole answers are judged, there are no streams */
    bool open;          /* its own breaker is, and not by an operator's hand */
    bool shown;         /* load makes it late, as far as this node knows */
    bool bound_streams; /* since the last record the fleet's limit refused somebody, or */
    bool bound_pending; /* ... this node's part of P did */
    /* what it brings after a time alone: its own limits, in each record for a lease; 0 = nothing */
    double own_streams, own_pending;
    uint32_t alone; /* times alone since its start: own counts once for each */
    uint32_t nodes; /* alive, as it last knew */
    /* the plan it goes by, for a leader that finds none: epoch 0 = it has none */
    uint64_t epoch;
    double plan_streams, plan_pending;
    struct fleet_expect expect; /* this node's copy of the fleet's */
};

/* What one limiter of the fleet has learnt, so that the next leader goes on with it. */
struct fleet_limits {
    double streams, pending; /* L and P; 1..max_streams */
    double known;            /* the most P was lately, 0 = nothing is known */
    double gain;             /* 1, 2, 4, 8 */
    double doubt;            /* 0..7 */
    bool shown, start, cold;
    uint32_t ceiling;           /* LIMITER_NO_CEILING: none */
    uint32_t wait_marks;        /* 2..32 */
    double proven;              /* streams seen at once lately, over all nodes */
    double calm_s, low_s, peak; /* of the pace; seconds an event, requests */
};

/* What the leader says of one upstream, to all. */
struct fleet_plan {
    uint64_t epoch;           /* grows with each plan of any leader; 0 = there is none */
    enum breaker_state state; /* CLOSED, OPEN, HALF_OPEN or RAMPING */
    uint32_t generation;      /* how often it went OPEN: evidence of an earlier one is stale */
    uint32_t total;           /* requests in flight over the fleet; 0 while OPEN and HALF_OPEN */
    double share;             /* of the known-good load, 0..1 */
    double known_good, died_at;
    uint32_t trips;
    uint64_t left_ns;                    /* of OPEN */
    bool held;                           /* an operator froze the share, for so long: */
    uint64_t held_ns;                    /* 0 = without an end */
    uint64_t probe[FLEET_PROBES];        /* the node that may send a probe; 0 = nobody */
    uint32_t probe_number[FLEET_PROBES]; /* one request for each number */
    uint64_t sent;                       /* requests, of all nodes; and since ... */
    uint64_t passed_ns; /* ... the last one of them was sent that has its first token */
    uint32_t nodes;     /* alive */
    struct fleet_limits limits;
    struct fleet_expect expect;
};

/* --- permits: how many requests each node may have in flight; counted in the store */

/* What a node asks with, for one upstream. */
struct fleet_ask {
    uint32_t used;    /* what it keeps whatever is answered: in flight, or let in meanwhile */
    uint32_t pending; /* of used without a first token, those let in meanwhile included */
    uint32_t waiting;
    int rank;      /* the best that waits, FLEET_NO_RANK = nobody */
    double weight; /* arrivals a second */
    uint32_t most; /* for a lease after it was alone: no more than its part; UINT32_MAX else */
    bool roomy;    /* half of the places were free for a lease, by what it knows */
};

/* The others in the store, this node left out. */
struct fleet_others {
    uint32_t held, used, pending;
    double weight;          /* sum */
    uint32_t better, equal; /* nodes that wait with a better or the same rank, heard lately */
    uint32_t nodes;         /* alive */
    int rank;               /* the best that waits there, FLEET_NO_RANK = nobody */
};

/* What comes back. */
struct fleet_answer {
    uint32_t held; /* permits of this node from now on; at least what it asked to keep */
    struct fleet_others others;
};

/*
 * The permits of a node that asks; to be computed while nobody else changes the store.  total and
 * pending (P) are the plan's.  Never less than ask->used, and beyond it nothing that would make
 * the sum over all nodes exceed total.  The Lua script of proxy/fleet is the same formula.
 */
uint32_t fleet_permits(uint32_t total, double pending, const struct fleet_others *others,
                       const struct fleet_ask *ask);

/*
 * What the nodes divide among them by their arrivals: the total; but where P binds, fewer requests
 * than that are in flight, and a quarter more than those is all there is to divide.  held: permits
 * of all nodes.
 */
double fleet_divided(uint32_t total, double pending, double held, uint32_t nodes);

/* --- the members of a record and of a plan, for whoever writes and reads them */

enum fleet_form {
    FLEET_COUNT,  /* uint64_t */
    FLEET_NUMBER, /* uint32_t */
    FLEET_REAL,   /* double */
    FLEET_FLAG,   /* bool */
    FLEET_WORD,   /* an enum, as its number */
};

struct fleet_row {
    const char *name; /* unique in its table */
    uint16_t at;      /* offset in the struct */
    enum fleet_form form;
    double least, most; /* what fleet_*_mend leaves; LIMITER_NO_CEILING goes beyond `most` */
};
const struct fleet_row *fleet_record_rows(size_t *n);
const struct fleet_row *fleet_plan_rows(size_t *n);

/* Puts what a stranger wrote into its ranges: finite, none negative, none beyond.  max_streams: the
 * own setting, 1 at least. */
void fleet_record_mend(struct fleet_record *r, uint32_t max_streams);
void fleet_plan_mend(struct fleet_plan *plan, uint32_t max_streams);
void fleet_others_mend(struct fleet_others *o);

/*
 * How often a node syncs: so that a store that serves all of them is at most a quarter busy, 250 ms
 * to 2 s.  And how far apart its asks are, of all upstreams together.
 */
uint64_t fleet_period_ns(uint32_t nodes, uint32_t upstreams);
uint64_t fleet_ask_gap_ns(uint32_t nodes);
/* How long a leader leads that is not heard. */
uint64_t fleet_leader_ttl_ns(uint32_t nodes, uint32_t upstreams);

#endif
