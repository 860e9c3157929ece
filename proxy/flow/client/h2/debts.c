/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of addresses beyond a connection's end. */
#include "client/h2/debts.h"

/* A host of IPv6 has a /64 (snapshot/addresses.c counts in the same way); unix peers have none. */
static uint64_t who_of(const struct h2_debts *d, const struct net_addr *peer)
{
    struct net_addr a = *peer;

    net_addr_unmap(&a);
    if (a.u.sa.sa_family == AF_INET)
        return hash_keyed(d->key, slice_of(&a.u.in.sin_addr, 4));
    if (a.u.sa.sa_family == AF_INET6)
        return hash_keyed(d->key, slice_of(&a.u.in6.sin6_addr, 8));
    return 0;
}

bool h2_debts_begin(const struct h2_debts *d, const struct net_addr *peer, struct h2_budget *b,
                    uint64_t now_ns)
{
    uint64_t who = who_of(d, peer);
    const struct h2_debt *debt = &d->list[who % H2_DEBTS];

    b->paid_ns = who != 0 && debt->who == who ? debt->paid_ns : 0;
    return h2_budget_left(b, now_ns) >= H2_DEBTS_RESERVE;
}

void h2_debts_end(struct h2_debts *d, const struct net_addr *peer, const struct h2_budget *b,
                  uint64_t now_ns)
{
    uint64_t who;
    struct h2_debt *debt;

    if (b->paid_ns <= now_ns)
        return; /* of nearly all connections */
    who = who_of(d, peer);
    debt = &d->list[who % H2_DEBTS];
    if (who != 0 && b->paid_ns > debt->paid_ns)
        *debt = (struct h2_debt){who, b->paid_ns};
}
