/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_H2_DEBTS_H
#define WEIR_FLOW_CLIENT_H2_DEBTS_H

#include "client/h2/budget.h"
#include "weir/base/hash.h"
#include "weir/net/addr.h"

/*
 * What an address had spent of a budget when its connection ended: who comes again goes on from
 * there, so that an attack does not begin anew with each connection.  Of several debts in one
 * place the largest is kept; each is gone by itself within seconds.  One a worker.
 */
enum {
    H2_DEBTS = 256,
    /* What has to be left of a budget: a connection may begin as many requests before it is heard.
     */
    H2_DEBTS_RESERVE = 100,
};

struct h2_debt {
    uint64_t who, paid_ns;
};
struct h2_debts {
    struct hash_key key;
    struct h2_debt list[H2_DEBTS];
};

/* A connection from this address begins with b; false: too little is left of it for one. */
bool h2_debts_begin(const struct h2_debts *d, const struct net_addr *peer, struct h2_budget *b,
                    uint64_t now_ns);
/* ... and ends with it, or is cut off with it; twice is as once. */
void h2_debts_end(struct h2_debts *d, const struct net_addr *peer, const struct h2_budget *b,
                  uint64_t now_ns);

#endif
