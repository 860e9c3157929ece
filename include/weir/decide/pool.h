/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_POOL_H
#define WEIR_DECIDE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/hash.h"
#include "weir/base/list.h"
#include "weir/base/status.h"
#include "weir/base/words.h"
#include "weir/decide/canary.h"
#include "weir/decide/quota.h"
#include "weir/decide/rules.h"
#include "weir/decide/settings.h"

/*
 * The admission of one pool: who may go to which upstream now, who waits, who is refused; and what
 * is learnt from what became of them.  Pure: no clock (`now_ns` comes in, monotonic, never going
 * back), no memory of its own (storage comes in), no I/O, no threads.  In the daemon the gate
 * (flow/gate) holds one mutex around every call here; in tests/sim the calls come from a schedule.
 *
 * Rules: docs/decisions.md, which says where each comes from.
 *
 * A request's way, each arrow one call:
 *
 *     pool_arrive ─► ADMIT ─► pool_first ─► pool_end
 *                │         └───────────────► pool_end            (no content ever)
 *                │         └─ pool_retry ─► ADMIT (another upstream) ... | REFUSE (ended)
 *                ├► WAIT, ASK ─► (later, from pool_next_woken) admitted or refused
 *                │       └─► pool_leave                          (the client went away)
 *                └► REFUSE
 */

enum {
    POOL_UPSTREAMS_MAX = 64,
    BREAKER_CAUSE_MAX = 24,
    POOL_RANKS = 6, /* system, paid+lease, paid, interactive+lease, interactive, batch */
};

/* POOL_ASK: it waits as well, for what the fleet says of its limits. */
enum pool_verdict { POOL_ADMIT, POOL_WAIT, POOL_ASK, POOL_REFUSE };

/* The numbers a decision was taken on. */
struct decision_numbers {
    enum rule rule;
    enum rule observed;         /* what a rule in mode observe would have said, RULE_NONE */
    int upstream;               /* index the numbers are about, -1 none */
    uint32_t inflight, pending; /* of that upstream, just before */
    double limit_streams, limit_pending;
    double share;
    double canary_share;       /* of the lot that was drawn, 0 = none was */
    double doubt;              /* of that upstream, and ... */
    bool shown;                /* ... that load makes it late (docs/decisions.md, "Innocent") */
    uint8_t whose;             /* enum cooldown_whose: whose refusals kept it away */
    uint32_t on, late;         /* marks of the limiter's window, and late ones that were none: */
    uint32_t overtaken, alone; /* those were passed by a quick one, or nothing confirms them */
    uint32_t queued;           /* in the pool */
    uint64_t waited_ns;        /* in the queue */
    uint32_t user_places;      /* places and queue entries of this user */
    uint32_t user_most;        /* 0 of fair_share: its turn has not come */
    uint32_t retry_after_ms;   /* the appointment, refusals only */
};

enum pool_request_state {
    REQUEST_NEW,
    REQUEST_QUEUED,
    REQUEST_SENT,  /* has one ticket */
    REQUEST_ENDED, /* has no ticket */
};

/*
 * One request in the pool's books; embedded in the exchange, whose memory it is.  Zero it, fill the
 * first block, then call pool_arrive.  It may not move or die while QUEUED or SENT.
 */
struct pool_request {
    /* in */
    uint64_t user;  /* keyed hash; 0 = nobody known */
    uint64_t who;   /* whose evidence: user, else a hash of the address; 0 = as user */
    uint64_t model; /* keyed hash of the model that the body names; 0 = none known */
    uint8_t kind;   /* decide/kinds.h: generation, else one of its routes */
    enum request_class class;
    bool stream;    /* the answer is expected as events */
    uint64_t bytes; /* of the request's body, as far as known; sizes the prediction */
    /*
     * The upstream does not have the whole request yet, and the client is what is waited for: it is
     * in flight, but neither without a first token nor late until pool_uploaded.
     */
    bool uploading;
    uint64_t connect_ns;         /* while SENT: what of its time a new connection took */
    uint64_t deadline_ns;        /* the client's own (X-Stainless-Timeout), absolute; 0 = none */
    uint32_t client_retry;       /* X-Stainless-Retry-Count */
    struct quota_request *quota; /* the caller's, zeroed; NULL: no limit holds for it */

    /* out */
    enum pool_request_state state;
    int upstream;     /* index while SENT */
    int tried;        /* index of the upstream a retry may not go to again, -1 */
    enum cause cause; /* of a refusal */
    struct decision_numbers numbers;
    bool no_retry;     /* the answer should carry x-should-retry: false */
    uint32_t attempts; /* admissions so far */

