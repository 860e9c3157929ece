/* SPDX-License-Identifier: Apache-2.0 */
/* A request and the limits it comes under: charged at the door, settled when it ends. */
#include "weir/base/assert.h"
#include "weir/decide/appoint.h"
#include "weir/decide/pool_priv.h"

/* A minute and a second: what slides out in that time is worth waiting for. */
#define SHORT_MS 61000u

void pool_set_limits(struct pool *p, struct quota *q, const struct quota_rule *rules, size_t n)
{
    WEIR_ASSERT(p->quota == NULL || p->quota == q);
    p->quota = q;
    quota_set_rules(q, &p->conf->users.limits, rules, n);
}

const struct quota *pool_quota(const struct pool *p)
{
    return p->quota;
}

bool pool_next_limit_event(struct pool *p, struct quota_event *ev, uint64_t now_ns)
{
    return p->quota != NULL && quota_next_event(p->quota, ev, now_ns);
}

static enum rule rule_of(const struct quota_refusal *no)
{
    if (no->rule > 0)
        return RULE_LIMIT;
    switch ((enum quota_limit)no->limit) {
    case QUOTA_MAX_STREAMS:
        return RULE_USER_STREAMS;
    case QUOTA_REQUESTS_MINUTE:
    case QUOTA_REQUESTS_DAY:
        return RULE_USER_RATE;
    case QUOTA_TOKENS_MINUTE:
    case QUOTA_PROMPT_MINUTE:
    case QUOTA_OUTPUT_MINUTE:
    case QUOTA_TOKENS_DAY:
    case QUOTA_PROMPT_DAY:
    case QUOTA_OUTPUT_DAY:
        return RULE_USER_TOKENS;
    }
    WEIR_UNREACHABLE("limit");
}

struct quota_asked pool_asked(const struct pool_request *r)
{
    return (struct quota_asked){.user = r->user,
                                .model = r->quota->model,
                                .class = r->class,
                                .bytes = r->bytes,
                                .generates = r->kind == KIND_GENERATION,
                                .alone = r->quota->alone};
}

enum rule pool_charge(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    struct quota_request *q = r->quota;
    struct quota_asked a;

    q->no.asks = false;
    if (p->quota == NULL || !quota_is_on(p->quota))
        return RULE_NONE;
    a = pool_asked(r);
    if (quota_ask(p->quota, &a, now_ns, &q->held, &q->no, q->left) || q->no.asks)
        return RULE_NONE;
    return rule_of(&q->no);
}

void pool_settle(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                 uint64_t now_ns)
{
    if (r->quota == NULL || r->quota->held.n == 0)
        return;
    if (rep == NULL)
        quota_undo(p->quota, &r->quota->held, now_ns);
    else
        quota_settle(p->quota, &r->quota->held, &rep->usage, now_ns);
}

uint32_t pool_appoint_limited(struct pool *p, const struct quota_refusal *no, bool *lasts,
                              uint64_t now_ns)
{
    uint64_t turn_ns = quota_turn_ns(p->quota, no, now_ns);

    *lasts = no->wait_ms > SHORT_MS;
    if (*lasts)
        return appoint_late(&p->random);
    return appoint_after(&p->random, turn_ns, now_ns + no->wait_ms * NS_PER_MS, now_ns);
}
