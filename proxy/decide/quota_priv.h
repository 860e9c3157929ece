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
    uint32_t streams;       /* requests that hold it */
    bool pinned;            /* while a request is decided that comes under it */
    float per_byte, output; /* prompt tokens a byte, output tokens a request, as learnt */
    struct quota_window minute, day;
};

struct quota {
    bool on, by_day; /* there is a limit, there is one on a day */
    size_t n_rules;  /* beside that of all users */
    struct quota_rule rule[1 + LIMITS_MAX];
    float per_byte, output; /* of all, for whom nothing is known of; output 0: not begun */
    uint64_t evicted;
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

/* quota_rules.c */
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
