/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving an upstream alone that asked for it. */
#include "weir/decide/hold.h"

#define UNSAID_MS    1000u /* it refused and did not say for how long */
#define ASKED_MAX_MS 60000u
#define JITTER_MAX   1.1 /* later than it asked, never earlier */

void hold_refused(struct hold *h, struct chance *chance, uint32_t retry_after_ms, uint64_t now_ns)
{
    uint32_t asked = retry_after_ms > 0 ? retry_after_ms : UNSAID_MS;
    uint64_t until_ns;

    if (asked > ASKED_MAX_MS)
        asked = ASKED_MAX_MS;
    until_ns =
        now_ns + (uint64_t)((double)(asked * NS_PER_MS) * chance_between(chance, 1, JITTER_MAX));
    if (until_ns > h->until_ns)
        h->until_ns = until_ns;
}
