/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_METRICS_H
#define WEIR_ADMIN_METRICS_H

#include "call/admin.h"
#include "metrics/out_priv.h"

/*
 * Every metric is a row: what it is called and says here, who writes its samples in metrics.c or
 * process.c.  The counters of workers, pools and upstreams are further rows
 * (flow/counters.h).
 * X(writer, "name", "type", "labels", "help")
 */
#define WEIR_METRICS(X)                                                                            \
    X(build_info, "weir_build_info", "gauge", "version", "1, labelled with the version")           \
    X(state, "weir_state", "gauge", "state",                                                       \
      "Whether weir as a whole is in this state (1) or not (0)")                                   \
    X(pool_state, "weir_pool_state", "gauge", "pool,state",                                        \
      "Whether the pool is in this state (1) or not (0)")                                          \
    X(upstream_state, "weir_upstream_state", "gauge", "pool,upstream,state",                       \
      "Whether the upstream is in this state (1) or not (0)")                                      \
    X(share, "weir_share", "gauge", "pool,upstream",                                               \
      "Share of its known-good load that the upstream may carry, 0 to 1")                          \
    X(known_good, "weir_known_good_streams", "gauge", "pool,upstream",                             \
      "Open streams that the share is a share of")                                                 \
    X(limit, "weir_limit", "gauge", "pool,upstream,kind",                                          \
      "Most requests without a first token (pending) and open streams (streams) at once")          \
    X(pending, "weir_pending", "gauge", "pool,upstream",                                           \
      "Requests sent that have no first token yet")                                                \
    X(inflight, "weir_inflight", "gauge", "pool,upstream", "Requests sent and not ended")          \
    X(queue_length, "weir_queue_length", "gauge", "pool,class", "Requests waiting in the queue")   \
    X(queue_oldest, "weir_queue_oldest_seconds", "gauge", "pool",                                  \
      "How long the oldest request in the queue has waited")                                       \
    X(limits_reached, "weir_limits_reached", "gauge", "pool",                                      \
      "Users and shared limits at which something was refused in the last minute")                 \
    X(observed, "weir_observed_total", "counter", "pool,rule,cause",                               \
      "Requests that a rule in mode observe would have delayed or refused")                        \
    X(transitions, "weir_breaker_transitions_total", "counter", "pool,upstream,from,to,cause",     \
      "Changes of state of a breaker")                                                             \
    X(overrides, "weir_overrides", "gauge", "pool",                                                \
      "Operator commands in force, those for its upstreams included")                              \
    X(canary_state, "weir_canary_state", "gauge", "pool,upstream,state",                           \
      "Whether the last canary of the pool runs, was promoted or rolled back (1) or not (0)")      \
    X(canary_share, "weir_canary_share", "gauge", "pool,upstream",                                 \
      "Share of the requests that the canary gets by lot; 0 when it is over")                      \
    X(canary_requests, "weir_canary_requests", "gauge", "pool,upstream,side,failed",               \
      "Finished requests by which the canary and its peers were compared")                         \
    X(canary_evidence, "weir_canary_evidence", "gauge", "pool,upstream,measure,of",                \
      "Evidence that the canary is worse, or no worse by the margin; 1 is none")                   \
    X(event_log_dropped, "weir_event_log_dropped_total", "counter", "",                            \
      "Lines of the event log dropped because nobody took them in time")                           \
    X(spans, "weir_trace_spans_total", "counter", "fate",                                          \
      "Spans of sampled requests, sent to the collector (sent) or given up (dropped)")             \
    X(incident, "weir_incident", "gauge", "pool", "1 while an incident text is shown to users")

/* Of a node of a fleet (metrics/fleet.c); without the block fleet they have no samples. */
#define WEIR_FLEET_METRICS(X)                                                                      \
    X(nodes, "weir_fleet_nodes", "gauge", "", "Nodes of the fleet that are alive, this one too")   \
    X(leader, "weir_fleet_leader", "gauge", "", "1 while this node leads")                         \
    X(state, "weir_fleet_state", "gauge", "state",                                                 \
      "Whether the node is in this state (1) or not (0): off, joined, alone")                      \
    X(sync_age, "weir_fleet_sync_age_seconds", "gauge", "",                                        \
      "Since the last call to Redis that was answered was sent")                                   \
    X(permits, "weir_fleet_permits", "gauge", "pool,upstream,kind",                                \
      "Requests that may be in flight of a shared upstream: of the fleet (limit), of this node "   \
      "(held), and those that are (used)")                                                         \
    X(sync_seconds, "weir_fleet_sync_seconds_total", "counter", "",                                \
      "Time that answered syncs took, from sending to answer")                                     \
    X(calls, "weir_fleet_calls_total", "counter", "call,result", "Calls to Redis")                 \
    X(connects, "weir_fleet_connects_total", "counter", "", "Tries to connect to Redis")           \
    X(rejected, "weir_fleet_rejected_total", "counter", "",                                        \
      "What came from Redis and was not taken, because no weir writes it so")

/* Not weir's own names: what every process exports. */
#define WEIR_PROCESS_METRICS(X)                                                                    \
    X(cpu, "process_cpu_seconds_total", "counter", "", "CPU time of the process, user and system") \
    X(resident, "process_resident_memory_bytes", "gauge", "", "Memory in RAM")                     \
    X(virtual, "process_virtual_memory_bytes", "gauge", "", "Address space")                       \
    X(open_fds, "process_open_fds", "gauge", "", "Open descriptors")                               \
    X(max_fds, "process_max_fds", "gauge", "", "Most descriptors the process may have open")       \
    X(start, "process_start_time_seconds", "gauge", "", "Start, seconds since 1970-01-01")         \
    X(threads, "process_threads", "gauge", "", "Threads")

/* canary.c: rows of WEIR_METRICS. */
void write_canary_state(struct metric_out *o, struct admin *a);
void write_canary_share(struct metric_out *o, struct admin *a);
void write_canary_requests(struct metric_out *o, struct admin *a);
void write_canary_evidence(struct metric_out *o, struct admin *a);

/* All of them, as call.h's render_fn. */
void show_metrics(struct text *t, struct admin *a, const void *unused);

/* One of them by its name; false: the kernel will not tell. */
bool process_number(const char *name, double *v, struct admin *a);
void process_metrics(struct metric_out *o, struct admin *a);
void fleet_metrics(struct metric_out *o, struct admin *a);

#endif
