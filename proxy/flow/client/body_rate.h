/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_BODY_RATE_H
#define WEIR_FLOW_CLIENT_BODY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/clock.h"

#define BODY_RATE_AFTER_NS (10 * NS_PER_S) /* until then a body may be as slow as it is */

/* Does a body come in with fewer bytes a second than it must?  rate 0: there is no such bound. */
static inline bool body_is_too_slow(uint64_t rate, uint64_t got_bytes, uint64_t took_ns)
{
    return rate > 0 && took_ns > BODY_RATE_AFTER_NS &&
           (double)got_bytes < (double)rate * ((double)took_ns / (double)NS_PER_S);
}

#endif
