/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of a pool that other nodes know, or have given: told, asked for, and what they change. */
#include "weir/decide/pool_leases.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define LOOKED_AT_MAX 256u

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

void pool_lease_waits(struct pool *p, const struct pool_request *r)
{
    bool helps = r->rank == RANK_PAID || r->rank == RANK_INTERACTIVE;

    if (p->lease_share != NULL && p->conf->lease_ns > 0 && helps && r->user != 0)
        p->lease_share->wants = true;
}

bool pool_lease_wants(const struct pool *p)
{
    return p->lease_share != NULL && p->queue.length > 0 && p->lease_share->wants;
}

size_t pool_leases_tell(struct pool *p, struct lease_slot *out, size_t room)
{
    return p->lease_share != NULL ? lease_share_tell(p->lease_share, out, room) : 0;
}

/* Users who wait with this rank, the newest first: they are served first. */
static void ask_rank(struct pool *p, int rank, size_t room, uint32_t *may_look)
{
    LIST_EACH(n, &p->queue.rank[rank])
    {
        const struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
        if (*may_look == 0)
            return;
        --*may_look;
        if (r->user != 0 && !lease_share_ask(p->lease_share, r->user, room))
            return;
    }
}

size_t pool_leases_ask(struct pool *p, uint64_t *out, size_t room)
{
    struct lease_share *s = p->lease_share;
    uint32_t may_look = LOOKED_AT_MAX;

    if (s == NULL)
        return 0;
    WEIR_ASSERT(s->asked_n == 0);
    s->wants = false;
    if (p->conf->lease_ns > 0) {
        ask_rank(p, RANK_PAID, room, &may_look);
        ask_rank(p, RANK_INTERACTIVE, room, &may_look);
    }
    memcpy(out, s->asked, s->asked_n * sizeof *out);
    return s->asked_n;
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
