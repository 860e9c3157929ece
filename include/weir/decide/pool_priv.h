/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_POOL_PRIV_H
#define WEIR_DECIDE_POOL_PRIV_H

#include "weir/decide/appoint.h"
#include "weir/decide/backlog.h"
#include "weir/decide/breaker.h"
#include "weir/decide/budget.h"
#include "weir/decide/cooldown.h"
#include "weir/decide/events.h"
#include "weir/decide/evidence.h"
#include "weir/decide/fleet_node.h"
#include "weir/decide/kinds.h"
#include "weir/decide/lease.h"
#include "weir/decide/lease_share.h"
#include "weir/decide/limiter.h"
#include "weir/decide/order.h"
#include "weir/decide/pace.h"
#include "weir/decide/pool.h"
#include "weir/decide/predict.h"
#include "weir/decide/queue.h"
#include "weir/decide/rate.h"
#include "weir/decide/users.h"
#include "weir/decide/window.h"

/* The inside of a pool, for proxy/decide and for tests that look at it. */

/* Reserved: named by a reload, not yet known to all workers.  Gone: taken out, its requests end. */
enum membership { MEMBER, MEMBER_RESERVED, MEMBER_GONE };

/* What first tokens of one kind of request have shown. */
struct learnt {
    struct predict predict;
    struct arrival_order order;
};

struct upstream {
    enum membership membership;
    uint32_t id;          /* the caller's name for it, kept over reloads */
    uint32_t reservation; /* which one made it MEMBER_RESERVED */
    uint64_t alive_ns;    /* the last first token or event; 0 = none yet */
    bool counts_anew;     /* the next tick's count of events is where its pace begins */
    uint32_t pending;     /* sent, no first token yet */
    uint32_t inflight;    /* sent, not ended; system requests are not among them */
    uint32_t streams;     /* between first content and end */
    uint32_t system;
    uint32_t elsewhere;       /* in flight from the process before this one (decide/succession.h) */
    uint32_t places;          /* of a pool that was handed over: the most that may be in flight */
    struct list pending_list; /* in order of sending */
    uint32_t stuck;           /* of them overdue, and for all that is known without a place */
    uint64_t full_ns;         /* when as many streams as were seen at once lately last ran */
    uint64_t next_late_ns;    /* none of them becomes late before; UINT64_MAX if there is none */
    uint64_t last_stream_ns;  /* when a streamed request was last sent */
    bool streamed;            /* ... if ever */
    struct limiter limiter;
    struct learnt learnt[KINDS];
    struct pace pace;
    struct cooldown cooldown;
    struct list probe_list; /* probes whose deadline has not passed, in order of sending */
    uint64_t gaps_ns;       /* between content events, as last told */
    uint64_t firsts;        /* first content events of streams: those have no gap before them */
    uint64_t events, signs; /* counters of the workers as they were last seen */
    uint64_t content_ns;    /* when content last flowed; 0 = never */
    uint64_t sign_ns;       /* when any byte last came; 0 = never */
    struct breaker breaker;
    uint64_t override_until_ns[OVERRIDE_COUNT];
    struct fleet_place *fleet; /* of the pool's node of a fleet; NULL: it has none */
};

/* Columns of pool.arrivals. */
enum { ARRIVALS_ALL, ARRIVALS_RETRIES };

struct pool {
    const struct decide_conf *conf;
    size_t n_upstreams; /* places ever used, those of upstreams taken out included */
    uint32_t reservations;
    size_t rotate; /* where the next choice begins */
    int mode[SET_COUNT];
    uint32_t system; /* requests of class system in flight */
    uint64_t tick_ns;
    uint64_t last_shed_ns;
    enum rule user_rule;   /* the last limit of one user that refused something ... */
    uint64_t user_rule_ns; /* ... and when; 0 = never */
    uint64_t appoint_ns;   /* end of the list of appointments */
    struct appointed appointed;
    uint64_t observed[SET_COUNT];
    uint64_t observed_rule[RULE_COUNT];
    struct random random;
    struct budget budget;
    struct canary canary;
    struct rate arrived, admitted, retried;
    struct window arrivals;
    struct queue queue;
    struct backlog backlog;
    bool cold;   /* of some upstream nothing was seen yet that limits it */
    bool handed; /* another process has taken over: `places` bind */
    struct list woken;
    struct list asking; /* who waits for what the fleet says of its limits, the oldest first */
    struct hash_key key;
    struct event_ring events;
    struct quota *quota;         /* NULL: nothing was ever limited */
    uint64_t limits_patience_ns; /* pool_limits.h */
    struct users users;
    struct leases leases;
    struct lease_share *lease_share; /* borrowed; NULL: leases are this node's own */
    struct fleet_node *fleet;        /* borrowed; NULL: this pool is of no fleet */
    struct upstream upstream[];
};

