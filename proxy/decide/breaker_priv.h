/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BREAKER_PRIV_H
#define WEIR_DECIDE_BREAKER_PRIV_H

#include "weir/decide/breaker.h"

/* Shared by breaker.c and breaker_hand.c. */

/* The one writer of the state; asks nobody whether the step is allowed. */
void breaker_enter(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                   const char *cause);

/* Puts a line in the events without a change of state. */
void breaker_log(struct breaker *b, const struct breaker_rules *c, enum breaker_state from,
                 const char *cause);

/* How long this OPEN lasts. */
uint64_t breaker_wait_ns(struct breaker *b, const struct breaker_conf *c);

#endif
