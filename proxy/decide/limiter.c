/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limiter: one window of marks a second, one decision a window.  The limit on pending finds
 * queueing at the backend; the one on streams finds its slots and keeps its pace.
 */
#include "weir/decide/limiter.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define PENDING_START  4.0
#define GAIN_MAX       8.0
#define STEP_LEAST     1.0  /* a step up is one request or ... */
#define STEP_SHARE     0.02 /* ... 2 %, the larger */
#define WINDOW_NS      (1 * NS_PER_S)
#define WINDOW_MARKS   8u
#define WINDOW_MAX_NS  (5 * NS_PER_S) /* a decision on a single mark, if there are no more */
#define FEEL_SHARE     0.25
#define BAD_SHARE      0.2
#define PENDING_FLOOR  1.5 /* below it, pending cannot be the cause: it is the slots */
#define WAIT_MARKS_MIN 2u
#define WAIT_MARKS_MAX 32u
#define PROBE_AFTER_NS (60 * NS_PER_S)
#define PROVEN_NS      (20 * NS_PER_S)
#define PROVEN_ROUND   0.5
#define KNOWN_NS       (120 * NS_PER_S)

void limiter_init(struct limiter *l, uint32_t max_streams, uint64_t now_ns)
{
    WEIR_ASSERT(max_streams >= 1);
    memset(l, 0, sizeof *l);
    l->most = max_streams;
    limiter_restart(l, now_ns);
    l->cold = true;
}

static void begin_window(struct limiter *l, uint64_t now_ns)
{
    l->on = l->late = l->err = 0;
    l->overtaken = l->alone = 0;
    l->bind_pending = l->bind_streams = false;
    l->window_ns = now_ns;
}

void limiter_restart(struct limiter *l, uint64_t now_ns)
{
    l->pending = num_min(PENDING_START, limiter_known(l));
    l->start = true;
    l->cold = false;
    l->streams = l->most;
    l->ceiling = LIMITER_NO_CEILING;
    l->wait_marks = WAIT_MARKS_MIN;
    l->gain = 1;
    l->probing = false;
    l->proven = 0;
    pace_guard_restart(&l->pace);
    begin_window(l, now_ns);
}

double limiter_known(const struct limiter *l)
{
    return l->known > 0 ? num_min(l->known, l->most) : l->most;
}

bool limiter_had_place_of(double proven, uint32_t inflight)
{
    return inflight == 0 || inflight + 1 <= proven + PROVEN_ROUND;
}

bool limiter_had_place(const struct limiter *l, uint32_t inflight)
{
    return limiter_had_place_of(l->proven, inflight);
}

bool limiter_is_full(const struct limiter *l, uint32_t streams)
{
    return streams + PROVEN_ROUND >= l->proven;
}

void limiter_late(struct limiter *l, bool learning)
{
    l->late++;
    doubt_late(&l->doubt, learning);
}

void limiter_on_time(struct limiter *l, bool ramped)
{
    double known = limiter_known(l);

    l->on++;
    doubt_on_time(&l->doubt);
    if (l->start && !ramped && l->bind_pending && l->late + l->err == 0 && l->pending < known)
        l->pending = num_min(known, l->pending + 1);
}

void limiter_set_most(struct limiter *l, uint32_t max_streams)
{
    WEIR_ASSERT(max_streams >= 1);
    /* one that was never bound by evidence stays so */
    l->streams = l->streams >= l->most ? max_streams : num_min(l->streams, max_streams);
    l->most = max_streams;
    l->pending = num_min(l->pending, max_streams);
    if (l->streams > l->ceiling)
        l->streams = l->ceiling;
}

void limiter_put(struct limiter *l, double streams, double pending)
{
    l->streams = num_clamp(streams, 1, l->most);
    l->pending = num_clamp(pending, 1, l->most);
    l->ceiling = LIMITER_NO_CEILING;
    l->gain = 1;
    l->probing = false;
}

double limiter_streams(const struct limiter *l)
{
    return l->override > 0 ? l->override : l->streams;
}

void limiter_restored(struct limiter *l, uint32_t max_streams, uint64_t away_ns, uint64_t now_ns)
{
    limiter_set_most(l, max_streams);
    l->known = num_max(l->pending, l->known * num_decay(away_ns, KNOWN_NS));
    l->gain = 1;
    l->probe_marks = l->marks + l->wait_marks;
    l->probe_ns = now_ns + PROBE_AFTER_NS;
    if (doubt_restored(&l->doubt, away_ns, now_ns))
        l->start = true;
    begin_window(l, now_ns);
}

bool limiter_has_room(const struct limiter *l, uint32_t inflight, uint32_t pending)
{
    return inflight < num_floor(limiter_streams(l)) && pending < num_floor(l->pending);
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
    l->wait_marks = WAIT_MARKS_MIN;
}

static uint32_t most_lately(const struct limiter *l)
{
    return l->most_now > l->most_before ? l->most_now : l->most_before;
}

/* Late although hardly anything was pending: as many streams as were seen at once fill the slots.
 */
