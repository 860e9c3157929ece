/* SPDX-License-Identifier: Apache-2.0 */
/* Pace of open streams and its target. */
#include "weir/decide/pace.h"

#include <string.h>

#include "weir/decide/num.h"

#define MEMORY_NS      (3 * NS_PER_S)
#define PAUSE_NS       (200 * NS_PER_MS) /* a longer gap is a pause, and ... */
#define PAUSE_FACTOR   4                 /* ... if it is so many times the usual one */
#define EVENTS_MIN     10.0              /* fewer say nothing about pace */
#define PEAK_MEMORY_NS (500 * NS_PER_S)
#define CALM_SHARE     0.25 /* of the peak in flight is "few streams" */
#define CALM_LEAST     2.0
#define CALM_DOWN_NS   (950 * NS_PER_MS)   /* a better calm pace is believed within a second ... */
#define CALM_UP_NS     (33300 * NS_PER_MS) /* ... a worse one within half a minute */
#define LOW_ACTIVE_S   0.5                 /* stream-seconds; a burst of tokens is no pace */
#define LOW_FACTOR     1.25                /* the fastest in a crowd is slower than a calm one */
#define PROMISE_SHARE  0.92                /* stay a little inside of what is promised */
#define AUTO_FACTOR    2.0                 /* at most twice as slow as with few streams; */
#define AUTO_LEAST_S   0.055               /* 18 events/s are always good enough; */
#define AUTO_UNKNOWN_S 0.100               /* before a calm time was seen */

void pace_init(struct pace *p, uint64_t now_ns)
{
    memset(p, 0, sizeof *p);
    p->active_at_ns = p->last_event_ns = now_ns;
    p->target_s = AUTO_UNKNOWN_S;
}

void pace_note(struct pace *p, uint32_t streams, uint64_t now_ns)
{
    p->pending_active += streams * num_s(now_ns - p->active_at_ns);
    p->active_at_ns = now_ns;
}

void pace_seen(struct pace *p, uint64_t now_ns)
{
    p->last_event_ns = now_ns;
}

uint64_t pace_gap_ns(uint64_t gap_ns, uint64_t gaps_ns, uint64_t events, bool *paused)
{
    uint64_t usual_ns = events > 0 ? gaps_ns / events : 0;
    uint64_t most_ns = PAUSE_FACTOR * usual_ns > PAUSE_NS ? PAUSE_FACTOR * usual_ns : PAUSE_NS;
    bool again = *paused;

    *paused = gap_ns > most_ns;
    if (!*paused)
        return gap_ns;
    return again || usual_ns == 0 ? most_ns : usual_ns;
}

static void measure(struct pace *p, const struct pace_input *in)
{
    double keep = num_decay(in->elapsed_ns, MEMORY_NS);
    uint64_t news = in->events > p->counted ? in->events - p->counted : 0;

    p->counted += news;
    if (news > 0)
        p->last_event_ns = in->now_ns;
    p->events = keep * p->events + (double)news;
    p->active = keep * p->active + p->pending_active;
    p->pending_active = 0;
    p->gaps = keep * p->gaps + num_s(in->gaps_ns - p->gaps_counted);
    p->gaps_counted = in->gaps_ns;
    p->now_s = p->events > EVENTS_MIN ? (in->gaps_ns > 0 ? p->gaps : p->active) / p->events : 0;
}

static void learn_calm(struct pace *p, const struct pace_input *in)
{
    double few = num_max(CALM_LEAST, CALM_SHARE * p->peak);

    if (p->now_s <= 0 || in->inflight > few)
        return;
    if (p->calm_s <= 0) {
        p->calm_s = p->now_s;
        return;
    }
    p->calm_s += (1 - num_decay(in->elapsed_ns, p->now_s < p->calm_s ? CALM_DOWN_NS : CALM_UP_NS)) *
                 (p->now_s - p->calm_s);
}

/* The fastest pace that was seen, whatever the load: a calm one is no slower. */
static void learn_low(struct pace *p)
{
    if (p->now_s > 0 && p->active >= LOW_ACTIVE_S && (p->low_s <= 0 || p->now_s < p->low_s))
        p->low_s = p->now_s;
}

static double target(const struct pace *p, uint64_t promised_ns)
{
    if (promised_ns > 0)
        return PROMISE_SHARE * num_s(promised_ns);
    if (p->calm_s > 0)
        return num_max(AUTO_LEAST_S, AUTO_FACTOR * p->calm_s);
    return p->low_s > 0 ? num_max(AUTO_LEAST_S, LOW_FACTOR * p->low_s) : AUTO_UNKNOWN_S;
}

void pace_tick(struct pace *p, const struct pace_input *in)
{
    pace_note(p, in->streams, in->now_ns);
    measure(p, in);
    p->peak = num_max(in->inflight, p->peak * num_decay(in->elapsed_ns, PEAK_MEMORY_NS));
    learn_calm(p, in);
    learn_low(p);
    p->target_s = target(p, in->target_ns);
}
