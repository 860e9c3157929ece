/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_ADDRESSES_H
#define WEIR_FLOW_ADDRESSES_H

#include "weir/net/addr.h"

/*
 * How many connections each client address has on one listener: the gate of connections.  Made only
 * where `per_address` is set; shared by the workers behind a lock of its own, held for one look-up.
 */
struct addresses;

struct addresses *addresses_create(uint32_t per_address);
void addresses_set(struct addresses *a, uint32_t per_address); /* a reload's new number */
/* Counted references: a site's, and one of each connection in it. NULL is fine. */
void addresses_hold(struct addresses *a);
void addresses_release(struct addresses **a);
/* False: that address has as many as it may.  NULL counts nothing and lets all in. */
bool address_enter(struct addresses *a, const struct net_addr *peer);
void address_leave(struct addresses *a, const struct net_addr *peer);

#endif