    /* the pool's own; hands off */
    struct canary_lot lot;
    struct list node; /* in a queue, or among the woken */
    struct list pending_node;
    struct list probe_node; /* while a probe, up to its deadline */
    uint64_t probe_ns;      /* that deadline */
    uint64_t arrival_ns, sent_ns, late_ns;
    uint64_t passed_ns;                    /* when one sent later was seen to be first; 0 = never */
    uint64_t expires_ns;                   /* end of the waiting */
    uint64_t number;                       /* of its kind on this upstream, in order of sending */
    uint32_t pend0, inflight0, generation; /* pending and in flight when it was sent */
    int rank;
    bool pending, marked, late, first, probe, overdue, streaming, counted_user, woken;
    bool asking;               /* it waits for what the fleet says of its limits */
    bool has_queued;           /* it waited for room */
    bool guessed;              /* nothing was known when it was sent: late_ns is a guess */
    bool excused;              /* late_ns was put off once, for it certainly had a place */
    uint32_t fleet_generation; /* of the fleet's breaker when it was sent */
    uint64_t fleet_sent;       /* what all nodes had sent by then */
    bool fleet_probe;          /* it is the fleet's probe, and nothing was said of it yet */
    bool fleet_lone;           /* the fleet knows that it is late, though nothing confirms it */
};

/* What an ended exchange says about its upstream, for pool_end and pool_retry. */
struct pool_report {
    enum outcome outcome;
    uint32_t status;          /* of the upstream's answer, 0 = none came */
    bool complete;            /* a clean whole answer: the user's turn was completed */
    bool aborted;             /* the client went away */
    uint32_t retry_after_ms;  /* OUTCOME_REFUSED: what the upstream asked for, 0 = nothing */
    uint64_t pace_ns;         /* of its stream: the mean time between events, 0 = too few */
    struct quota_usage usage; /* what it took, for its limits */
};

/* What an operator may have laid upon an upstream. */
enum pool_override {
    OVERRIDE_BREAKER_OPEN,
    OVERRIDE_BREAKER_CLOSE,
    OVERRIDE_RAMP_HOLD,
    OVERRIDE_DRAIN,
    OVERRIDE_LIMIT_STREAMS,
    OVERRIDE_COUNT,
};

/* Which rule the next request would meet: one of class interactive, of nobody known. */
struct binding {
    enum rule rule; /* RULE_ROOM or RULE_PROBE: nothing keeps it away */
    bool enforced;  /* false: the rule only looks on */
};

/* Live view of one upstream; filled by pool_upstream_view. */
struct upstream_view {
    enum breaker_state state;
    char cause[BREAKER_CAUSE_MAX]; /* why the state was entered: "error_rate", "operator", ... */
    bool waits_first; /* half-open for a while, its checks pass, and nobody has asked */
    struct binding binds;
    uint32_t probes_good;       /* while half-open: answers that showed it lives */
    uint64_t since_ns;          /* of the state */
    uint64_t until_ns;          /* end of OPEN, 0 = none or unknown */
    uint64_t cooldown_until_ns; /* 0 = none */
    double share;               /* 0..1 */
    double known_good;          /* streams; what the share is of */
    double ramp_allows;         /* in flight, while ramping; 0 = no ramp */
    bool ramp_held;
    uint32_t pending, inflight, streams;
    uint32_t system; /* requests of class system in flight; not in the others */
    uint32_t
        elsewhere; /* in flight or promised in the process before this one; not in the others */
    double limit_pending, limit_streams;
    uint32_t max_streams;
    bool override_on[OVERRIDE_COUNT];
    uint64_t override_until_ns[OVERRIDE_COUNT];                     /* 0 = no deadline */
    uint32_t ok, failed, connect_failed, stalled, refused, neutral; /* in the window */
    uint32_t on_time, late;
    double pace_ns; /* ns per event, 0 = unknown */
    double pace_target_ns;
    double expected_full_s; /* until the share is 1, 0 = it is, <0 = not known, no probe was good */
};

/* A change of state, for the event log; oldest first from pool_next_event. */
struct pool_event {
    uint64_t at_ns;
    int upstream;
    enum breaker_state from, to;
    char cause[BREAKER_CAUSE_MAX];
    /* the numbers it was decided on */
    uint32_t requests, failed, refused, consecutive;
    uint64_t window_ns;
    double share;
};

struct pool; /* decide/pool_priv.h */

/* Bytes a pool with places for n upstreams needs, aligned to 64; tables of leases and users
 * included. */
size_t pool_bytes(size_t n_upstreams);

/*
 * Makes a pool in mem (pool_bytes of it, zeroed, aligned to 64, the caller's).  conf is borrowed
 * and must outlive the pool or the next pool_set_conf.  max_streams has one entry per upstream.
 */
struct pool *pool_init(void *mem, const struct decide_conf *conf, const uint32_t *max_streams,
                       size_t n_upstreams, struct hash_key key, uint64_t seed, uint64_t now_ns);

