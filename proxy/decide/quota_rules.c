/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of quotas: their words, whom they match, which hold together. */
#include <string.h>

#include "quota_priv.h"
#include "weir/base/assert.h"

static const struct {
    const char *name, *words;
    enum quota_span span;
    unsigned bits;
} limits[QUOTA_LIMITS] = {
#define ROW(e, name, span, bits, words) [e] = {name, words, span, bits},
    WEIR_QUOTA_LIMITS(ROW)
#undef ROW
};

const char *quota_limit_name(enum quota_limit l)
{
    WEIR_ASSERT((unsigned)l < QUOTA_LIMITS);
    return limits[l].name;
}

const char *quota_limit_words(enum quota_limit l)
{
    WEIR_ASSERT((unsigned)l < QUOTA_LIMITS);
    return limits[l].words;
}

enum quota_span quota_limit_span(enum quota_limit l)
{
    return limits[l].span;
}

unsigned quota_limit_units(enum quota_limit l)
{
    return limits[l].bits;
}

int quota_limit_told(enum quota_limit l)
{
    switch (limits[l].bits) {
    case 1 << QUOTA_REQUESTS:
        return QUOTA_TOLD_REQUESTS;
    case 1 << QUOTA_PROMPT | 1 << QUOTA_OUTPUT:
        return QUOTA_TOLD_TOKENS;
    case 1 << QUOTA_PROMPT:
        return QUOTA_TOLD_PROMPT;
    case 1 << QUOTA_OUTPUT:
        return QUOTA_TOLD_OUTPUT;
    default:
        return -1;
    }
}

bool quota_limits_any(const struct quota_limits *l)
{
    uint64_t any = 0;

    for (int i = 0; i < QUOTA_LIMITS; i++)
        any |= l->most[i];
    return any != 0;
}

bool quota_is_needed(const struct quota_limits *users, size_t n_rules)
{
    return n_rules > 0 || quota_limits_any(users);
}

uint64_t quota_sum(const uint64_t n[QUOTA_UNITS], unsigned bits)
{
    uint64_t sum = 0;

    for (unsigned u = 0; u < QUOTA_UNITS; u++)
        sum += (bits >> u & 1) != 0 ? n[u] : 0;
    return sum;
}

bool quota_rule_is_own(const struct quota_rule *r)
{
    return r->user != 0 && r->model_len == 0 && r->class == QUOTA_CLASS_ANY;
}

/* Of whoever is named so, begins `r` the name, or is it all of it? */
static bool names_model(const struct quota_rule *r, struct slice model)
{
    if (r->model_len == 0)
        return true;
    return (r->model_begins ? model.len >= r->model_len : model.len == r->model_len) &&
           memcmp(r->model, model.p, r->model_len) == 0;
}

bool quota_rule_matches(const struct quota_rule *r, const struct quota_asked *a)
{
    return (r->user == 0 || r->user == a->user) && (r->shared || a->user != 0) &&
           (r->class == QUOTA_CLASS_ANY || r->class == (int)a->class) && names_model(r, a->model);
}

struct quota_limits quota_limits_of(const struct quota *q, uint64_t user)
{
    struct quota_limits l = q->rule[0].limits;

    for (size_t i = 1; i <= q->n_rules && user != 0; i++) {
        if (q->rule[i].user != user || !quota_rule_is_own(&q->rule[i]))
            continue;
        for (int k = 0; k < QUOTA_LIMITS; k++)
            if (q->rule[i].limits.most[k] != 0)
                l.most[k] = q->rule[i].limits.most[k];
    }
    return l;
}

uint64_t quota_key(const struct quota_rule *r, uint64_t user)
{
    uint64_t key = r->id ^ (r->shared ? 0 : user * UINT64_C(0x9e3779b97f4a7c15));

    return key == 0 ? 1 : key;
}

int quota_rule_of(const struct quota *q, uint64_t id)
{
    for (size_t i = 0; i <= q->n_rules; i++)
        if (q->rule[i].id == id)
            return (int)i;
    return -1;
}

void quota_set_rules(struct quota *q, const struct quota_limits *users,
                     const struct quota_rule *rules, size_t n)
{
    WEIR_ASSERT(n <= LIMITS_MAX);
    q->rule[0] =
        (struct quota_rule){.id = QUOTA_USERS_ID, .class = QUOTA_CLASS_ANY, .limits = *users};
    if (n > 0)
        memcpy(&q->rule[1], rules, n * sizeof *rules);
    q->n_rules = n;
    q->on = q->by_day = false;
    for (size_t i = 0; i <= n; i++)
        for (int k = 0; k < QUOTA_LIMITS; k++) {
            bool is_set = q->rule[i].limits.most[k] != 0;

            q->on |= is_set;
            q->by_day |= is_set && limits[k].span == QUOTA_DAY;
        }
    if (q->output > 0)
        return;
    q->per_byte = QUOTA_PER_BYTE;
    q->output = QUOTA_OUTPUT_GUESS;
}