/* Limits that are no settings; reasons in docs/decisions.md. */
enum {
    POOL_SYSTEM_MAX = 4,   /* requests of class system at once */
    POOL_ATTEMPTS_MAX = 2, /* upstream attempts a request */
    POOL_STORM_MIN = 20,   /* arrivals before a share of retries means anything */
    POOL_USER_LEAST = 2,   /* places any user may have */
};
#define POOL_SHED_MEMORY_NS   (10 * NS_PER_S) /* "sheds": refused something for load so lately */
#define POOL_UNARY_AFTER_NS   (60 * NS_PER_S) /* no stream for so long: judge whole answers */
#define POOL_LONG_NS          (59 * NS_PER_S) /* longer than any appointment */
#define POOL_PASSED_MAX       64u             /* looked at in vain at every event; all at a tick */
#define POOL_HEADROOM_PENDING 0.25            /* of P, more pending make others late, and ... */
#define POOL_HEADROOM_STREAMS 0.375           /* ... of L: left to others by a user who floods */
#define POOL_STORM_SHARE      0.2

/* pool.c */
/* It refused for want of room: of load, and not of a state. */
bool rule_is_room(enum rule r);
/* The better the lower. */
enum { RANK_SYSTEM, RANK_PAID_LEASE, RANK_PAID, RANK_LEASE, RANK_INTERACTIVE, RANK_BATCH };
int pool_rank_of(const struct pool *p, const struct pool_request *r, uint64_t now_ns);
void upstream_init(struct pool *p, size_t i, uint32_t id, uint32_t max_streams, uint64_t now_ns);

/* choose.c */

/* Why an upstream takes nothing, or why it does. */
struct choice {
    int upstream;       /* -1 none */
    enum rule rule;     /* RULE_ROOM or RULE_PROBE, else why not (of `blame`) */
    enum rule observed; /* what an observed rule would have said */
    int blame;          /* the upstream that came nearest, -1 */
    bool own;           /* some upstream refuses it and may take another that waits */
    struct canary_lot lot;
};
struct choice choose(struct pool *p, const struct pool_request *r, int except, uint64_t now_ns);
/* What the next request would meet there, for people; asking leaves no mark. */
struct binding upstream_binding(const struct pool *p, const struct upstream *u, uint64_t now_ns);
struct breaker_rules pool_rules(const struct pool *p, uint64_t now_ns);
/* The earliest time something may be admitted: now, an end of OPEN or of a cooldown, UINT64_MAX
 * unknown. */
uint64_t pool_earliest(const struct pool *p, uint64_t now_ns);
/* The same for this request, whose user or model may be in a cooldown that is not the others'. */
uint64_t pool_earliest_for(const struct pool *p, const struct pool_request *r, uint64_t now_ns);
/* May some request that nobody knows yet be sent before then? */
uint64_t pool_earliest_of_any(const struct pool *p, uint64_t now_ns);
bool upstream_is_unary(const struct pool *p, const struct upstream *u, uint64_t now_ns);

/* Its mark says something about this upstream still: it was not away since. */
static inline bool request_is_fresh(const struct upstream *u, const struct pool_request *r)
{
    return r->generation == u->breaker.generation;
}

static inline bool request_is_system(const struct pool_request *r)
{
    return r->class == CLASS_SYSTEM;
}

/* All that is in flight there, of this process and of the one before it. */
static inline uint32_t upstream_load(const struct upstream *u)
{
    return u->inflight + u->elsewhere;
}

/* canary_pool.c */
static inline bool pool_has_canary(const struct pool *p, int i)
{
    return canary_runs(&p->canary) && p->canary.upstream == i;
}
/* The canary takes this request, and so does `peer`, which was chosen among the others: by lot. */
bool canary_draws(struct pool *p, const struct pool_request *r, int peer, struct canary_lot *lot,
                  uint64_t now_ns);
/* Does somebody else carry the pool, so that the canary gets no more than its lots? */
bool canary_is_guarded(const struct pool *p, enum rule peers);
void canary_take_first(struct pool *p, const struct pool_request *r, uint64_t now_ns);
void canary_take_end(struct pool *p, const struct upstream *u, const struct pool_request *r,
                     enum sign s, const struct pool_report *rep, uint64_t now_ns);
void pool_tick_canary(struct pool *p, uint64_t now_ns);

/* members.c */
/* What the others carry while all is well. */
double pool_known_of_peers(const struct pool *p, size_t except);