/* New settings for a running pool: learnt limits, windows and states stay. */
void pool_set_conf(struct pool *p, const struct decide_conf *conf, const uint32_t *max_streams,
                   uint64_t now_ns);

/*
 * The limits that hold from now on, with those of the pool's conf for each user; what was counted
 * stays.  q: quota_bytes of memory, zeroed, aligned to 64, the caller's, the same one each time.
 * Without a call there are none.
 */
void pool_set_limits(struct pool *p, struct quota *q, const struct quota_rule *rules, size_t n);
/* NULL: it has no limits. */
const struct quota *pool_quota(const struct pool *p);
/* As quota_next_event. */
bool pool_next_limit_event(struct pool *p, struct quota_event *ev, uint64_t now_ns);

/*
 * The list of upstreams of a running pool changes in place: requests, users, the queue and what was
 * learnt live on.  An upstream has a place (its index in every call here) and an id of the caller's
 * by which it is known again; the first ones have their places as ids until pool_name says other.
 *
 *     pool_reserve ─► pool_join      a new one: nothing goes there before pool_join
 *     pool_take_out                  nothing new goes there; what runs there ends in the books
 */
void pool_name(struct pool *p, size_t upstream, uint32_t id);
/* The place of a member, or of one that is reserved; -1 = none. */
int pool_place_of(const struct pool *p, uint32_t id);
/*
 * A place below `room` for the upstream: the one it was taken out of, if its requests still run
 * there, else a free one.  -1: all are taken.  *reservation is for pool_join.
 */
int pool_reserve(struct pool *p, uint32_t id, size_t room, uint32_t max_streams,
                 uint32_t *reservation, uint64_t now_ns);
/* It begins by the ramp, known for what its peers carry.  Nothing if it was taken out since. */
void pool_join(struct pool *p, size_t upstream, uint32_t reservation, uint64_t now_ns);
void pool_take_out(struct pool *p, size_t upstream, uint64_t now_ns);
/*
 * New settings and the list of a reload: every upstream that is not on it is taken out.  conf is
 * borrowed as by pool_init.
 */
struct pool_member {
    int place;
    uint32_t max_streams;
};
void pool_set_members(struct pool *p, const struct decide_conf *conf, const struct pool_member *m,
                      size_t n, uint64_t now_ns);
/* Is nobody in it: no request waits, none runs? */
bool pool_is_empty(const struct pool *p);

enum pool_verdict pool_arrive(struct pool *p, struct pool_request *r, uint64_t now_ns);

/* Can nobody be admitted for longer than anybody may wait?  Open breakers, drained, in a cooldown.
 */
bool pool_is_shut(const struct pool *p, uint64_t now_ns);
/*
 * Refuses r if the pool is shut, before more is known of it than its head; true: it is ENDED.
 * False: nothing has happened, pool_arrive is still to come.
 */
bool pool_refuse_shut(struct pool *p, struct pool_request *r, uint64_t now_ns);

/* The upstream has the last byte of a request that was sent while uploading: its time begins. */
void pool_uploaded(struct pool *p, struct pool_request *r, uint64_t now_ns);

/* First content event of a stream, or a good head of a unary answer.  Once per admission. */
void pool_first(struct pool *p, struct pool_request *r, uint64_t now_ns);

/* It came out that the answer is (not) a stream of events, after admission and before pool_first.
 */
void pool_set_stream(struct pool *p, struct pool_request *r, bool stream);

/* The exchange is over with this upstream; gives the admission back.  Once per admission. */
void pool_end(struct pool *p, struct pool_request *r, const struct pool_report *rep,
              uint64_t now_ns);

/*
 * Reports like pool_end and asks for one more try on another upstream (docs/decisions.md, retries).
 * POOL_ADMIT: r is SENT again.  POOL_REFUSE: r is ENDED, answer what happened.
 */
enum pool_verdict pool_retry(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                             uint64_t now_ns);

/* A waiting request whose client went away.  r is ENDED after it; also right for a woken one. */
void pool_leave(struct pool *p, struct pool_request *r, uint64_t now_ns);

/*
 * Requests that were decided by another call since (drain of the queue): state is SENT, or ENDED
 * with cause.  NULL when there are no more.  To be asked after every call above and after the tick.
 */
struct pool_request *pool_next_woken(struct pool *p);

/*
 * Every 100 ms or so; never twice for the same time.  events has one entry per upstream: content
 * events relayed since the start, over all workers.
 */
void pool_tick(struct pool *p, const uint64_t *events, uint64_t now_ns);

/*
 * Before the tick: signs has one entry per upstream, a counter that grows with whatever comes from
 * it (tokens, comments, pings, any bytes), over all workers.  A stream that shows them is not
 * silent.
 */
