/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_RULES_H
#define WEIR_DECIDE_RULES_H

#include "weir/base/words.h"

/*
 * The rules of admission: which of them decided about a request, for `why` and the access log.
 * Enum, names, `weirctl why` and docs/words.md come from this list.  A row needs all its columns:
 *
 * X(enumerator, "name",
 *   cause,     what a request is told that the rule refused; CAUSE_NONE: it refuses none
 *   "says",    what the rule found, half a sentence in the past
 *   "needed")  what would have let the request through; "" for a rule that let it through
 */
/* clang-format off */
#define WEIR_RULES(X) \
    X(RULE_NONE, "none", CAUSE_NONE, \
      "no rule of admission was asked", \
      "") \
    X(RULE_ROOM, "room", CAUSE_NONE, \
      "the upstream had room", \
      "") \
    X(RULE_PROBE, "probe", CAUSE_NONE, \
      "it went as a probe of a half-open breaker", \
      "") \
    X(RULE_CANARY, "canary", CAUSE_NONE, \
      "it went by lot to the canary, which had room", \
      "") \
    X(RULE_QUEUE_FULL, "queue_full", CAUSE_OVERLOADED, \
      "no upstream had room and the queue was full (queue.max_length)", \
      "room at an upstream, or fewer requests waiting") \
    X(RULE_QUEUE_OFF, "queue_off", CAUSE_OVERLOADED, \
      "no upstream had room, and this class does not wait in the queue", \
      "room at an upstream, or a class that may wait (queue.max_wait, batch_wait)") \
    X(RULE_WAITED, "waited", CAUSE_QUEUE_TIMEOUT, \
      "it waited as long as it may (queue.max_wait) and no room came", \
      "a stream or a first token ending within the wait") \
    X(RULE_CLIENT_DEADLINE, "client_deadline", CAUSE_DEADLINE, \
      "the client's own deadline could not be met any more", \
      "a shorter wait, or a later deadline (X-Stainless-Timeout)") \
    X(RULE_PENDING_LIMIT, "pending_limit", CAUSE_OVERLOADED, \
      "as many requests as the upstream takes were waiting for their first token there", \
      "fewer requests without a first token than the limit") \
    X(RULE_STREAM_LIMIT, "stream_limit", CAUSE_OVERLOADED, \
      "as many streams as the upstream takes were open there", \
      "fewer open streams than the limit (limiter or max_streams)") \
    X(RULE_FLEET_LIMIT, "fleet_limit", CAUSE_OVERLOADED, \
      "this node had no permit of the fleet left, and the others hold or use the rest", \
      "a permit: fewer streams over all nodes, or fewer waiting elsewhere") \
    X(RULE_FLEET_RANK, "fleet_rank", CAUSE_OVERLOADED, \
      "a request with precedence was waiting at another node", \
      "nobody with precedence waiting elsewhere") \
    X(RULE_BREAKER_OPEN, "breaker_open", CAUSE_CIRCUIT_OPEN, \
      "the breaker was open", \
      "the breaker closed, or its waiting over and a probe free") \
    X(RULE_HALF_OPEN, "half_open", CAUSE_RECOVERING, \
      "the breaker was half-open and its probes were out", \
      "a free probe, or the probes on time") \
    X(RULE_RAMP, "ramp", CAUSE_RECOVERING, \
      "the upstream was coming back and its share of the known-good load was used up", \
      "a larger share, or fewer streams open within it") \
    X(RULE_COOLDOWN, "cooldown", CAUSE_HELD, \
      "the upstream had asked to be left alone (429, 503 or 529)", \
      "the time it asked for being over") \
    X(RULE_DRAINED, "drained", CAUSE_NO_UPSTREAM, \
      "the upstream was taken out by an operator", \
      "upstream ... undrain") \
    X(RULE_FAIR_SHARE, "fair_share", CAUSE_RATE_LIMITED, \
      "this user held as much as one user may while others are refused " \
      "(users.fair_share)", \
      "fewer requests of this user at once") \
    X(RULE_USER_STREAMS, "user_streams", CAUSE_RATE_LIMITED, \
      "this user had as many requests as users.max_streams allows", \
      "fewer requests of this user at once") \
    X(RULE_USER_RATE, "user_rate", CAUSE_RATE_LIMITED, \
      "this user sent as many as users.requests_per_minute or requests_per_day allows", \
      "fewer requests of this user in that time") \
    X(RULE_USER_TOKENS, "user_tokens", CAUSE_RATE_LIMITED, \
      "this user took as many tokens as users allows in a minute or a day", \
      "fewer tokens for this user in that time") \
    X(RULE_LIMIT, "limit", CAUSE_RATE_LIMITED, \
      "as much was taken as a limit for this model, class or user allows (limits)", \
      "less of it in that time") \
    X(RULE_SYSTEM_CAP, "system_cap", CAUSE_OVERLOADED, \
      "four requests of class system were under way already", \
      "fewer requests of class system at once") \
    X(RULE_RETRY, "retry", CAUSE_NONE, \
      "it was tried again at another upstream", \
      "") \
    X(RULE_RETRY_BUDGET, "retry_budget", CAUSE_NONE, \
      "the budget of retries was used up (retry.budget)", \
      "fewer retries in the time before")
/* clang-format on */

#define WEIR_ENUM_ROW(e, ...)  e,
#define WEIR_COUNT_ROW(e, ...) +1
enum rule { WEIR_RULES(WEIR_ENUM_ROW) };
enum { RULE_COUNT = 0 WEIR_RULES(WEIR_COUNT_ROW) };
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW
const char *rule_name(enum rule r);
/* What a request is told that the rule refused; CAUSE_NONE: it refuses none. */
enum cause rule_cause(enum rule r);

#endif
