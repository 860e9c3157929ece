/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of a pool that other nodes know, or have given: told, asked for, and what they change. */
#include "weir/decide/pool_leases.h"

#include "weir/decide/pool_priv.h"

void pool_leases_attach(struct pool *p, struct lease_share *s)
{
    p->lease_share = s;
}

void pool_lease_renew(struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    if (r->user == 0 || p->conf->lease_ns == 0)
        return;
    lease_renew(&p->leases, r->user, now_ns + p->conf->lease_ns);
    if (p->lease_share != NULL)
        lease_share_given(p->lease_share, r->user, p->conf->lease_ns, now_ns);
}

/* Of these classes who has a lease comes before who has none. */
static bool heeds_leases(const struct pool_request *r)
{
    return r->class == CLASS_PAID || r->class == CLASS_INTERACTIVE;
}

void pool_lease_waits(struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    if (p->lease_share != NULL && p->conf->lease_ns > 0 && heeds_leases(r) &&
        !lease_is_in_force(&p->leases, r->user, now_ns))
        lease_share_waits(p->lease_share, r->user);
}

bool pool_lease_wants(const struct pool *p)
{
    return p->lease_share != NULL && p->queue.length > 0 && lease_share_wants(p->lease_share);
}

size_t pool_leases_tell(struct pool *p, struct lease_slot *out, size_t room)
{
    return p->lease_share != NULL ? lease_share_tell(p->lease_share, out, room) : 0;
}

size_t pool_leases_ask(struct pool *p, uint64_t *out, size_t room)
{
    return p->lease_share != NULL ? lease_share_ask(p->lease_share, out, room) : 0;
}

static void raise_waiting(struct pool *p, uint64_t now_ns)
{
    for (int rank = 1; rank < POOL_RANKS; rank++)
        LIST_EACH_SAFE(n, next, &p->queue.rank[rank])
        {
            struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
            int better = pool_rank_of(p, r, now_ns);
            if (better < rank)
                queue_raise(&p->queue, r, better);
        }
}

/* False: there is none.  What a stranger says lasts no longer than an own one. */
static bool take(struct pool *p, uint64_t user, uint64_t left_ns, uint64_t now_ns)
{
    uint64_t most_ns = p->conf->lease_ns;

    left_ns = left_ns < most_ns ? left_ns : most_ns;
    if (left_ns > lease_left_ns(&p->leases, user, now_ns))
        lease_renew(&p->leases, user, now_ns + left_ns);
    return left_ns > 0;
}

void pool_leases_answer(struct pool *p, const uint64_t *left_ns, uint64_t now_ns)
{
    struct lease_share *s = p->lease_share;
    bool found = false;

    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->asked_n; i++)
        found = take(p, s->asked[i], left_ns[i], now_ns) || found;
    lease_share_done(s);
    if (!found)
        return;
    raise_waiting(p, now_ns);
    pool_serve_queue(p, now_ns);
}

void pool_leases_no_answer(struct pool *p)
{
    if (p->lease_share != NULL)
        lease_share_lost(p->lease_share);
}
