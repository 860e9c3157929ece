/* SPDX-License-Identifier: Apache-2.0 */
/* Whether those that wait for a first token make each other slower. */
#include "weir/decide/crowd.h"

#define UNKNOWN     0.5  /* both shares before anything was seen */
#define FAST_GAIN   0.1  /* the last ten or so */
#define FORGET_GAIN 0.02 /* a crowd that is not seen for long is not known any more */
#define BESIDE_GAIN 0.05
#define FAST_LEAST  0.25 /* fewer fast ones, and nothing can be told from their share */

void crowd_init(struct crowding *c)
{
    *c = (struct crowding){.few = UNKNOWN, .many = UNKNOWN};
}

void crowd_note(struct crowding *c, uint32_t beside, bool fast)
{
    bool more = beside > c->beside;
    double *share = more ? &c->many : &c->few;

    *share += FAST_GAIN * (fast - *share);
    if (!more)
        c->many += FORGET_GAIN * (c->few - c->many);
}

void crowd_met(struct crowding *c, uint32_t beside)
{
    c->beside += BESIDE_GAIN * (beside - c->beside);
}

bool crowd_has_fast(const struct crowding *c)
{
    return c->few >= FAST_LEAST;
}

bool crowd_is_harmless(const struct crowding *c, double share)
{
    return crowd_has_fast(c) && c->many >= share * c->few;
}
