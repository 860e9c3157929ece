/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_PROBE_PRIV_H
#define WEIR_FLOW_PROBE_PRIV_H

#include "online/probe.h"
#include "online/reading.h"
#include "weir/net/stream.h"

/* What the files of a probe share. */
enum { PROBE_ADDRS = RESOLVER_ADDRS_MAX };

struct probe {
    struct loop *loop;
    struct resolver *resolver;
    struct resolver_watch *watch;
    const struct snapshot_pool *pool;
    const struct snapshot_upstream *upstream;
    const struct online_ask *ask;
    struct net_addr addrs[PROBE_ADDRS];
    size_t n_addrs, at, good; /* at: the address that is tried; good: one that took a connect */
    struct stream *stream;
    struct once *once;             /* instead, over HTTP/2 */
    struct loop_timer next, limit; /* next: a step begins on a stack of its own */
    struct reading reading;
    enum probe_step step;
    uint64_t began_ns;
    struct probe_finding found[PROBE_STEPS];
    void (*done)(struct probe *p, void *arg);
    void *arg;
};

/* The finding of the step that is tried. */
void probe_found(struct probe *p, enum probe_result result, const char *fmt, ...) WEIR_PRINTF(3, 4);
void probe_end(struct probe *p);
void probe_fail(struct probe *p, const char *why); /* a finding, and the end */
void probe_pass(struct probe *p, enum probe_step next);

const char *probe_host(const struct probe *p);
const struct timeouts_conf *probe_timeouts(const struct probe *p);
/* A connection to the address that took one, TLS included.  False: it has failed. */
bool probe_open(struct probe *p, uint64_t within_ns, const struct stream_events *events);

/* probe_ask.c: the steps that ask something. */
void probe_ask(struct probe *p);
void probe_ask_generation(struct probe *p);

#endif
