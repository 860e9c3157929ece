/* SPDX-License-Identifier: Apache-2.0 */
/* Fewer streams when they are too slow, as long as that helps. */
#include "weir/decide/pace_guard.h"

#include "weir/decide/num.h"

#define CUT_GAP_NS    (1 * NS_PER_S)
#define CUT_LEAST     0.8             /* at most a fifth at a time */
#define EPISODE_NS    (10 * NS_PER_S) /* cuts within it are one row */
#define FEW           2u              /* requests in flight: next to nothing */
#define HOPELESS_NS   (4 * NS_PER_S)
#define REST_NS       (60 * NS_PER_S)
#define DOUBLINGS_MAX 4u

void pace_guard_restart(struct pace_guard *g)
{
    g->hopeless_ns = g->off_ns = 0;
    g->off_times = 0;
}

/* Too slow with next to nothing running: no limit makes it faster. */
static bool is_hopeless(struct pace_guard *g, const struct pace_load *in)
{
    bool slow = in->pace_s > in->target_s;

    if (in->pace_s <= 0 || in->inflight == 0)
        return false;
    if (!slow && in->inflight > FEW)
        g->off_times = 0;
    if (!slow || in->limit > FEW || in->inflight > FEW) {
        g->hopeless_ns = 0;
        return false;
    }
    if (g->hopeless_ns == 0)
        g->hopeless_ns = in->now_ns;
    return in->now_ns - g->hopeless_ns >= HOPELESS_NS;
}

static double rest(struct pace_guard *g, const struct pace_load *in)
{
    g->off_ns = in->now_ns + (REST_NS << g->off_times);
    if (g->off_times < DOUBLINGS_MAX)
        g->off_times++;
    g->hopeless_ns = 0;
    return num_max(in->limit, g->from);
}

static double cut(struct pace_guard *g, const struct pace_load *in)
{
    double share = num_max(CUT_LEAST, in->target_s / in->pace_s);

    if (in->now_ns - g->cut_ns > EPISODE_NS)
        g->from = in->limit;
    g->cut_ns = in->now_ns;
    return num_max(1, num_min(in->limit, in->inflight) * share);
}

double pace_guard_tick(struct pace_guard *g, const struct pace_load *in)
{
    if (is_hopeless(g, in))
        return rest(g, in);
    if (pace_guard_rests(g, in->now_ns) || in->pace_s <= in->target_s || !in->binds ||
        in->now_ns - g->cut_ns < CUT_GAP_NS)
        return in->limit;
    return cut(g, in);
}
