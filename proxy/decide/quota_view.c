/* SPDX-License-Identifier: Apache-2.0 */
/* Counts as they are shown to an operator. */
#include "quota_priv.h"
#include "weir/base/assert.h"
#include "weir/decide/num.h"

static uint64_t used_of(const struct quota_view *v, enum quota_limit l)
{
    switch (quota_limit_span(l)) {
    case QUOTA_AT_ONCE:
        return v->streams;
    case QUOTA_MINUTE:
        return quota_sum(v->minute, quota_limit_units(l));
    case QUOTA_DAY:
        return quota_sum(v->day, quota_limit_units(l));
    }
    WEIR_UNREACHABLE("span");
}

static double fullest(const struct quota_view *v)
{
    double most = 0;

    for (int l = 0; l < QUOTA_LIMITS; l++)
        if (v->limits.most[l] != 0)
            most =
                num_max(most, (double)used_of(v, (enum quota_limit)l) / (double)v->limits.most[l]);
    return most;
}

static bool view(const struct quota *q, const struct quota_slot *s, uint64_t now_ns,
                 struct quota_view *v)
{
    int rule = quota_rule_of(q, s->rule_id);
    uint32_t now_ms;

    if (s->key == 0 || rule < 0 || now_ns > s->seen_ns + QUOTA_FORGET_NS)
        return false;
    now_ns = s->seen_ns > now_ns ? s->seen_ns : now_ns; /* a worker's clock may be ahead */
    now_ms = quota_ms(now_ns);
    *v = (struct quota_view){.user = s->user,
                             .rule = (uint8_t)rule,
                             .streams = s->streams,
                             .seen_ns = s->seen_ns,
                             .limits =
                                 rule == 0 ? quota_limits_of(q, s->user) : q->rule[rule].limits};
    quota_window_sum(&s->minute, QUOTA_MINUTE_MS, now_ms, v->minute);
    quota_window_sum(&s->day, QUOTA_DAY_MS, now_ms, v->day);
    v->of_fleet = quota_fleet_sums(q, s, now_ns, v);
    v->fullest = fullest(v);
    return v->streams > 0 || v->day[QUOTA_REQUESTS] > 0;
}

bool quota_next_view(const struct quota *q, size_t *at, size_t end, uint64_t now_ns,
                     struct quota_view *v)
{
    WEIR_ASSERT(end <= QUOTA_SLOTS);
    while (*at < end)
        if (view(q, &q->slot[(*at)++], now_ns, v))
            return true;
    return false;
}
