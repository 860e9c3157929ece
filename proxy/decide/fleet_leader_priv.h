/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_FLEET_LEADER_PRIV_H
#define WEIR_DECIDE_FLEET_LEADER_PRIV_H

#include "weir/base/assert.h"
#include "weir/decide/breaker.h"
#include "weir/decide/fleet_expect.h"
#include "weir/decide/fleet_leader.h"
#include "weir/decide/limiter.h"
#include "weir/decide/num.h"
#include "weir/decide/pace.h"

/* Shared by fleet_leader.c, fleet_limits.c, fleet_judge.c, fleet_plan.c,
 * fleet_probes.c and fleet_ramp.c. */

enum { TALE_SLICES = 5, STEADY_TICKS = 4 };

/* What one node told of one upstream. */
struct tale {
    struct fleet_record last;
    bool known;     /* last is filled */
    bool own_taken; /* what it brought with its last time alone is counted */
    uint32_t row;   /* the last row of failures that it had a part in */
    uint64_t newest;
    uint32_t slice[TALE_SLICES][3]; /* of the breaker's window; columns below */
};
enum { TALE_OK, TALE_FAILED, TALE_SHUT };

enum presence { NODE_NONE, NODE_ALIVE, NODE_VANISHED };

struct member {
    uint64_t node, start;
    enum presence presence;
    uint64_t heard_ns, vanished_ns;
};

/* What came since the last tick, over all nodes. */
struct fleet_news {
    uint64_t on, late, learning, err, ok, cut, failed, refused, shut, events, gaps_ns, stream_ns;
    uint32_t probes_good, probes_bad;
};

/* As of now, over all nodes that live. */
struct fleet_sums {
    uint32_t used, pending, stuck, streams, waiting, most_override;
    bool bound_streams, bound_pending;
    bool unary, shown; /* unary: all of them say so */
    uint32_t open;     /* nodes whose own breaker is */
    bool overridden;   /* all of them */
    bool witness, no_silence;
    uint64_t sent, passed_ns;
    double own_streams, own_pending; /* of those that bring something for the first time */
    uint64_t epoch;                  /* the newest plan that one of them goes by */
    double plan_streams, plan_pending;
    uint32_t learnt; /* first tokens */
};

struct leader_probe {
    uint64_t node; /* 0 = nobody has it */
    uint32_t number;
    uint64_t given_ns;
    bool sent;
};

struct led {
    uint32_t id, most;
    bool shared;
    bool settled;  /* it was decided what the leader goes on from */
    bool restored; /* a plan that was in force just now */
    struct limiter limiter;
    struct pace pace;
    struct fleet_taught taught;
    struct breaker breaker;
    struct fleet_news news;
    struct fleet_sums sums;
    uint64_t events, gaps_ns; /* so far */
    uint64_t full_ns, shut_ns;
    uint64_t hold_until_ns; /* end of an operator's hold of the ramp; 0 = none, or without an end */
    uint64_t ramped_ns;     /* when the last ramp was full; 0 = none was */
    uint32_t row, failed_in_row, nodes_in_row;
    uint64_t late_node, late_ns; /* the node that last told of a late one, and when */
    uint64_t held_lone;          /* of that node: late ones that nothing confirmed yet */
    uint32_t started[STEADY_TICKS], streams[STEADY_TICKS]; /* of the last ticks, see steady() */
    uint64_t ticks;
    struct leader_probe probe[FLEET_PROBES];
    uint32_t probe_number;
    size_t turn; /* the member that was last given a probe */
};

struct fleet_leader {
    const struct decide_conf *conf;
    size_t most_nodes, n_members, n_upstreams;
    struct random random;
    struct event_ring events;
    uint64_t begun_ns, tick_ns, epoch;
    uint32_t nodes, expected; /* alive; alive by the restored plan */
    struct led *led;
    struct member *members;
    struct tale *tales; /* of a member one after the other */
};

/* A node that vanished may serve on by itself, on its part of max_streams, for so long. */
#define VANISHED_NS (60 * NS_PER_S)

static inline struct tale *tale_of(struct fleet_leader *f, size_t member, size_t upstream)
{
    return &f->tales[member * f->n_upstreams + upstream];
}

static inline bool member_lives(const struct member *m)
{
    return m->presence == NODE_ALIVE;
}

static inline struct breaker_rules leader_rules(const struct fleet_leader *f, uint64_t now_ns)
{
    return (struct breaker_rules){&f->conf->breaker, &f->conf->ramp, now_ns};
}

/* What a counter of a record has grown by; it never falls, whatever a stranger writes. */
static inline uint64_t counted(uint64_t was, uint64_t is)
{
    return is > was ? is - was : 0;
}

/* fleet_limits.c: limiter and pace. */
/* A node told of late ones, and of such that are late only if another node has some, too. */
void led_note_late(struct led *u, uint64_t node, uint64_t late, uint64_t lone, uint64_t now_ns);
void led_init(struct fleet_leader *f, size_t upstream, uint64_t now_ns);
/* Goes on from a plan. */
void led_restore(struct led *u, const struct fleet_plan *plan, uint64_t age_ns, uint64_t now_ns);
/* The first tick: from what was restored, what nodes bring, what they echo, or from nothing. */
void led_settle(struct led *u, uint64_t now_ns);
void led_tick_limits(struct fleet_leader *f, struct led *u, uint64_t elapsed_ns, uint64_t now_ns);

/* fleet_judge.c: the breaker. */
void tale_note(struct tale *t, const struct breaker_conf *c, unsigned column, uint64_t n,
               uint64_t now_ns);
void tale_forget(struct tale *t);
void led_note_failed(struct led *u, struct tale *t, uint64_t failed, uint64_t ok);
void led_tick_breaker(struct fleet_leader *f, size_t upstream, uint64_t elapsed_ns,
                      uint64_t now_ns);

/* fleet_probes.c: who sends the probes of a half-open breaker. */
void led_note_probes(struct led *u, uint64_t node, const struct fleet_record *was,
                     const struct fleet_record *is);
void led_tick_probes(struct fleet_leader *f, size_t upstream, uint64_t now_ns);

/* fleet_ramp.c: an operator's hold of the ramp. */
bool led_ramp_is_held(const struct led *u);
uint64_t led_hold_left_ns(const struct led *u, uint64_t now_ns);
void led_tick_hold(struct led *u, uint64_t now_ns);

/* fleet_plan.c */
void led_plan(struct fleet_leader *f, size_t upstream, struct fleet_plan *p, uint64_t now_ns);

#endif
