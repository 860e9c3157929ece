/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BREAKER_H
#define WEIR_DECIDE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/events.h"
#include "weir/decide/kinds.h"
#include "weir/decide/num.h"
#include "weir/decide/pool.h"
#include "weir/decide/ramp.h"
#include "weir/decide/settings.h"
#include "weir/decide/suspects.h"
#include "weir/decide/window.h"

/*
 * Is this upstream fit to get requests?  States, the rules that trip, waiting, probes, and the way
 * back by the ramp (docs/decisions.md, "The breaker").  Slowness alone never trips it; it never
 * cuts what runs.
 */

enum {
    BREAKER_BLAMED_MAX = 16,
    BREAKER_GONE_MAX = 16,
    BREAKER_PARTS = 2, /* generation, and all else */
};

/* A user whose 500s count once in a row. */
struct breaker_blamed {
    uint64_t who;
    uint64_t first_ns; /* of the 500s without a good answer to this user between */
    uint32_t row;      /* the row in which the last one was counted */
};

/* A user who left without a first token. */
struct breaker_gone {
    uint64_t who;
    uint64_t at_ns;
};

struct breaker {
    enum breaker_state state;
    char cause[BREAKER_CAUSE_MAX];
    uint64_t since_ns, until_ns; /* until: end of OPEN, 0 = not known */
    uint32_t generation;  /* how often it went OPEN; evidence of an earlier generation is stale */
    uint32_t trips;       /* without a quiet minute between them; doubles the wait */
    struct window window; /* of all kinds: what is shown */
    struct window part[BREAKER_PARTS];        /* what is judged */
    struct suspects suspects[BREAKER_PARTS];  /* whose 500s are in it */
    uint32_t failed_in_row, cut_in_row;       /* whatever the kind; any answer ends them */
    uint32_t failed_of[KINDS], cut_of[KINDS]; /* of one kind; only its own answers do */
    uint32_t row;                             /* counts the rows of failures */
    uint8_t row_kinds;                        /* kinds in failed_in_row, a bit each */
    uint8_t probe_kinds;                      /* what tripped it, and so what may close it */
    uint64_t probe_kind_ns;                   /* when one of those was last asked for */
    uint64_t ok_ns[BREAKER_PARTS];            /* last good first token or head; 0 = never */
    struct breaker_blamed blamed[BREAKER_BLAMED_MAX];
    struct breaker_gone gone[BREAKER_GONE_MAX];
    uint64_t probe_who, probe_who_ns; /* the first user of this HALF_OPEN whose probe got a 500 */
    bool probe_others;                /* others were sent since then */
    uint64_t content_ns;              /* when content last flowed, of whatever request */
    uint32_t probes, good;            /* HALF_OPEN: places given, good answers */
    struct ramp ramp;
    double known_good;               /* requests in flight while CLOSED, 10 s mean */
    bool forced_open, forced_closed; /* by operator command */
    bool by_hand;                    /* an operator put it into this state */
    bool health_bad;
    bool vouched;    /* checks have passed since it went OPEN */
    bool began_ramp; /* the limiter should begin anew */
    struct event_ring *events;
    struct random *random;
    int index;
};

struct breaker_rules {
    const struct breaker_conf *breaker;
    const struct ramp_conf *ramp;
    uint64_t now_ns;
};

/* events and random are borrowed, the pool's; index names the upstream in events. */
void breaker_init(struct breaker *b, const struct breaker_rules *c, struct event_ring *events,
                  struct random *random, int index);

/* New settings: a window of another length begins empty. */
void breaker_set_conf(struct breaker *b, const struct breaker_rules *c);

/*
 * RULE_ROOM (CLOSED; RAMPING with a share left), RULE_PROBE (a half-open breaker's place is free),
 * or why not: RULE_BREAKER_OPEN, RULE_HALF_OPEN, RULE_RAMP, RULE_DRAINED.  A half-open one asks
 * requests of the kind that tripped it; when none came for 30 s, any.  A user whose probe got a 500
 * is not asked again for 2 s: another one shall tell whether it is the upstream (who: 0 = nobody
 * known).
 */
enum rule breaker_ask(struct breaker *b, const struct breaker_rules *c, uint32_t inflight,
                      uint8_t kind, uint64_t who);
/* It is half open and a place is free, for whichever kind. */
bool breaker_has_place(const struct breaker *b, const struct breaker_rules *c);