/* weight.c */
/* One weight for each upstream, 0.1 to 1, for requests of this kind. */
void pool_weights(const struct pool *p, uint8_t kind, double *weight);

/* outcome.c */
/* A first token, or a good head, and how its time was judged. */
void upstream_take_first(struct pool *p, struct upstream *u, struct pool_request *r,
                         enum lateness l, uint64_t now_ns);
/* The deadline of a probe passed that is not judged by its time: its place is free. */
void upstream_free_probes(struct pool *p, struct upstream *u, uint64_t now_ns);
/* Takes what an ended request reports; its books are given back after it. */
void upstream_report(struct pool *p, struct upstream *u, struct pool_request *r,
                     const struct pool_report *rep, uint64_t now_ns);

/* send.c */
struct evidence evidence_of(const struct pool_request *r);
/* What a first content event, or a good head of a whole answer, says; serves no queue. */
void upstream_note_first(struct pool *p, struct pool_request *r, uint64_t now_ns);
void pool_send(struct pool *p, struct pool_request *r, const struct choice *c, uint64_t now_ns);
void pool_release(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                  uint64_t now_ns);
void upstream_after_breaker(struct pool *p, struct upstream *u, uint64_t now_ns);
/* Its first token is no more waited for. */
void upstream_unpend(struct upstream *u, struct pool_request *r);

/* marks.c */

/* r is being sent: when will it be late? */
void upstream_expect(struct pool *p, struct upstream *u, struct pool_request *r, uint64_t now_ns);
/* Something of this kind may be known by now: those sent before have a true deadline then. */
void upstream_resolve_guesses(struct pool *p, struct upstream *u, uint8_t kind, bool unary);
/* Its first token, or whole answer in unary mode, came: learns from it and marks it. */
enum lateness upstream_mark_first(struct pool *p, struct upstream *u, struct pool_request *r,
                                  uint64_t now_ns);
/* Each tick: marks those whose deadline has passed. */
void upstream_mark_late(struct pool *p, struct upstream *u, uint64_t now_ns);

/* choose.c */
/* Nothing takes it but for a cooldown that is not everybody's: it must not stand before others. */
bool pool_cools_alone(const struct pool *p, const struct pool_request *r, const struct choice *c,
                      uint64_t now_ns);

/* refuse.c */
enum rule pool_door(struct pool *p, struct pool_request *r, uint64_t now_ns);
void pool_refuse(struct pool *p, struct pool_request *r, enum rule rule, int blame,
                 uint64_t now_ns);
void pool_numbers(const struct pool *p, struct pool_request *r, enum rule rule, int upstream,
                  uint64_t now_ns);
bool pool_sheds(const struct pool *p, uint64_t now_ns);

/* charge.c */
/* Charges it under its limits, or says which one refuses it (r->quota->no).  r->quota is there. */
enum rule pool_charge(struct pool *p, struct pool_request *r, uint64_t now_ns);
/* Whom and what it is about, for quotas. */
struct quota_asked pool_asked(const struct pool_request *r);
/* What it is charged is corrected; rep NULL: it was not sent. */
void pool_settle(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                 uint64_t now_ns);
/* How long one that a limit refused is told to wait; *lasts: longer than anybody would. */
uint32_t pool_appoint_limited(struct pool *p, const struct quota_refusal *no, bool *lasts,
                              uint64_t now_ns);

/* refuse.c */
void pool_take_user_place(struct pool *p, struct pool_request *r);
void pool_free_place(struct pool *p, struct pool_request *r);

/* pool.c: it came, and no limit refuses it: POOL_ADMIT, POOL_WAIT or POOL_REFUSE */
enum pool_verdict pool_go_on(struct pool *p, struct pool_request *r, uint64_t now_ns);

/* pool_limits.c */
void pool_begin_asking(struct pool *p, struct pool_request *r);
void pool_stop_asking(struct pool_request *r);
/* Who has waited too long for an answer goes on without one. */
void pool_tick_asking(struct pool *p, uint64_t now_ns);

/* serve.c */
void pool_wake(struct pool *p, struct pool_request *r);
void pool_expire_waiting(struct pool *p, bool all, uint64_t now_ns);
/* Those for whom there is room leave; passes over no more than POOL_PASSED_MAX of others. */
void pool_serve_queue(struct pool *p, uint64_t now_ns);
/* The same, however many it passes over. */
void pool_serve_all(struct pool *p, uint64_t now_ns);
void pool_refuse_waiting(struct pool *p, struct pool_request *r, enum rule rule, uint64_t now_ns);
bool pool_deadline_lost(const struct pool *p, const struct pool_request *r, uint64_t now_ns);

