/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limiter: one window of marks a second, one decision a window.  The limit on pending finds
 * queueing at the backend; the one on streams finds its slots and holds its pace.
 */
#include "weir/decide/limiter.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define PENDING_START   4.0
#define GAIN_MAX        8.0
#define STEP_LEAST      1.0  /* a step up is one request or ... */
#define STEP_SHARE      0.02 /* ... 2 %, the larger */
#define WINDOW_NS       (1 * NS_PER_S)
#define WINDOW_MARKS    8u
#define WINDOW_MAX_NS   (5 * NS_PER_S) /* a decision on a single mark, if there are no more */
#define BAD_SHARE       0.2
#define PENDING_FLOOR   1.5 /* below it, pending cannot be the cause: it is the slots */
#define HOLD_MIN        2u
#define HOLD_MAX        32u
#define PROBE_AFTER_NS  (60 * NS_PER_S)
#define PACE_CUT_GAP_NS (1 * NS_PER_S)
#define PACE_CUT_LEAST  0.8 /* at most a fifth at a time */

void limiter_init(struct limiter *l, uint32_t max_streams, uint64_t now_ns)
{
    WEIR_ASSERT(max_streams >= 1);
    memset(l, 0, sizeof *l);
    l->most = max_streams;
    limiter_restart(l, now_ns);
}

static void begin_window(struct limiter *l, uint64_t now_ns)
{
    l->on = l->late = l->err = 0;
    l->bind_pending = l->bind_streams = false;
    l->window_ns = now_ns;
}

void limiter_restart(struct limiter *l, uint64_t now_ns)
{
    l->pending = PENDING_START;
    l->start = true;
    l->streams = l->most;
    l->ceiling = LIMITER_NO_CEILING;
    l->hold = HOLD_MIN;
    l->gain = 1;
    l->probing = false;
    begin_window(l, now_ns);
}

void limiter_set_most(struct limiter *l, uint32_t max_streams)
{
    WEIR_ASSERT(max_streams >= 1);
    /* one that was never bound by evidence stays so */
    l->streams = l->streams >= l->most ? max_streams : num_min(l->streams, max_streams);
    l->most = max_streams;
    if (l->streams > l->ceiling)
        l->streams = l->ceiling;
}

double limiter_streams(const struct limiter *l)
{
    return l->override > 0 ? l->override : l->streams;
}

enum rule limiter_ask(struct limiter *l, uint32_t inflight, uint32_t pending)
{
    if (inflight >= num_floor(limiter_streams(l))) {
        l->bind_streams = true;
        return RULE_STREAM_LIMIT;
    }
    if (pending >= num_floor(l->pending)) {
        l->bind_pending = true;
        return RULE_PENDING_LIMIT;
    }
    return RULE_ROOM;
}

void limiter_refused(struct limiter *l)
{
    l->pending = num_max(1, l->pending / 2);
    l->start = false;
}

static void note_most(struct limiter *l, uint32_t started, uint64_t now_ns)
{
    if (now_ns - l->most_ns >= NS_PER_S) {
        l->most_before = l->most_now;
        l->most_now = started;
        l->most_ns = now_ns;
    } else if (started > l->most_now) {
        l->most_now = started;
    }
}

/* A probe that streams proves that the level fits. */
static void confirm_probe(struct limiter *l, uint32_t started)
{
    if (!l->probing || started < l->ceiling)
        return;
    l->probing = false;
    l->ceiling = LIMITER_NO_CEILING;
    l->hold = HOLD_MIN;
}

/* Late although hardly anything was pending: the streams seen at once are what the slots hold. */
static void remember_level(struct limiter *l, uint64_t now_ns)
{
    uint32_t most = l->most_now > l->most_before ? l->most_now : l->most_before;
    uint32_t level = num_floor(num_max(1, num_min(l->streams, most)));
    bool again = l->probing || level + 1 >= l->ceiling;

    l->pending = 1;
    l->hold = again ? (l->hold * 2 < HOLD_MAX ? l->hold * 2 : HOLD_MAX) : HOLD_MIN;
    l->streams = level;
    l->ceiling = level + 1;
    l->probe_marks = l->marks + l->hold;
    l->probe_ns = now_ns + PROBE_AFTER_NS;
}

static void judge_bad(struct limiter *l, uint32_t n, const struct limiter_input *in)
{
    l->start = false;
    l->gain = 1;
    if (l->pending > PENDING_FLOOR || in->unary)
        l->pending = num_max(1, l->pending * (1 - (double)(l->late + l->err) / (2.0 * n)));
    else if (l->late > 0) /* errors alone say nothing about slots */
        remember_level(l, in->now_ns);
    l->probing = false;
}

static double step(double limit)
{
    return num_max(STEP_LEAST, STEP_SHARE * limit);
}

static void grow_streams(struct limiter *l, const struct limiter_input *in)
{
    double x;

    if (in->pace_s >= in->target_s)
        return;
    x = l->streams + l->gain * step(l->streams);
    l->gain = num_min(GAIN_MAX, 2 * l->gain);
    if (x >= l->ceiling) {
        x = num_max(l->streams, (double)l->ceiling - 1);
        if (l->marks >= l->probe_marks || in->now_ns >= l->probe_ns) {
            x = l->ceiling;
            l->probing = true;
        }
    }
    l->streams = num_min(l->most, x);
}

/*
 * Slow start doubles, but where answers stream not under the ramp: that would put a crowd before a
 * cold engine.
 */
static void grow_pending(struct limiter *l, const struct limiter_input *in)
{
    bool fast = l->start && (in->unary || !in->ramping);

    l->pending =
        num_min(LIMITER_PENDING_MAX, l->pending + (fast ? (double)l->on : step(l->pending)));
}

static bool window_is_full(const struct limiter *l, uint32_t n, uint64_t now_ns)
{
    uint64_t age = now_ns - l->window_ns;

    return (n >= WINDOW_MARKS && age >= WINDOW_NS) || (n >= 1 && age >= WINDOW_MAX_NS) ||
           (l->probing && l->late > 0);
}

static void judge_window(struct limiter *l, const struct limiter_input *in)
{
    uint32_t n = l->on + l->late + l->err;

    if (!window_is_full(l, n, in->now_ns))
        return;
    l->marks += n;
    if (l->late + l->err > BAD_SHARE * n)
        judge_bad(l, n, in);
    else if (l->bind_streams)
        grow_streams(l, in);
    else if (l->bind_pending)
        grow_pending(l, in);
    begin_window(l, in->now_ns);
}

/*
 * Too slow for the promise while L is what holds the load: fewer streams, in proportion.  A limit
 * that was never bound holds a load that is still growing, but not one that the ramp holds: what a
 * cold engine does with its first five streams says nothing about fifty.
 */
static void cut_for_pace(struct limiter *l, const struct limiter_input *in)
{
    bool unbound = l->streams >= l->most;
    bool binds = unbound ? !in->ramping : in->inflight <= l->streams + 1;

    if (in->pace_s <= in->target_s || in->now_ns - l->pace_cut_ns < PACE_CUT_GAP_NS || !binds)
        return;
    l->streams = num_max(1, num_min(l->streams, in->inflight) *
                                num_max(PACE_CUT_LEAST, in->target_s / in->pace_s));
    l->pace_cut_ns = in->now_ns;
    l->gain = 1;
}

void limiter_tick(struct limiter *l, const struct limiter_input *in)
{
    uint32_t started = in->inflight - in->pending;

    note_most(l, started, in->now_ns);
    confirm_probe(l, started);
    judge_window(l, in);
    cut_for_pace(l, in);
}
