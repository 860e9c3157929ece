/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_WORDS_H
#define WEIR_BASE_WORDS_H

/*
 * The words that log, metrics, events, answers and decisions share (docs/words.md).  One list each;
 * names, counters and tables are generated from it.
 */

/* Why: empty where nothing went wrong.  X(enumerator, "wire name") */
#define WEIR_CAUSES(X)                                                                             \
    X(CAUSE_NONE, "")                                                                              \
    /* refusals of ours */                                                                         \
    X(CAUSE_OVERLOADED, "overloaded")                                                              \
    X(CAUSE_QUEUE_TIMEOUT, "queue_timeout")                                                        \
    X(CAUSE_DEADLINE, "deadline")                                                                  \
    X(CAUSE_CIRCUIT_OPEN, "circuit_open")                                                          \
    X(CAUSE_RECOVERING, "recovering")                                                              \
    X(CAUSE_HELD, "held")                                                                          \
    X(CAUSE_RATE_LIMITED, "rate_limited")                                                          \
    X(CAUSE_NO_UPSTREAM, "no_upstream")                                                            \
    X(CAUSE_DRAINING, "draining")                                                                  \
    /* what the upstream did */                                                                    \
    X(CAUSE_CONNECT_FAILED, "connect_failed")                                                      \
    X(CAUSE_UPSTREAM_RESET, "upstream_reset")                                                      \
    X(CAUSE_BAD_GATEWAY, "bad_gateway")                                                            \
    X(CAUSE_GATEWAY_TIMEOUT, "gateway_timeout")                                                    \
    X(CAUSE_UPSTREAM_ERROR, "upstream_error")                                                      \
    X(CAUSE_UPSTREAM_REFUSED, "upstream_refused")                                                  \
    X(CAUSE_IN_BAND_ERROR, "in_band_error")                                                        \
    X(CAUSE_EMPTY_STREAM, "empty_stream")                                                          \
    X(CAUSE_UPSTREAM_TRUNCATED, "upstream_truncated")                                              \
    X(CAUSE_UPSTREAM_STALLED, "upstream_stalled")                                                  \
    /* what the client did */                                                                      \
    X(CAUSE_CLIENT_GONE, "client_gone")                                                            \
    X(CAUSE_BAD_REQUEST, "bad_request")                                                            \
    X(CAUSE_REQUEST_TIMEOUT, "request_timeout")                                                    \
    X(CAUSE_REQUEST_TOO_LARGE, "request_too_large")                                                \
    X(CAUSE_URI_TOO_LONG, "uri_too_long")                                                          \
    X(CAUSE_HEADERS_TOO_LARGE, "headers_too_large")                                                \
    X(CAUSE_NOT_FOUND, "not_found")                                                                \
    X(CAUSE_NOT_ALLOWED, "not_allowed")

/* What weir did with a request, once. */
#define WEIR_DECISIONS(X)                                                                          \
    X(DECISION_ADMITTED, "admitted")                                                               \
    X(DECISION_QUEUED, "queued")                                                                   \
    X(DECISION_REFUSED, "refused")                                                                 \
    X(DECISION_GONE, "gone")                                                                       \
    X(DECISION_LOCAL, "local")

/* What an exchange says about its upstream, once. */
#define WEIR_OUTCOMES(X)                                                                           \
    X(OUTCOME_OK, "ok")                                                                            \
    X(OUTCOME_FAILED, "failed")                                                                    \
    X(OUTCOME_CONNECT_FAILED, "connect_failed")                                                    \
    X(OUTCOME_STALLED, "stalled")                                                                  \
    X(OUTCOME_REFUSED, "refused")                                                                  \
    X(OUTCOME_NEUTRAL, "neutral")

/* Who is refused first; the order is the order of precedence. */
#define WEIR_CLASSES(X)                                                                            \
    X(CLASS_SYSTEM, "system")                                                                      \
    X(CLASS_PAID, "paid")                                                                          \
    X(CLASS_INTERACTIVE, "interactive")                                                            \
    X(CLASS_BATCH, "batch")

/* States of an upstream's breaker.  `drained` is how an upstream an operator took out is shown. */
#define WEIR_BREAKER_STATES(X)                                                                     \
    X(BREAKER_CLOSED, "closed")                                                                    \
    X(BREAKER_OPEN, "open")                                                                        \
    X(BREAKER_HALF_OPEN, "half_open")                                                              \
    X(BREAKER_RAMPING, "ramping")                                                                  \
    X(BREAKER_DRAINED, "drained")

#define WEIR_ENUM_ROW(e, name)  e,
#define WEIR_COUNT_ROW(e, name) +1
enum cause { WEIR_CAUSES(WEIR_ENUM_ROW) };
enum decision { WEIR_DECISIONS(WEIR_ENUM_ROW) };
enum outcome { WEIR_OUTCOMES(WEIR_ENUM_ROW) };
enum request_class { WEIR_CLASSES(WEIR_ENUM_ROW) };
enum breaker_state { WEIR_BREAKER_STATES(WEIR_ENUM_ROW) };
enum {
    CAUSE_COUNT = 0 WEIR_CAUSES(WEIR_COUNT_ROW),
    DECISION_COUNT = 0 WEIR_DECISIONS(WEIR_COUNT_ROW),
    OUTCOME_COUNT = 0 WEIR_OUTCOMES(WEIR_COUNT_ROW),
    CLASS_COUNT = 0 WEIR_CLASSES(WEIR_COUNT_ROW),
    BREAKER_STATE_COUNT = 0 WEIR_BREAKER_STATES(WEIR_COUNT_ROW),
};
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW

/* Wire names, static, never NULL. */
const char *cause_name(enum cause c);
const char *decision_name(enum decision d);
const char *outcome_name(enum outcome o);
const char *class_name(enum request_class c);
const char *breaker_state_name(enum breaker_state s);

#endif