void pool_signs(struct pool *p, const uint64_t *signs);

/*
 * Before the tick: gaps has one entry per upstream, the time between content events of its streams
 * (ns, each by pace_gap_ns) since the start, over all workers.
 */
void pool_gaps(struct pool *p, const uint64_t *gaps);

/* When the queue's next entry expires (ns), so that waits end in time between ticks; 0 = empty. */
uint64_t pool_next_expiry(const struct pool *p);

/* Refuses what has waited too long; to be called when pool_next_expiry is reached. */
void pool_expire(struct pool *p, uint64_t now_ns);

/* Health checks (docs/decisions.md): `fall` failures in a row / one success while open. */
void pool_health_failed(struct pool *p, size_t upstream, uint64_t now_ns);
void pool_health_ok(struct pool *p, size_t upstream, uint64_t now_ns);
/* Did a first token or an event come from it in the last `within_ns`? */
bool pool_is_alive(const struct pool *p, size_t upstream, uint64_t within_ns, uint64_t now_ns);
/* Checks were taken out of the settings, and with them their verdict. */
void pool_health_off(struct pool *p, size_t upstream, uint64_t now_ns);

/* Operator commands.  Deadlines (absolute ns, 0 = none) lapse in the tick, with an event. */
enum pool_command {
    OPERATOR_BREAKER_OPEN,  /* until: forced open */
    OPERATOR_BREAKER_CLOSE, /* until: forced closed, trip rules off */
    OPERATOR_BREAKER_AUTO,  /* give back to the rules; half-open if it was forced open */
    OPERATOR_RAMP_START,    /* RAMPING at ramp.start from any state */
    OPERATOR_RAMP_HOLD,     /* freeze the share; until */
    OPERATOR_RAMP_RESUME,
    OPERATOR_RAMP_SET,      /* value = share 0.01..1; put and hold it; until */
    OPERATOR_RAMP_FINISH,   /* share 1 at once */
    OPERATOR_RAMP_ABORT,    /* back to OPEN */
    OPERATOR_DRAIN,         /* nothing new; what runs goes on */
    OPERATOR_UNDRAIN,       /* comes back by the ramp */
    OPERATOR_LIMIT_STREAMS, /* value = streams, 0 = give back; until */
};
/* WEIR_OK, or WEIR_BAD if the command makes no sense in this state (*why says so, static). */
enum weir_status pool_command(struct pool *p, size_t upstream, enum pool_command o, double value,
                              uint64_t until_ns, uint64_t now_ns, const char **why);

/*
 * The canary of the pool (decide/canary.h); one at a time.  most: its share at most, above 0 to 1.
 * WEIR_OK, or WEIR_BAD and why it makes no sense now (static).
 */
enum weir_status pool_canary_start(struct pool *p, size_t upstream, double most, uint64_t time_ns,
                                   uint64_t now_ns, const char **why);
/* By hand: promoted, or else rolled back. */
enum weir_status pool_canary_end(struct pool *p, size_t upstream, bool promote, uint64_t now_ns,
                                 const char **why);
/* The one that runs, or else the last one. */
void pool_canary_view(const struct pool *p, struct canary_view *v);

/* Overrides of modes (`mode POOL breaker observe`): -1 as configured, 0 observe, 1 enforce. */
enum pool_rule_set { SET_BREAKER, SET_LIMITER, SET_RAMP, SET_QUEUE, SET_COUNT };
void pool_set_mode(struct pool *p, enum pool_rule_set s, int mode);
bool pool_enforces(const struct pool *p, enum pool_rule_set s);

struct pool_view {
    double share; /* load-weighted mean over the upstreams */
    uint32_t queued;
    uint32_t queued_by_class[CLASS_COUNT];
    uint64_t oldest_ns;    /* arrival of the oldest waiting request, 0 = none */
    uint64_t last_shed_ns; /* when something was last refused for load, 0 = never */
    double admitted_per_s, retries_per_s, arrivals_per_s;
    uint64_t observed[SET_COUNT]; /* requests an observed rule would have delayed or refused */
    uint64_t observed_rule[RULE_COUNT]; /* the same by rule, those that went on */
    double expected_full_s;             /* as in upstream_view, the latest */
    enum rule user_rule; /* of users' limits, the one that refused somebody last, a moment ago */
    uint32_t limits_reached; /* counts that are at a limit, see quota_reached */
};
void pool_view(const struct pool *p, struct pool_view *v, uint64_t now_ns);
void pool_upstream_view(const struct pool *p, size_t upstream, struct upstream_view *v,
                        uint64_t now_ns);

/* Takes the oldest change of state not yet taken; false if there is none.  Holds 256. */
bool pool_next_event(struct pool *p, struct pool_event *ev);

#endif
