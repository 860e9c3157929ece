/* SPDX-License-Identifier: Apache-2.0 */
/* Names of statuses and words. */
#include "weir/base/status.h"

#include "weir/base/assert.h"
#include "weir/base/words.h"

const char *weir_status_text(enum weir_status s)
{
    switch (s) {
    case WEIR_OK:
        return "ok";
    case WEIR_AGAIN:
        return "would block";
    case WEIR_CLOSED:
        return "closed by the peer";
    case WEIR_RESET:
        return "connection reset";
    case WEIR_TIMEOUT:
        return "timed out";
    case WEIR_REFUSED:
        return "connection refused";
    case WEIR_NO_MEMORY:
        return "out of memory";
    case WEIR_LIMIT:
        return "a limit was reached";
    case WEIR_BAD:
        return "malformed";
    case WEIR_NOT_FOUND:
        return "not found";
    case WEIR_TLS:
        return "TLS failure";
    case WEIR_DNS:
        return "the name could not be resolved";
    case WEIR_SYS:
        return "system error";
    }
    WEIR_UNREACHABLE("status");
}

#define WEIR_NAME_ROW(e, name, ...) [e] = name,
static const char *const causes[] = {WEIR_CAUSES(WEIR_NAME_ROW)};
static const char *const decisions[] = {WEIR_DECISIONS(WEIR_NAME_ROW)};
static const char *const outcomes[] = {WEIR_OUTCOMES(WEIR_NAME_ROW)};
static const char *const classes[] = {WEIR_CLASSES(WEIR_NAME_ROW)};
static const char *const breaker_states[] = {WEIR_BREAKER_STATES(WEIR_NAME_ROW)};
static const char *const service_states[] = {WEIR_SERVICE_STATES(WEIR_NAME_ROW)};

#define WEIR_STANDS_ROW(e, name, side, ...)                                                        \
    _Static_assert(((side) == OF_WEIR) == ((int)(e) >= CAUSE_REFUSAL_FIRST &&                      \
                                           (int)(e) < CAUSE_REFUSAL_FIRST + CAUSE_REFUSAL_COUNT),  \
                   name ": weir's own refusals stand together and come first");
WEIR_CAUSES(WEIR_STANDS_ROW)
#undef WEIR_STANDS_ROW

const char *cause_name(enum cause c)
{
    WEIR_ASSERT((int)c < CAUSE_COUNT);
    return causes[c];
}

enum cause_side cause_side(enum cause c)
{
    static const enum cause_side sides[] = {
#define WEIR_SIDE_ROW(e, name, side, ...) [e] = side,
        WEIR_CAUSES(WEIR_SIDE_ROW)
#undef WEIR_SIDE_ROW
    };

    WEIR_ASSERT((int)c < CAUSE_COUNT);
    return sides[c];
}

const char *decision_name(enum decision d)
{
    WEIR_ASSERT((int)d < DECISION_COUNT);
    return decisions[d];
}

const char *outcome_name(enum outcome o)
{
    WEIR_ASSERT((int)o < OUTCOME_COUNT);
    return outcomes[o];
}

const char *class_name(enum request_class c)
{
    WEIR_ASSERT((int)c < CLASS_COUNT);
    return classes[c];
}

const char *breaker_state_name(enum breaker_state s)
{
    WEIR_ASSERT((int)s < BREAKER_STATE_COUNT);
    return breaker_states[s];
}

const char *service_state_name(enum service_state s)
{
    WEIR_ASSERT((int)s < SERVICE_STATE_COUNT);
    return service_states[s];
}
