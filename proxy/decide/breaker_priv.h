/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BREAKER_PRIV_H
#define WEIR_DECIDE_BREAKER_PRIV_H

#include "weir/decide/breaker.h"

/* Shared by breaker.c, breaker_evidence.c and breaker_operator.c, and with what a fleet adds. */

/* Refusals and nothing good: a dead service behind a polite front. */
#define BREAKER_REFUSING_MIN 5u

/* Opens it; what may close it is left as it is in HALF_OPEN, else any kind. */
void breaker_trip(struct breaker *b, const struct breaker_rules *c, const char *cause);

/* Looks at rows and windows after evidence of this kind; failures: the cause of a row of them. */
void breaker_judge(struct breaker *b, const struct breaker_rules *c, uint8_t kind,
                   const char *failures);

/* The window of this part, as of now, holds enough of users who are no suspects, and few failures
 * among theirs. */
bool breaker_others_fare_well(struct breaker *b, const struct breaker_rules *c, int part);

/* Tokens flow: an upstream that refuses now refuses because it is full. */
bool breaker_is_at_work(const struct breaker *b, const struct breaker_rules *c);

/* A step that the rules may take. */
void breaker_follow(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                    const char *cause);

/* From HALF_OPEN: enough of the probes were good. */
void breaker_begin_ramp(struct breaker *b, const struct breaker_rules *c);

/* The one writer of the state; asks nobody whether the step is allowed. */
void breaker_enter(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                   const char *cause);

/* Puts a line in the events without a change of state. */
void breaker_log(struct breaker *b, const struct breaker_rules *c, enum breaker_state from,
                 const char *cause);

/* How long this OPEN lasts. */
uint64_t breaker_wait_ns(struct breaker *b, const struct breaker_conf *c);

#endif
