/* SPDX-License-Identifier: Apache-2.0 */
/* How many of those that wait can be served in time. */
#include "weir/decide/backlog.h"

#include "weir/decide/num.h"

#define MEMORY_NS (5 * NS_PER_S)
#define KNOWN_S   0.5  /* measured for less, it is not known */
#define MARGIN    1.25 /* of what will be served; it comes and goes in bursts */
#define LEAST     2.0

void backlog_tick(struct backlog *b, bool waits, bool shut, uint64_t elapsed_ns)
{
    double keep = num_decay(elapsed_ns, MEMORY_NS);

    if (b->waited && waits && !shut) {
        b->served = keep * b->served + (double)(b->sent - b->sent_before);
        b->seconds = keep * b->seconds + num_s(elapsed_ns);
    }
    b->sent_before = b->sent;
}

uint32_t backlog_bound(const struct backlog *b, uint64_t wait_ns)
{
    if (b->seconds < KNOWN_S)
        return UINT32_MAX;
    return num_ceil(num_max(LEAST, MARGIN * b->served / b->seconds * num_s(wait_ns)));
}
