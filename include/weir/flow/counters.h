/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_COUNTERS_H
#define WEIR_FLOW_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "weir/base/words.h"
#include "weir/decide/settings.h"

/*
 * Counters: each worker writes its own with relaxed stores, control sums them.  One list each;
 * struct, sum, metric and manual come from it.
 */

#define H2_CUT(kind) "http2_cut_off_total{kind=\"" kind "\"}"
#define H2_CUT_HELP                                                                                \
    "HTTP/2 connections cut off (ENHANCE_YOUR_CALM), by what their client did too much of"

/* Of a worker.  X(field, "metric", "type", "help") */
#define WEIR_WORKER_COUNTERS(X)                                                                    \
    X(accepted, "client_connections_total", "counter", "Client connections accepted")              \
    X(client_open, "connections{side=\"client\"}", "gauge", "Connections open now")                \
    X(upstream_open, "connections{side=\"upstream\"}", "gauge", "Connections open now")            \
    X(upstream_connects, "upstream_connects_total", "counter", "Connections opened to upstreams")  \
    X(upstream_reuses, "upstream_reuses_total", "counter",                                         \
      "Requests sent on a kept upstream connection")                                               \
    X(h2_open, "http2_connections", "gauge", "Client connections open now that speak HTTP/2")      \
    X(h2_streams, "http2_streams", "gauge", "Requests under way on HTTP/2 connections")            \
    X(h2_cut_reset, H2_CUT("reset"), "counter", H2_CUT_HELP)                                       \
    X(h2_cut_fault, H2_CUT("fault"), "counter", H2_CUT_HELP)                                       \
    X(h2_cut_ping, H2_CUT("ping"), "counter", H2_CUT_HELP)                                         \
    X(h2_cut_settings, H2_CUT("settings"), "counter", H2_CUT_HELP)                                 \
    X(h2_cut_priority, H2_CUT("priority"), "counter", H2_CUT_HELP)                                 \
    X(h2_cut_empty, H2_CUT("empty_data"), "counter", H2_CUT_HELP)                                  \
    X(h2_cut_window, H2_CUT("window_update"), "counter", H2_CUT_HELP)                              \
    X(h2_cut_head, H2_CUT("head"), "counter", H2_CUT_HELP)                                         \
    X(h2_cut_again, H2_CUT("again"), "counter", H2_CUT_HELP)                                       \
    X(client_retries, "client_retries_total", "counter",                                           \
      "Requests that said they were an SDK's retry (X-Stainless-Retry-Count above 0)")             \
    X(log_dropped, "access_log_dropped_total", "counter",                                          \
      "Access log lines dropped because the log did not keep up")                                  \
    X(seconds, "worker_seconds_total", "counter",                                                  \
      "Seconds that worker threads have lived through, each thread for itself")                    \
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

/*
 * Of one pool in one worker; slot 0 is for requests that reached no pool.
 * X(shape, field, "metric", "labels", "help"); the shapes stand below.
 */
#define WEIR_POOL_COUNTERS(X)                                                                      \
    X(BY_CLASS_AND_DECISION, requests, "weir_requests_total", "pool,class,decision",               \
      "Requests by what weir did with them, each once; pool is empty where none was reached")      \
    X(BY_CAUSE, shed, "weir_shed_total", "pool,cause", "Requests refused, by cause")               \
    X(ONE, retries, "weir_retries_total", "pool",                                                  \
      "Second attempts of weir's own, at another upstream")                                        \
    X(BY_LIMIT, limited, "weir_limited_total", "pool,limit",                                       \
      "Requests refused by a limit of users or of limits, by its name")                            \
    X(ONE, prompt_tokens, "weir_prompt_tokens_total", "pool",                                      \
      "Tokens of prompts, as answers tell them; counted in pools with limits")                     \
    X(ONE, output_tokens, "weir_output_tokens_total", "pool",                                      \
      "Tokens of outputs, as answers tell them, else content events; counted in pools with "       \
      "limits")

/* Of one upstream in one worker, as above; the tick of the decisions reads content_events
 * and reads. */
