/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor looks for in a pool.  Pure. */
#include <stdio.h>

#include "doctor/doctor.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

enum { VOTED_LEAST = 200, HOUR_LEAST = 50 };

/* One user has (voted + lead) / 2 of the requests, at least. */
bool doctor_identity(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_pool *p = n->pool;
    bool is_fair = p->fair_share < 1 || p->limits_users;
    double share;

    if (!is_fair || p->voted < VOTED_LEAST)
        return false;
    share = ((double)p->voted + p->lead) / 2 / p->voted;
    if (share < 0.95)
        return false;
    SEEN(f, "%.0f %% of the last %u requests are one user's", 100 * share, p->voted);
    ACT(f,
        "name what tells users apart in identity.header or identity.cookie, list proxies before "
        "weir in trusted; or set users.fair_share = 1 if it is one user%s",
        p->limits_users ? ", and give it numbers of its own in limits: what users may is what all "
                          "of them together may"
                        : "");
    return true;
}

/* A tenth and more is refused for want of room. */
bool doctor_demand(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_pool *p = n->pool;
    uint64_t all = p->admitted_minute + p->refused_minute;

    if (p->refused_minute < 10 || p->refused_minute * 10 < all)
        return false;
    SEEN(f, "%llu of %llu requests of the last minute were refused for want of room",
         (unsigned long long)p->refused_minute, (unsigned long long)all);
    ACT(f, "add upstreams; or see with weirctl upstreams which limit holds them");
    return true;
}

bool doctor_observe(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_pool *p = n->pool;
    char span[HUMAN_MAX];

    if (p->hour_requests < HOUR_LEAST || p->hour_would * 20 < p->hour_requests)
        return false;
    SEEN(f,
         "%s would have refused or delayed %llu of %llu requests in the last %s, most of them "
         "by %s",
         p->would_set, (unsigned long long)p->hour_would, (unsigned long long)p->hour_requests,
         human_duration(span, p->hour_s * NS_PER_S), p->would_rule);
    ACT(f,
        "look at such requests with weirctl why, then set %s.mode = \"enforce\", or try: "
        "weirctl mode %s %s enforce for 10m",
        p->would_set, p->name, p->would_set);
    return true;
}
