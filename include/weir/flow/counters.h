/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_COUNTERS_H
#define WEIR_FLOW_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "weir/base/words.h"

/*
 * Counters: each worker writes its own with relaxed stores, control sums them.  One list each;
 * struct, sum, metric and manual come from it.
 */

/* Of a worker.  X(field, "metric", "type", "help") */
#define WEIR_WORKER_COUNTERS(X)                                                                    \
    X(accepted, "client_connections_total", "counter", "Client connections accepted")              \
    X(client_open, "connections{side=\"client\"}", "gauge", "Connections open now")                \
    X(upstream_open, "connections{side=\"upstream\"}", "gauge", "Connections open now")            \
    X(upstream_connects, "upstream_connects_total", "counter", "Connections opened to upstreams")  \
    X(upstream_reuses, "upstream_reuses_total", "counter",                                         \
      "Requests sent on a kept upstream connection")                                               \
    X(client_retries, "client_retries_total", "counter",                                           \
      "Requests that said they were an SDK's retry (X-Stainless-Retry-Count above 0)")             \
    X(log_dropped, "access_log_dropped_total", "counter",                                          \
      "Access log lines dropped because the log did not keep up")                                  \
    X(bytes_in, "request_body_bytes_total", "counter", "Bytes of request bodies received")         \
    X(bytes_out, "response_body_bytes_total", "counter", "Bytes of response bodies sent")

/* Upper bounds of the histograms in microseconds; one more bucket has no bound. */
/* clang-format off */
#define WEIR_BUCKETS_US(X)                                                                         \
    X(1000) X(1500) X(2000) X(3000) X(5000) X(7000)                                                \
    X(10000) X(15000) X(20000) X(30000) X(50000) X(70000)                                          \
    X(100000) X(150000) X(200000) X(300000) X(500000) X(700000)                                    \
    X(1000000) X(1500000) X(2000000) X(3000000) X(5000000) X(7000000)                              \
    X(10000000) X(15000000) X(20000000) X(30000000) X(50000000) X(70000000) X(100000000)
/* clang-format on */
#define WEIR_BUCKET_COUNT_ROW(us) +1
enum { BUCKET_COUNT = 1 WEIR_BUCKETS_US(WEIR_BUCKET_COUNT_ROW) };
#undef WEIR_BUCKET_COUNT_ROW
extern const uint32_t bucket_bounds_us[BUCKET_COUNT - 1];

struct histogram {
    _Atomic uint64_t n[BUCKET_COUNT]; /* not cumulative */
    _Atomic uint64_t sum_us;
};

struct worker_counters {
#define WEIR_FIELD_ROW(field, metric, type, help) _Atomic uint64_t field;
    WEIR_WORKER_COUNTERS(WEIR_FIELD_ROW)
#undef WEIR_FIELD_ROW
};

/* Of one pool in one worker; slot 0 is for requests that reached no pool. */
struct pool_counters {
    _Atomic uint64_t requests[CLASS_COUNT][DECISION_COUNT];
    _Atomic uint64_t shed[CAUSE_COUNT];
    _Atomic uint64_t retries; /* weir's own, to another upstream */
};

/* Of one upstream in one worker. */
struct upstream_counters {
    _Alignas(64) _Atomic uint64_t content_events; /* the tick of the decisions reads these */
    _Atomic uint64_t stream_events;               /* relayed, comments not */
    _Atomic uint64_t outcomes[OUTCOME_COUNT];
    struct histogram ttft;     /* streams with content: from sending to the first content event */
    struct histogram interval; /* between content events */
    struct histogram response; /* other answers: from sending to the end */
};

/* Owner thread only: a plain add, never a locked one. */
static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline void counter_sub(_Atomic uint64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) - n,
                          memory_order_relaxed);
}
static inline uint64_t counter_get(const _Atomic uint64_t *c)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)c, memory_order_relaxed);
}
void histogram_add(struct histogram *h, uint64_t ns);

/* Plain sums over the workers, as control sees them. */
struct histogram_sum {
    uint64_t n[BUCKET_COUNT];
    uint64_t sum_us;
};
struct worker_sum {
#define WEIR_FIELD_ROW(field, metric, type, help) uint64_t field;
    WEIR_WORKER_COUNTERS(WEIR_FIELD_ROW)
#undef WEIR_FIELD_ROW
};
struct pool_sum {
    uint64_t requests[CLASS_COUNT][DECISION_COUNT];
    uint64_t shed[CAUSE_COUNT];
    uint64_t retries;
};
struct upstream_sum {
    uint64_t content_events, stream_events;
    uint64_t outcomes[OUTCOME_COUNT];
    struct histogram_sum ttft, interval, response;
};

/* The value below which `permille` of the sum lie, in ms, interpolated; 0 when it is empty. */
double histogram_quantile_ms(const struct histogram_sum *h, unsigned permille);

#endif
