/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_QUOTA_H
#define WEIR_DECIDE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/words.h"
#include "weir/decide/settings.h"

/*
 * Quotas: how much of a pool a user, a model, a class may take in a minute and in a day, and how
 * much at once (docs/decisions.md, "Limits").  Pure, without memory of its own; in the daemon every
 * call here is made under the gate's lock, as part of the pool's.
 *
 * A request is counted under each rule that it matches, once under each: under a key of its own for
 * each user, or under one key for all whom the rule matches.  It is charged when it is let in, its
 * tokens as far as they can be guessed, and corrected when it ends (quota_settle) by what the
 * answer says it took.
 *
 * Minute and day slide.  A count is kept in parts of a thirtieth of the span, each as long as the
 * time between the first and the last of its charges, and leaves the span with its last one: in no
 * 60 s is more let through than the limit, and a steady flow gets at most a thirtieth less than the
 * limit.
 */

enum {
    QUOTA_MATCH_MAX = LIMITS_MEET_MAX + 1, /* with the one of all users */
    QUOTA_MODEL_MAX = 64,
    QUOTA_CLASS_ANY = -1,
};

const char *quota_limit_name(enum quota_limit l);
/* "tokens a minute" */
const char *quota_limit_words(enum quota_limit l);
enum quota_span quota_limit_span(enum quota_limit l);
/* The units that it is about, a bit each (1 << enum quota_unit); 0: requests at once. */
unsigned quota_limit_units(enum quota_limit l);
bool quota_limits_any(const struct quota_limits *l);
/* Do these of all users, or n_rules rules, limit anything?  Else nothing is counted. */
bool quota_is_needed(const struct quota_limits *users, size_t n_rules);

/* Whom a rule is about, and how much they may take. */
struct quota_rule {
    uint64_t id;   /* a hash of whom it is about: counts are kept under it over reloads; not 0 */
    uint64_t user; /* this one only; 0 = any */
    char model[QUOTA_MODEL_MAX]; /* not terminated */
    uint8_t model_len;           /* 0 = any, none included */
    bool model_begins;           /* whatever begins so */
    int class;                   /* enum request_class, or QUOTA_CLASS_ANY */
    bool shared;                 /* one count for all of them together, else one for each user */
    struct quota_limits limits;
};

/* --- one count that slides */

enum { QUOTA_PARTS = 32 };
struct quota_part {
    uint32_t first_ms, last_ms; /* of its charges; both wrap */
    uint32_t n[QUOTA_UNITS];
};
struct quota_window {
    struct quota_part part[QUOTA_PARTS];
    uint32_t newest; /* index */
};
#define QUOTA_MINUTE_MS UINT32_C(60000)
#define QUOTA_DAY_MS    UINT32_C(86400000)

void quota_window_sum(const struct quota_window *w, uint32_t span_ms, uint32_t now_ms,
                      uint64_t sum[QUOTA_UNITS]);
void quota_window_add(struct quota_window *w, uint32_t span_ms, const uint32_t n[QUOTA_UNITS],
                      uint32_t now_ms);
/* What was charged at at_ms was too much by n; what has left the span since is nobody's gain. */
void quota_window_take_back(struct quota_window *w, uint32_t span_ms, const uint32_t n[QUOTA_UNITS],
                            uint32_t at_ms, uint32_t now_ms);
/* Until the sum of the units in `bits` is at most `room`; 0 = it is. */
uint32_t quota_window_wait_ms(const struct quota_window *w, uint32_t span_ms, unsigned bits,
                              uint64_t room, uint32_t now_ms);

/* --- all counts of a pool */

struct quota;

/* Memory that one needs, aligned to 64; zeroed is ready, with no rules. */
size_t quota_bytes(void);

/*
 * Rules for what comes from now on; counts stay, also those of rules that are gone.  `users` is
 * what each user may take of the pool.  A rule that names a user, and neither model nor class,
 * takes its place for that user, limit by limit.  n <= LIMITS_MAX; copied.
 */
void quota_set_rules(struct quota *q, const struct quota_limits *users,
                     const struct quota_rule *rules, size_t n);
/* Is there any limit at all? */
bool quota_is_on(const struct quota *q);

/* Who asks, and for what. */
struct quota_asked {
    uint64_t user; /* keyed hash; 0 = nobody known: rules for each user do not hold */
    struct slice model;
    enum request_class class;
    uint64_t bytes; /* of the request's body */
    bool generates; /* else it is taken to need no tokens, until its answer says other */
    bool alone;     /* of a fleet: the store was asked in vain */
};

/* What a request was charged, to be kept until it ends. */
struct quota_hold {
    uint64_t key[QUOTA_MATCH_MAX]; /* 0: there was no room to count it */
    uint32_t at_ms;
    uint32_t bytes;          /* of the body, as far as they tell something */
    uint32_t prompt, output; /* tokens, guessed */
    uint8_t n;               /* keys; 0 = nothing is held */
};

