/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_QUOTA_PRIV_H
#define WEIR_DECIDE_QUOTA_PRIV_H

/* The inside of a pool's quotas. */

#include "weir/base/clock.h"
#include "weir/decide/quota.h"
#include "weir/decide/quota_fleet.h"

enum { QUOTA_GROUP = 8 };

/* Of one count: what the store of a fleet said of it, and what it was not told yet. */
struct quota_shared {
    int64_t owed[QUOTA_DEBTS], sent[QUOTA_DEBTS]; /* sent: in the call under way, or unsure */
    bool unsure;                                  /* a call got no answer */
    bool owes, in_ring, in_call;
    bool known, hot;
    uint64_t told_ns, answered_ns;
    uint32_t told_streams;
    struct quota_answer said;
    uint64_t full_ns;              /* refused until then ... */
    uint32_t full[QUOTA_UNITS];    /* ... what needs as much as this */
    uint32_t granted[QUOTA_UNITS]; /* that nobody has taken yet */
    uint32_t waiting;              /* of the call that is made */
    uint64_t need[QUOTA_UNITS], first[QUOTA_UNITS];
};

/* One count. */
struct quota_slot {
    uint64_t key;     /* 0: free */
    uint64_t user;    /* 0: shared */
    uint64_t rule_id; /* of the rule that was counted last */
    uint64_t seen_ns;
    uint64_t turn_ns;       /* when the last one that was refused was told to come */
    uint64_t reached_s;     /* when something was refused here last, see quota_second; 0 = never */
    uint32_t streams;       /* requests that hold it */
    uint8_t told;           /* one more than its place among those told of by name; 0 = none */
    bool pinned;            /* while a request is decided that comes under it */
    float per_byte, output; /* prompt tokens a byte, output tokens a request, as learnt */
    struct quota_window minute, day;
    struct quota_shared shared;
};

/* One count that a request comes under. */
struct quota_match {
    struct quota_slot *slot; /* NULL: there is no room to count it */
    uint64_t key;
    uint8_t rule;
    struct quota_limits limits;
};

enum { QUOTA_HOT = 1024, QUOTA_HOT_GROUP = 4 };
struct quota_fleet {
    enum quota_mode mode;
    uint32_t nodes;   /* 1.. */
    uint64_t asks_ns; /* since when the store answers: what it said before is old */
    uint64_t pool;
    size_t sweep;
    uint32_t first, n; /* of ring: counts that owe something, the longest first */
    uint16_t ring[QUOTA_SLOTS];
    size_t n_call;
    uint16_t call[QUOTA_NEWS_MAX]; /* counts of the call under way */
    struct {
        uint64_t id, at_ns;
    } hot[QUOTA_HOT];
};

/* A count whose limit was told of by name (quota_reached.c). */
struct quota_named {
    uint64_t key; /* 0: free */
    bool begun;   /* that it begins was told */
    uint64_t user, rule_id, refused, first_ns, last_ns;
    struct quota_refusal no;
};

/* Who is at a limit: counts by the second in which something was refused there last. */
struct quota_reach {
    uint64_t second; /* of the newest */
    uint32_t n[QUOTA_REACHED_S];
    struct quota_named named[QUOTA_TOLD_AT_ONCE];
    uint64_t paid_ns;   /* names are told of as time has paid for them, up to here */
    uint32_t others;    /* that began unnamed */
    uint64_t others_ns; /* when that was told last; 0 = never */
};

struct quota {
    bool on, by_day; /* there is a limit, there is one on a day */
    size_t n_rules;  /* beside that of all users */
    struct quota_rule rule[1 + LIMITS_MAX];
    float per_byte, output; /* of all, for whom nothing is known of; output 0: not begun */
    uint64_t evicted;
    struct quota_reach reach;
    struct quota_fleet fleet;
    struct quota_slot slot[QUOTA_SLOTS];
};

#define QUOTA_USERS_ID UINT64_C(0x75736572732e2e2e) /* of the rule of all users */

/* Guesses until something is known: four bytes of JSON a token, and a short answer. */
#define QUOTA_PER_BYTE     0.25F
#define QUOTA_PER_BYTE_MAX 4.0
#define QUOTA_OUTPUT_GUESS 256.0F
#define QUOTA_LEARN        0.125
enum {
    QUOTA_BYTES_MAX = 128 * 1024, /* a longer body is likely a picture, and says nothing */
    QUOTA_GUESS_MAX = 1000 * 1000,
};

