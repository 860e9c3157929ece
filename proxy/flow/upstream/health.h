/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_HEALTH_H
#define WEIR_FLOW_HEALTH_H

#include "weir/net/addr.h"
#include "weir/net/loop.h"
#include "weir/net/proxied.h"

#include "snapshot/snapshot.h"

/*
 * Active health checks of one upstream: GET health.path every interval, on control's loop.  `fall`
 * failures in a row are told to the decisions, and after them `rise` successes.
 */
struct health;

struct health *health_create(struct loop *l, const struct snapshot_pool *p,
                             const struct snapshot_upstream *u);
/* A reload's: the same upstream in another snapshot; what the checks have shown stays. */
void health_set(struct health *h, const struct snapshot_pool *p, const struct snapshot_upstream *u);
void health_destroy(struct health **h);
/* Why the last check failed; "" = it passed.  h NULL is fine. */
const char *health_error(const struct health *h);
/* Where to connect to; checks begin with the first address.  h NULL is fine. */
void health_set_address(struct health *h, const struct net_addr *a);

/* For whoever checks in another way: is this status a pass; the fields of a check, their end too.
 */
bool health_status_is_good(const struct health_conf *c, int status);
void health_put_fields(struct text *t, const struct health_conf *c, const char *host);
/* What a connection of weir's own begins with, before TLS: NONE, or the PROXY protocol's header. */
struct slice health_first_bytes(const struct upstream_conf *c, char mem[PROXIED_WRITTEN_MAX]);

#endif