static void remember_level(struct limiter *l, uint64_t now_ns)
{
    uint32_t level = num_floor(num_max(1, num_min(l->streams, most_lately(l))));
    bool again = l->probing || level + 1 >= l->ceiling;

    l->pending = 1;
    l->wait_marks = again
                        ? (l->wait_marks * 2 < WAIT_MARKS_MAX ? l->wait_marks * 2 : WAIT_MARKS_MAX)
                        : WAIT_MARKS_MIN;
    l->streams = level;
    l->ceiling = level + 1;
    l->probe_marks = l->marks + l->wait_marks;
    l->probe_ns = now_ns + PROBE_AFTER_NS;
}

static void judge_bad(struct limiter *l, uint32_t n, const struct limiter_input *in)
{
    l->proven = num_min(l->proven, most_lately(l)); /* more places than these are not certain now */
    l->cold = false;
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

    l->cold = false;
    if (in->pace_s >= in->target_s && !pace_guard_rests(&l->pace, in->now_ns))
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

static void grow_pending(struct limiter *l)
{
    l->pending = num_min(l->most, l->pending + step(l->pending));
}

/*
 * What may be pending was a guess, and nothing speaks for it: nobody has answered yet, or nobody
 * was late and places are free.  A quarter more, each second.
 */
static bool feel_forward(struct limiter *l, const struct limiter_input *in)
{
    bool guess = l->on + l->late + l->err == 0 || (l->late + l->err == 0 && in->places_free);

    if (!l->cold || !l->start || in->ramping || !l->bind_pending || in->stuck || !guess ||
        in->now_ns - l->window_ns < WINDOW_NS)
        return false;
    l->marks += l->on;
    l->pending = num_min(l->most, l->pending + num_max(STEP_LEAST, FEEL_SHARE * l->pending));
    begin_window(l, in->now_ns);
    return true;
}

/* Late ones are evidence where a limit was shown, or beside errors. */
static bool window_is_bad(const struct limiter *l, uint32_t n)
{
    return (l->doubt.shown || l->err > 0) && l->late + l->err > BAD_SHARE * n;
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

    if (feel_forward(l, in))
        return;
    if (!window_is_full(l, n, in->now_ns))
        return;
    l->marks += n;
    if (window_is_bad(l, n))
        judge_bad(l, n, in);
    else if (l->bind_streams)
        grow_streams(l, in);
    else if (l->bind_pending)
        grow_pending(l);
    begin_window(l, in->now_ns);
}

/*
 * Too slow for the promise while L limits the load: fewer streams, in proportion.  A limit that was
 * never bound limits a load that is still growing, but not one that the ramp limits: what a cold
 * engine does with its first five streams says nothing about fifty.
 */
static void guard_pace(struct limiter *l, const struct limiter_input *in)
{
    bool unbound = l->streams >= l->most;
    struct pace_load load = {
        .pace_s = in->pace_s,
        .target_s = in->target_s,
        .limit = l->streams,
        .inflight = in->inflight,
        .binds = unbound ? !in->ramping : in->inflight <= l->streams + 1,
        .now_ns = in->now_ns,
    };
    double limit = pace_guard_tick(&l->pace, &load);

    if (limit < l->streams) {
        l->cold = false;
        l->gain = 1;
    }
    l->streams = num_min(num_min(limit, l->most), l->ceiling);
}

static void note_proven(struct limiter *l, const struct limiter_input *in)
{
    l->proven = num_max(in->streams, l->proven * num_decay(in->elapsed_ns, PROVEN_NS));
}

/* A load that a ramp or a slow start limits says nothing of what the upstream can bear. */
static void note_known(struct limiter *l, const struct limiter_input *in)
{
    if (!in->ramping && !l->start)
        l->known = num_max(l->pending, l->known * num_decay(in->elapsed_ns, KNOWN_NS));
}

static void note_ramp(struct limiter *l, const struct limiter_input *in)
{
    if (l->ramped && !in->ramping)
        begin_window(l, in->now_ns); /* marks earned under a share say nothing of more */
    l->ramped = in->ramping;
}

void limiter_follow(struct limiter *l, const struct limiter_lead *lead)
{
    l->proven = num_max(lead->in_streams, l->proven * num_decay(lead->elapsed_ns, PROVEN_NS));
    limiter_put(l, lead->streams, lead->pending);
    l->start = lead->start;
    l->cold = lead->cold;
    l->known = 0;
    l->doubt = (struct doubt){lead->doubt, lead->shown, lead->now_ns};
    if (lead->now_ns - l->window_ns >= WINDOW_NS)
        begin_window(l, lead->now_ns);
}

void limiter_tick(struct limiter *l, const struct limiter_input *in)
{
    uint32_t started = in->inflight - in->pending;
    bool busy = l->late > 0 || l->bind_pending || l->bind_streams;

    note_proven(l, in);
    note_known(l, in);
    note_ramp(l, in);
    note_most(l, started, in->now_ns);
    confirm_probe(l, started);
    judge_window(l, in);
    if (doubt_tick(&l->doubt, busy, in->now_ns))
        l->start = true;
    guard_pace(l, in);
}
