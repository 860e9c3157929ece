/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_QUOTA_PRIV_H
#define WEIR_DECIDE_QUOTA_PRIV_H

/* The inside of a pool's quotas. */

#include "weir/base/clock.h"
#include "weir/decide/quota.h"

enum { QUOTA_GROUP = 8 };

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

/* quota_rules.c */
/* The rule of this id, 0 that of all users; -1: it is in force no more. */
int quota_rule_of(const struct quota *q, uint64_t id);
unsigned quota_limit_bits(enum quota_limit l);
/* enum quota_told, or -1: clients are told of it by no number. */
int quota_limit_told(enum quota_limit l);
uint64_t quota_sum(const uint64_t n[QUOTA_UNITS], unsigned bits);
bool quota_rule_is_own(const struct quota_rule *r);
bool quota_rule_matches(const struct quota_rule *r, const struct quota_asked *a);
/* What `users` is for this user. */
struct quota_limits quota_limits_of(const struct quota *q, uint64_t user);
uint64_t quota_key(const struct quota_rule *r, uint64_t user);

#endif
