/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_WORDS_H
#define WEIR_BASE_WORDS_H

#include <stdbool.h>

#include "weir/base/causes.h"

/*
 * The words that log, metrics, events, answers and decisions share (docs/words.md).  One list each
 * with all its columns; names, counters, tables, the live page and the documents come from it.
 */

/* What weir did with a request, once.  X(enumerator, "wire name", "meaning") */
#define WEIR_DECISIONS(X)                                                                          \
    X(DECISION_ADMITTED, "admitted", "sent to an upstream at once")                                \
    X(DECISION_QUEUED, "queued", "sent to an upstream after waiting")                              \
    X(DECISION_REFUSED, "refused", "not sent: refused by weir")                                    \
    X(DECISION_GONE, "gone", "not sent: the client left while it waited")                          \
    X(DECISION_LOCAL, "local", "not sent: answered by weir itself")

/*
 * What an exchange says about its upstream, once.
 * X(enumerator, "wire name", is a failure of the upstream, "meaning")
 */
#define WEIR_OUTCOMES(X)                                                                           \
    X(OUTCOME_OK, "ok", false, "the answer was whole")                                             \
    X(OUTCOME_FAILED, "failed", true, "an error, or an answer that broke off")                     \
    X(OUTCOME_CONNECT_FAILED, "connect_failed", true, "no connection could be made")               \
    X(OUTCOME_STALLED, "stalled", true, "the answer fell silent, or did not come in time")         \
    X(OUTCOME_REFUSED, "refused", false, "the upstream asked to be left alone (429, 503, 529)")    \
    X(OUTCOME_NEUTRAL, "neutral", false, "nothing was shown about the upstream")

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

/*
 * How weir, or a pool, is on the whole: the page for operators and the public status page.
 * X(enumerator, "wire name", "meaning")
 */
#define WEIR_SERVICE_STATES(X)                                                                     \
    X(SERVICE_SERVING, "serving", "everything that comes is let through")                          \
    X(SERVICE_SHEDDING, "shedding", "something is refused for load")                               \
    X(SERVICE_RECOVERING, "recovering", "an upstream is coming back step by step")                 \
    X(SERVICE_DOWN, "down", "no upstream takes anything")                                          \
    X(SERVICE_DRAINING, "draining", "weir takes nothing new and ends")

#define WEIR_ENUM_ROW(e, ...)  e,
#define WEIR_COUNT_ROW(e, ...) +1
enum cause { WEIR_CAUSES(WEIR_ENUM_ROW) };
enum decision { WEIR_DECISIONS(WEIR_ENUM_ROW) };
enum outcome { WEIR_OUTCOMES(WEIR_ENUM_ROW) };
enum request_class { WEIR_CLASSES(WEIR_ENUM_ROW) };
enum breaker_state { WEIR_BREAKER_STATES(WEIR_ENUM_ROW) };
enum service_state { WEIR_SERVICE_STATES(WEIR_ENUM_ROW) };
enum {
    CAUSE_COUNT = 0 WEIR_CAUSES(WEIR_COUNT_ROW),
    DECISION_COUNT = 0 WEIR_DECISIONS(WEIR_COUNT_ROW),
    OUTCOME_COUNT = 0 WEIR_OUTCOMES(WEIR_COUNT_ROW),
    CLASS_COUNT = 0 WEIR_CLASSES(WEIR_COUNT_ROW),
    BREAKER_STATE_COUNT = 0 WEIR_BREAKER_STATES(WEIR_COUNT_ROW),
    SERVICE_STATE_COUNT = 0 WEIR_SERVICE_STATES(WEIR_COUNT_ROW),
};
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW

enum cause_side cause_side(enum cause c);
/* The causes of weir's own refusals stand together and come first. */
enum {
    CAUSE_REFUSAL_FIRST = CAUSE_NONE + 1,
#define WEIR_REFUSAL_ROW(e, name, side, ...) +(side == OF_WEIR)
    CAUSE_REFUSAL_COUNT = 0 WEIR_CAUSES(WEIR_REFUSAL_ROW),
#undef WEIR_REFUSAL_ROW
};

/* Wire names, static, never NULL. */
const char *cause_name(enum cause c);
const char *decision_name(enum decision d);
const char *outcome_name(enum outcome o);
const char *class_name(enum request_class c);
const char *breaker_state_name(enum breaker_state s);
const char *service_state_name(enum service_state s);

#endif
