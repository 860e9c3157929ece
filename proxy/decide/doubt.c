/* SPDX-License-Identifier: Apache-2.0 */
/* Whether lateness is the rule on an upstream, and so a limit of it. */
#include "weir/decide/doubt.h"

#include "weir/decide/num.h"

/* ln(0.6 / 0.1) and -ln(0.4 / 0.9): what one mark says for and against */
#define STEP_LATE     1.8
#define STEP_LEARNING 0.6
#define STEP_ON_TIME  0.8
#define VALUE_MAX     (2 * DOUBT_SHOWN)
#define QUIET_NS      (120 * NS_PER_S)

void doubt_late(struct doubt *d, bool learning)
{
    d->value = num_min(VALUE_MAX, d->value + (learning ? STEP_LEARNING : STEP_LATE));
    if (d->value >= DOUBT_SHOWN)
        d->shown = true;
}

void doubt_on_time(struct doubt *d)
{
    d->value = num_max(0, d->value - STEP_ON_TIME);
}

static bool forget(struct doubt *d, uint64_t quiet_ns)
{
    if (!d->shown || quiet_ns < QUIET_NS)
        return false;
    d->shown = false;
    d->value = 0;
    return true;
}

bool doubt_tick(struct doubt *d, bool busy, uint64_t now_ns)
{
    if (!d->shown || busy)
        d->quiet_ns = now_ns;
    return forget(d, now_ns - d->quiet_ns);
}

bool doubt_restored(struct doubt *d, uint64_t away_ns, uint64_t now_ns)
{
    d->quiet_ns = now_ns;
    return forget(d, away_ns);
}
