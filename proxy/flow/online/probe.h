/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_PROBE_H
#define WEIR_FLOW_PROBE_H

#include "snapshot/snapshot.h"
#include "weir/flow/online.h"
#include "weir/net/loop.h"
#include "weir/net/resolver.h"

/* One upstream, tried step by step on a loop; what follows a failed step is not tried. */
enum probe_step { PROBE_NAME, PROBE_CONNECT, PROBE_TLS, PROBE_ANSWER, PROBE_GENERATE, PROBE_STEPS };

enum probe_result { PROBE_NOT_TRIED, PROBE_GOOD, PROBE_BAD };

struct probe_finding {
    enum probe_result result;
    uint64_t ns; /* it took */
    char text[320];
};

struct probe;

/* done is called once, from the loop.  NULL: no memory. */
struct probe *probe_create(struct loop *l, struct resolver *r, const struct snapshot_pool *p,
                           const struct snapshot_upstream *u, const struct online_ask *ask,
                           void (*done)(struct probe *p, void *arg), void *arg);
const struct probe_finding *probe_finding(const struct probe *p, enum probe_step step);
void probe_destroy(struct probe **p);

#endif
