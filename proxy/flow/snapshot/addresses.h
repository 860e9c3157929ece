/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_ADDRESSES_H
#define WEIR_FLOW_ADDRESSES_H

#include "weir/net/addr.h"

/*
 * How many connections a listener has, in all and of each client address: the gate of connections.
 * Made only where `per_address` or `max_connections` is set; shared by the workers behind a lock of
 * its own, held for one look-up, so that the numbers are exact with any number of workers.
 */
struct addresses;

/* 0 = no bound. */
struct addresses *addresses_create(uint32_t per_address, uint32_t in_all);
void addresses_set(struct addresses *a, uint32_t per_address,
                   uint32_t in_all); /* a reload's new number */
/* Counted references: a snapshot's, and one of each connection in it. NULL is fine. */
void addresses_ref(struct addresses *a);
void addresses_unref(struct addresses **a);
/* False: that address, or the listener, has as many as it may.  NULL counts nothing and lets all
 * in. */
bool address_enter(struct addresses *a, const struct net_addr *peer);
/* Has the listener as many as it may in all?  Then another's going makes room. */
bool addresses_full(struct addresses *a);
void address_leave(struct addresses *a, const struct net_addr *peer);

#endif