/* What nobody has come for in a day is forgotten, and neither shown nor handed over. */
#define QUOTA_FORGET_NS (QUOTA_DAY_MS * NS_PER_MS)

/* The clock of the parts; it wraps after 49 days. */
static inline uint32_t quota_ms(uint64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS);
}

_Static_assert(QUOTA_UNITS == 3, "quota_part_is_empty looks at three");
static inline bool quota_part_is_empty(const struct quota_part *p)
{
    return (p->n[0] | p->n[1] | p->n[2]) == 0;
}

/* quota.c: the one of this key, made where there is none; NULL: there is no room */
struct quota_slot *quota_slot_for(struct quota *q, uint64_t key, uint64_t now_ns);

/* quota.c: the one of this key; NULL: there is none */
struct quota_slot *quota_slot_find(struct quota *q, uint64_t key);

/* quota_reached.c: the count is given to another one */
void quota_reach_forget(struct quota *q, const struct quota_slot *s);

/* All that a request comes under, pinned; unpinned by the other. */
size_t quota_match(struct quota *q, const struct quota_asked *a, uint64_t now_ns,
                   struct quota_match m[QUOTA_MATCH_MAX]);
void quota_unmatch(struct quota_match *m, size_t n);
/* What it is likely to take: hold->bytes, prompt, output. */
void quota_guess(const struct quota *q, const struct quota_match *m, size_t n,
                 const struct quota_asked *a, struct quota_hold *h);

/* How much is used and may be used under one limit. */
struct quota_room {
    uint64_t used, most;
    const struct quota_window *window; /* NULL: none, or it is not this node's to say */
    uint32_t span_ms, reset_ms;        /* reset_ms: where there is no window */
};

/* quota_fleet.c: in the modes of a fleet */
enum quota_says { QUOTA_SAYS_YES, QUOTA_SAYS_NO, QUOTA_SAYS_ASK };
/* By what the store has said.  No: *no says why, unless it holds a longer wait already. */
enum quota_says quota_fleet_says(const struct quota *q, const struct quota_match *m,
                                 const struct quota_hold *h, struct quota_refusal *no,
                                 uint64_t now_ns);
/* The figures of the store, where it said something; false: it did not. */
bool quota_fleet_room(const struct quota *q, const struct quota_slot *s, enum quota_limit l,
                      uint64_t now_ns, struct quota_room *r);
/* The same for all that is shown. */
bool quota_fleet_sums(const struct quota *q, const struct quota_slot *s, uint64_t now_ns,
                      struct quota_view *v);
/* A request was let in; asked: by what the store said. */
void quota_fleet_charge(struct quota *q, const struct quota_match *m, const struct quota_hold *h,
                        bool asked);
/* What was charged at at_ms was n too little (or too much); whole: it was not sent at all. */
void quota_fleet_correct(struct quota *q, struct quota_slot *s, const int64_t n[QUOTA_UNITS],
                         bool whole, uint32_t at_ms, uint32_t now_ms);
/* What it needs of each unit, no more of any than a limit gives; the rest is charged besides. */
void quota_fleet_need(const struct quota_limits *limits, const struct quota_hold *h,
                      uint64_t need[QUOTA_UNITS]);
/* The store is to be told of n more; of 0: how many streams there are. */
void quota_fleet_owe(struct quota *q, struct quota_slot *s, enum quota_debt d, int unit, int64_t n);
/* A stream has ended. */
void quota_fleet_freed(struct quota *q, struct quota_slot *s);
/* The number of the count for all nodes; not 0. */
uint64_t quota_fleet_id(const struct quota *q, uint64_t key);
/* Of a limit, while the store is silent. */
static inline uint64_t quota_part_of(const struct quota *q, uint64_t most)
{
    return most == 0 || most / q->fleet.nodes > 0 ? most / q->fleet.nodes : 1;
}

/* quota_rules.c */
/* The rule of this id, 0 that of all users; -1: it is in force no more. */
int quota_rule_of(const struct quota *q, uint64_t id);
/* enum quota_told, or -1: clients are told of it by no number. */
int quota_limit_told(enum quota_limit l);
uint64_t quota_sum(const uint64_t n[QUOTA_UNITS], unsigned bits);
bool quota_rule_is_own(const struct quota_rule *r);
bool quota_rule_matches(const struct quota_rule *r, const struct quota_asked *a);
/* What `users` is for this user. */
struct quota_limits quota_limits_of(const struct quota *q, uint64_t user);
uint64_t quota_key(const struct quota_rule *r, uint64_t user);

#endif