#define WEIR_UPSTREAM_COUNTERS(X)                                                                  \
    X(ONE, content_events, "weir_content_events_total", "pool,upstream",                           \
      "Stream events with content; what the pace is computed from")                                \
    X(SECONDS, gaps_ns, "weir_content_gaps_seconds_total", "pool,upstream",                        \
      "Time between content events, of pauses a part only: over the events it is the pace")        \
    X(ONE, stream_events, "weir_stream_events_total", "pool,upstream",                             \
      "Stream events relayed; comments not counted")                                               \
    X(ONE, reads, "weir_upstream_reads_total", "pool,upstream",                                    \
      "Times that bytes of answers came from the upstream, of whatever kind: its sign of life")    \
    X(BY_OUTCOME, outcomes, "weir_upstream_outcomes_total", "pool,upstream,outcome",               \
      "Exchanges with the upstream by their outcome, each once")                                   \
    X(HISTOGRAM, ttft, "weir_time_to_first_token_seconds", "pool,upstream",                        \
      "From sending a request to its first content event; streams with content only")              \
    X(HISTOGRAM, interval, "weir_event_interval_seconds", "pool,upstream",                         \
      "Between two content events of a stream")                                                    \
    X(HISTOGRAM, response, "weir_response_seconds", "pool,upstream",                               \
      "From sending a request to the end of its answer; answers that are no streams")

/* Every shape is an array of 64-bit numbers in the workers and of as many in the sums. */
enum counter_shape {
    SHAPE_ONE,
    SHAPE_SECONDS, /* counted in ns, shown in seconds */
    SHAPE_BY_CAUSE,
    SHAPE_BY_LIMIT,
    SHAPE_BY_OUTCOME,
    SHAPE_BY_CLASS_AND_DECISION,
    SHAPE_HISTOGRAM,
};
#define COUNTER_ONE(field)                   _Atomic uint64_t field;
#define COUNTER_SECONDS(field)               _Atomic uint64_t field;
#define COUNTER_BY_CAUSE(field)              _Atomic uint64_t field[CAUSE_COUNT];
#define COUNTER_BY_LIMIT(field)              _Atomic uint64_t field[QUOTA_LIMITS];
#define COUNTER_BY_OUTCOME(field)            _Atomic uint64_t field[OUTCOME_COUNT];
#define COUNTER_BY_CLASS_AND_DECISION(field) _Atomic uint64_t field[CLASS_COUNT][DECISION_COUNT];
#define COUNTER_HISTOGRAM(field)             struct histogram field;
#define SUM_ONE(field)                       uint64_t field;
#define SUM_SECONDS(field)                   uint64_t field;
#define SUM_BY_CAUSE(field)                  uint64_t field[CAUSE_COUNT];
#define SUM_BY_LIMIT(field)                  uint64_t field[QUOTA_LIMITS];
#define SUM_BY_OUTCOME(field)                uint64_t field[OUTCOME_COUNT];
#define SUM_BY_CLASS_AND_DECISION(field)     uint64_t field[CLASS_COUNT][DECISION_COUNT];
#define SUM_HISTOGRAM(field)                 struct histogram_sum field;

#define WEIR_SHAPE_ROW(shape, field, metric, labels, help) COUNTER_##shape(field)
struct pool_counters {
    WEIR_POOL_COUNTERS(WEIR_SHAPE_ROW)
};
struct upstream_counters {
    WEIR_UPSTREAM_COUNTERS(WEIR_SHAPE_ROW)
} __attribute__((aligned(64)));
#undef WEIR_SHAPE_ROW

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
#define WEIR_SHAPE_ROW(shape, field, metric, labels, help) SUM_##shape(field)
struct pool_sum {
    WEIR_POOL_COUNTERS(WEIR_SHAPE_ROW)
};
struct upstream_sum {
    WEIR_UPSTREAM_COUNTERS(WEIR_SHAPE_ROW)
};
#undef WEIR_SHAPE_ROW

/* The value below which `permille` of the sum lie, in ms, interpolated; 0 when it is empty. */
double histogram_quantile_ms(const struct histogram_sum *h, unsigned permille);

#endif