/* Evidence.  generation is the breaker's when the request was sent. */
struct evidence {
    uint32_t generation;
    bool probe;
    bool overdue; /* a probe whose place was given back at its deadline */
    uint8_t kind; /* decide/kinds.h */
    uint64_t who; /* 0 = nobody known */
    uint64_t sent_ns;
    bool others_well; /* another user was well here lately, or since this one's 500s began */
};
void breaker_probe_sent(struct breaker *b, const struct breaker_rules *c, uint8_t kind,
                        uint64_t who);
/* First content.  UNJUDGED: a whole answer among streams, whose time says nothing. */
enum lateness { ON_TIME, LATE_NOW, LATE_BEFORE, UNJUDGED };
void breaker_first(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                   enum lateness l);
/* No first content at its deadline. */
void breaker_late(struct breaker *b, const struct breaker_rules *c, const struct evidence *e);
/* Before any content.  own: a 500, which counts once a user while others are well. */
void breaker_failed(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                    enum outcome o, bool own);
/*
 * A 500 for a user who had one before and no good answer since while others were well here, or most
 * of whose requests fail so and those of others do not: the user's own, and no evidence.
 */
bool breaker_is_own_fault(struct breaker *b, const struct breaker_rules *c,
                          const struct evidence *e);
/* When this user's 500s without a good answer between began; now, if there are none. */
uint64_t breaker_blamed_since(const struct breaker *b, uint64_t who, uint64_t now_ns);
/* The client left without a first token, late: a failure once a user and window, if a second user
 * did so within the window and nobody got a first token since this one was sent. */
void breaker_abandoned(struct breaker *b, const struct breaker_rules *c, const struct evidence *e);
/* After content: its ok is taken back. */
void breaker_cut(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                 enum outcome o);
/* shut: it concerns everybody who was well. */
void breaker_refused(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                     bool after_content, bool shut);
/* An error of the client's own: only the choice among peers looks at it. */
void breaker_client_error(struct breaker *b, const struct breaker_rules *c,
                          const struct evidence *e);
void breaker_clean_end(struct breaker *b, const struct evidence *e);
void breaker_neutral(struct breaker *b, const struct breaker_rules *c);
/* A probe ended and showed nothing, or its deadline passed: its place is free. */
void breaker_probe_back(struct breaker *b, const struct evidence *e);

struct breaker_input {
    uint32_t inflight, streams;
    bool silent; /* no event for `silence`, and nothing that may still be in prefill */
    uint64_t elapsed_ns;
    uint64_t content_ns; /* when content last flowed; 0 = never */
};
void breaker_tick(struct breaker *b, const struct breaker_rules *c, const struct breaker_input *in);

void breaker_health_failed(struct breaker *b, const struct breaker_rules *c);
void breaker_health_ok(struct breaker *b, const struct breaker_rules *c);
/* There are no checks any more: what they had shown is nobody's verdict. */
void breaker_health_off(struct breaker *b, const struct breaker_rules *c);

/* Operator commands on the state; see pool_command.  Cause of the events: `cause`. */
void breaker_force_open(struct breaker *b, const struct breaker_rules *c, uint64_t until_ns);
void breaker_force_closed(struct breaker *b, const struct breaker_rules *c);
void breaker_give_back(struct breaker *b, const struct breaker_rules *c, const char *cause);
void breaker_ramp_from(struct breaker *b, const struct breaker_rules *c, double share,
                       const char *cause);
void breaker_undrain(struct breaker *b, const struct breaker_rules *c, const char *cause);
void breaker_finish(struct breaker *b, const struct breaker_rules *c);
void breaker_abort(struct breaker *b, const struct breaker_rules *c);
void breaker_drain(struct breaker *b, const struct breaker_rules *c, const char *cause);
/* CLOSED, from whichever state: something else bounds what it gets. */
void breaker_take_in(struct breaker *b, const struct breaker_rules *c, const char *cause);
/* Something an operator set has ended by itself and the state stays. */
void breaker_say(struct breaker *b, const struct breaker_rules *c, const char *cause);

/* Of CLOSED and RAMPING: requests go there that are no probes. */
static inline bool breaker_lets_through(enum breaker_state s)
{
    return s == BREAKER_CLOSED || s == BREAKER_RAMPING;
}

/* 0 (OPEN, HALF_OPEN, DRAINED) to 1 (CLOSED). */
double breaker_share(const struct breaker *b);

/* The window that a kind is judged by. */
static inline const struct window *breaker_part(const struct breaker *b, uint8_t kind)
{
    return &b->part[kind != KIND_GENERATION];
}

#endif