/* The nearest limits of a request, as clients are told of them.  most 0: there is none. */
enum quota_told { QUOTA_TOLD_REQUESTS, QUOTA_TOLD_TOKENS, QUOTA_TOLD_PROMPT, QUOTA_TOLD_OUTPUT };
enum { QUOTA_TOLD_COUNT = QUOTA_TOLD_OUTPUT + 1 };
struct quota_left {
    uint64_t most, left;
    uint32_t reset_ms; /* until all that counts has slid out */
};

/* Why a request is not let in. */
struct quota_refusal {
    uint64_t key; /* of the count */
    uint64_t used, most;
    uint32_t wait_ms; /* until this request fits, if nothing else comes; 0 = not known */
    uint8_t rule;     /* 0 = users, else that of the list, from 1 */
    uint8_t limit;    /* enum quota_limit */
    bool asks;        /* nothing refuses it; the store of the fleet is to be asked first */
};

/* All of one request, for whom its limits matter. */
struct quota_request {
    struct slice model;      /* in: as the body names it; borrowed while it is asked */
    struct quota_refusal no; /* most 0: no limit refused it */
    bool alone;              /* the pool's: as in quota_asked */
    struct quota_left left[QUOTA_TOLD_COUNT];
    struct quota_hold held;
};

/*
 * May it be let in?  True: it is charged under all its keys and *hold says what.  False: nothing is
 * charged and *no says why, of several limits the one that takes longest.  `left` (of
 * QUOTA_TOLD_COUNT) is as it is after the charge, or as it is.
 *
 * A request that needs more than a limit by itself is let in when nothing else counts under it.
 *
 * This is the one place that decides from a count: this node's own windows, or in a fleet what all
 * nodes have told the store (decide/quota_fleet.h).  False with no->asks: it is neither let in nor
 * refused, and asked again when the store has answered.
 */
bool quota_ask(struct quota *q, const struct quota_asked *a, uint64_t now_ns,
               struct quota_hold *hold, struct quota_refusal *no,
               struct quota_left left[QUOTA_TOLD_COUNT]);

/* When one that was refused may come again, those of a count each in its turn; absolute, never
 * before its wait is over. */
uint64_t quota_turn_ns(struct quota *q, const struct quota_refusal *no, uint64_t now_ns);

/* It was not sent after all: everything is given back. */
void quota_undo(struct quota *q, struct quota_hold *hold, uint64_t now_ns);

/* What a request took.  Not known: the guess stays. */
struct quota_usage {
    uint32_t prompt, output;
    bool knows_prompt, knows_output;
};
/* It is over; the guess is corrected, and learnt from. */
void quota_settle(struct quota *q, struct quota_hold *hold, const struct quota_usage *u,
                  uint64_t now_ns);

/* --- looking */

/* One count: a user under a rule, or a rule that is shared. */
struct quota_view {
    uint64_t user; /* 0: all whom the rule matches */
    uint8_t rule;  /* as in quota_refusal */
    uint32_t streams;
    uint64_t minute[QUOTA_UNITS], day[QUOTA_UNITS];
    struct quota_limits limits; /* that hold for it */
    double fullest;             /* 0..: the largest part of a limit that is used */
    bool of_fleet;              /* streams and sums are of all nodes, as the store last said */
    uint64_t seen_ns;
};
enum { QUOTA_SLOTS = 8192 };
/* The count at *at or behind it, *at < QUOTA_SLOTS, that has something in the day and a rule in
 * force; *at is put behind it.  False: none up to `end`. */
bool quota_next_view(const struct quota *q, size_t *at, size_t end, uint64_t now_ns,
                     struct quota_view *v);
/* Counts that were dropped for newer ones while something was in them, since the start. */
uint64_t quota_evicted(const struct quota *q);

/* --- who is at a limit */

/* A count at which something was refused is at its limit until nothing was for so long. */
#define QUOTA_REACHED_S 60
/* What *no says was refused. */
void quota_note_refused(struct quota *q, const struct quota_refusal *no, uint64_t now_ns);
/* Counts that are at a limit now, exactly. */
uint32_t quota_reached(const struct quota *q, uint64_t now_ns);

/*
 * What is told of them: however many come and go, QUOTA_TOLD_AT_ONCE of a pool by name at once, of
 * new ones one each ten seconds after the first few, and of the others a sum each minute.
 */
enum { QUOTA_TOLD_AT_ONCE = 16 };
enum quota_event_kind {
    QUOTA_BEGINS, /* a count has reached a limit */
    QUOTA_ENDS,   /* nothing was refused there for QUOTA_REACHED_S, or the limit is no more */
    QUOTA_OTHERS, /* others have, that are not told of by name */
};
struct quota_event {
    enum quota_event_kind news;
    uint64_t user;            /* 0: the limit is shared */
    struct quota_refusal no;  /* the first one; of QUOTA_ENDS its rule as it is now */
    uint64_t refused, for_ns; /* of QUOTA_ENDS: how many, from the first to the last */
    bool in_force;            /* of QUOTA_ENDS: the limit still is */
    uint32_t others, all;     /* of QUOTA_OTHERS: since the last time; at a limit now */
};
/* False: nothing new.  To be asked about once a second. */
bool quota_next_event(struct quota *q, struct quota_event *ev, uint64_t now_ns);

#endif