/* waiting.c */

/* How long r may wait, if it waits from now on. */
uint64_t pool_wait_ns(const struct pool *p, const struct pool_request *r, uint64_t now_ns);
/* Refuses the oldest of the worst rank beyond what will be served in time. */
void pool_bound_queue(struct pool *p, uint64_t now_ns);
/* Each tick: measures how fast waiting requests are served, and notices the end of a cold start. */
void pool_tick_waiting(struct pool *p, uint64_t now_ns);

/* tick.c */
/* What its pending requests say of a silence. */
enum fleet_silence upstream_silence(const struct pool *p, const struct upstream *u,
                                    uint64_t now_ns);

/* pool_fleet.c: what the fleet says; without one, or alone, it says nothing. */
/* The fleet's rules stand for the limiter's: permits and this node's part of P. */
bool upstream_is_joined(const struct pool *p, const struct upstream *u);
/* It is shared, and this node does not hear of the others. */
bool upstream_is_alone(const struct pool *p, const struct upstream *u);
/* RULE_ROOM, RULE_PROBE, RULE_BREAKER_OPEN or RULE_HALF_OPEN, where the own breaker said `own`. */
enum rule upstream_fleet_state(const struct pool *p, const struct upstream *u, enum rule own);
/* Joined: for one more in flight. */
enum rule upstream_fleet_ask(const struct pool *p, struct upstream *u, const struct pool_request *r,
                             uint64_t now_ns);
/*
 * Alone: it has as many as its part of the fleet.  Joined just now and without a plan: as many as
 * it holds permits.
 */
bool upstream_is_beyond_part(const struct pool *p, const struct upstream *u, uint64_t now_ns);
/* The end of the fleet's OPEN, 0 = it is not. */
uint64_t upstream_fleet_until(const struct pool *p, const struct upstream *u);
/* In flight and without a first token at other nodes. */
uint32_t upstream_used_elsewhere(const struct pool *p, const struct upstream *u);
uint32_t upstream_pending_elsewhere(const struct pool *p, const struct upstream *u);
void pool_fleet_arrived(struct pool *p, const struct pool_request *r, uint64_t now_ns);
void upstream_fleet_sent(struct pool *p, struct upstream *u, struct pool_request *r);
void upstream_fleet_started(struct pool *p, struct upstream *u, const struct pool_request *r);
/* Has one that another node sent later its first token already?  And how many were sent since by
 * all, as far as the last plan knows? */
bool upstream_was_passed_elsewhere(const struct upstream *u, const struct pool_request *r);
uint64_t upstream_sent_elsewhere(const struct upstream *u, const struct pool_request *r);
void upstream_fleet_ended(struct pool *p, struct upstream *u, uint64_t now_ns);
/* Before the tick of the upstreams, and in place of the limiter's tick (false: not joined). */
void pool_fleet_tick(struct pool *p, uint64_t now_ns);
bool upstream_fleet_follow(struct pool *p, struct upstream *u, uint64_t now_ns);
/* After the limiter's tick, alone. */
void upstream_fleet_slide(struct pool *p, struct upstream *u, uint64_t now_ns);

/* pool_leases.c */
/* r ended clean and whole. */
void pool_lease_renew(struct pool *p, const struct pool_request *r, uint64_t now_ns);
/* r waits: another node may know of a lease. */
void pool_lease_waits(struct pool *p, const struct pool_request *r);
/* There are such that were not asked for yet. */
bool pool_lease_wants(const struct pool *p);

/* fleet_count.c: what is told to the fleet. */
void upstream_count_mark(struct upstream *u, const struct pool_request *r, enum mark m,
                         bool learning);
/* It is late, and that alone shows nothing. */
void upstream_count_lone(struct upstream *u, struct pool_request *r);
void upstream_count_ok(struct upstream *u, const struct pool_request *r);
/* What became of the fleet's probe; the first word counts. */
enum probe_end { PROBE_GOOD, PROBE_BAD, PROBE_VOID };
void upstream_count_probe(struct upstream *u, struct pool_request *r, enum probe_end e);
/* An end was told to the breaker, which had `in_row` failures in a row before. */
void upstream_count_end(struct upstream *u, struct pool_request *r, enum breaker_takes takes,
                        uint32_t in_row, bool shut);
void upstream_count_streams(struct upstream *u, uint64_t now_ns);

/* operator.c */
void upstream_lapse(struct pool *p, struct upstream *u, uint64_t now_ns);
bool upstream_override_on(const struct upstream *u, enum pool_override o);

#endif
