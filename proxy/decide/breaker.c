/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker of one upstream: its states, what trips it, and the way back.  Evidence comes in by
 * breaker_evidence.c, operator commands by breaker_operator.c; the share while RAMPING is ramp.c's.
 */
#include "weir/decide/breaker.h"

#include <string.h>

#include "breaker_priv.h"
#include "weir/base/assert.h"

#define QUIET_NS           (60 * NS_PER_S) /* CLOSED for so long: earlier trips are forgotten */
#define WAIT_JITTER        0.5             /* an OPEN lasts between half and all of its time */
#define WAIT_DOUBLINGS_MAX 20u
#define KNOWN_GOOD_NS      (10 * NS_PER_S)
#define PUT_OFF_NS         (2 * NS_PER_S)  /* whose probe got a 500, for others to be asked */
#define KIND_WAIT_NS       (30 * NS_PER_S) /* for a probe of the kind that tripped it */

/* From each state, where the rules may go.  An operator may go anywhere. */
static const unsigned may_follow[BREAKER_STATE_COUNT] = {
    [BREAKER_CLOSED] = 1u << BREAKER_OPEN,
    [BREAKER_OPEN] = 1u << BREAKER_HALF_OPEN,
    [BREAKER_HALF_OPEN] = 1u << BREAKER_OPEN | 1u << BREAKER_RAMPING,
    [BREAKER_RAMPING] = 1u << BREAKER_OPEN | 1u << BREAKER_CLOSED,
    [BREAKER_DRAINED] = 0,
};

static void forget_windows(struct breaker *b, const struct breaker_rules *c)
{
    window_init(&b->window, c->breaker->window_ns, c->now_ns);
    for (int i = 0; i < BREAKER_PARTS; i++) {
        window_init(&b->part[i], c->breaker->window_ns, c->now_ns);
        suspects_init(&b->suspects[i], c->breaker->window_ns);
    }
}

void breaker_init(struct breaker *b, const struct breaker_rules *c, struct event_ring *events,
                  struct random *random, int index)
{
    memset(b, 0, sizeof *b);
    b->state = BREAKER_CLOSED;
    b->since_ns = c->now_ns;
    b->events = events;
    b->random = random;
    b->index = index;
    b->ramp.share = 1;
    b->probe_kinds = KINDS_ANY;
    forget_windows(b, c);
}

void breaker_set_conf(struct breaker *b, const struct breaker_rules *c)
{
    if (b->window.slice_ns != c->breaker->window_ns / WINDOW_SLICES)
        forget_windows(b, c);
}

double breaker_share(const struct breaker *b)
{
    if (b->state == BREAKER_CLOSED)
        return 1;
    return b->state == BREAKER_RAMPING ? b->ramp.share : 0;
}

/* Causes are literals of ours and fit. */
static void put_cause(char out[BREAKER_CAUSE_MAX], const char *cause)
{
    size_t n = 0;

    while (n < BREAKER_CAUSE_MAX - 1 && cause[n] != '\0')
        n++;
    memset(out, 0, BREAKER_CAUSE_MAX);
    memcpy(out, cause, n);
}

void breaker_log(struct breaker *b, const struct breaker_rules *c, enum breaker_state from,
                 const char *cause)
{
    struct pool_event ev = {
        .at_ns = c->now_ns,
        .upstream = b->index,
        .from = from,
        .to = b->state,
        .requests = window_sum(&b->window, OUTCOME_OK) + window_failures(&b->window),
        .failed = window_failures(&b->window),
        .refused = window_sum(&b->window, OUTCOME_REFUSED),
        .consecutive = b->failed_in_row > b->cut_in_row ? b->failed_in_row : b->cut_in_row,
        .window_ns = c->breaker->window_ns,
        .share = breaker_share(b),
    };

    put_cause(ev.cause, cause);
    event_push(b->events, &ev);
}

static void forget_rows(struct breaker *b)
{
    b->failed_in_row = b->cut_in_row = 0;
    memset(b->failed_of, 0, sizeof b->failed_of);
    memset(b->cut_of, 0, sizeof b->cut_of);
    b->row_kinds = 0;
    b->row++;
}

void breaker_enter(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                   const char *cause)
{
    enum breaker_state from = b->state;
    bool returns = to == BREAKER_RAMPING || to == BREAKER_CLOSED;

    b->state = to;
    b->since_ns = c->now_ns;
    b->until_ns = 0;
    put_cause(b->cause, cause);
    breaker_log(b, c, from, cause);
    if (from == BREAKER_RAMPING)
        b->ramp.held = false;
    if (to == BREAKER_HALF_OPEN) {
        b->probes = b->good = 0;
        b->probe_who = 0;
        b->probe_others = false;
        b->probe_kind_ns = c->now_ns;
    }
    if (returns && from != BREAKER_RAMPING && from != BREAKER_CLOSED) {
        /* what was seen before it went away says nothing about what came back */
        forget_windows(b, c);
        forget_rows(b);
    }
}

void breaker_follow(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
                    const char *cause)
{
    WEIR_ASSERT((may_follow[b->state] & (1u << to)) != 0);
    breaker_enter(b, c, to, cause);
    b->by_hand = false;
}

uint64_t breaker_wait_ns(struct breaker *b, const struct breaker_conf *c)
{
    uint32_t doublings = b->trips > 0 ? b->trips - 1 : 0;
    double wait_s = num_s(c->open_min_ns);

    if (doublings > WAIT_DOUBLINGS_MAX)
        doublings = WAIT_DOUBLINGS_MAX;
    wait_s = num_min(num_s(c->open_max_ns), wait_s * (double)(UINT32_C(1) << doublings));
    return num_ns(random_between(b->random, WAIT_JITTER * wait_s, wait_s));
}

static void trip_for(struct breaker *b, const struct breaker_rules *c, const char *cause,
                     uint8_t kinds)
{
    if (b->state == BREAKER_RAMPING)
        ramp_died(&b->ramp);
    b->trips++;
    b->vouched = false;
    b->probe_kinds = kinds;
    breaker_follow(b, c, BREAKER_OPEN, cause);
    b->generation++;
    b->until_ns = c->now_ns + breaker_wait_ns(b, c->breaker);
}

/* By what is no matter of a kind, or by a probe: then by the kind that tripped it before. */
void breaker_trip(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    trip_for(b, c, cause, b->state == BREAKER_HALF_OPEN ? b->probe_kinds : KINDS_ANY);
}

static bool is_judged(const struct breaker *b)
{
    return breaker_lets_through(b->state) && !b->forced_closed;
}

bool breaker_is_at_work(const struct breaker *b, const struct breaker_rules *c)
{
    return b->content_ns > 0 && c->now_ns - b->content_ns < c->breaker->window_ns / 2;
}

static uint8_t kinds_of_part(int part)
{
    return part == 0 ? 1u << KIND_GENERATION : (uint8_t)(KINDS_ANY & ~(1u << KIND_GENERATION));
}

/*
 * Generation outweighs the rest: while chats are well, a route that fails does not take the
 * upstream from them.  The other way round, a list of models that is served says nothing of an
 * engine.
 */
static bool part_counts(const struct breaker *b, int part)
{
    return part == 0 || window_sum(&b->part[0], OUTCOME_OK) == 0;
}

static uint32_t judged_in(const struct window *w)
{
    return window_failures(w) + window_sum(w, OUTCOME_OK);
}

bool breaker_others_fare_well(struct breaker *b, const struct breaker_rules *c, int part)
{
    const struct window *w = &b->part[part];
    double rate = c->breaker->error_rate;
    struct suspects_rest rest;

    return suspects_rest(&b->suspects[part], judged_in(w), window_failures(w), rate, c->now_ns,
                         &rest) &&
           rest.failed < rate * rest.n;
}

/* Of all, and also of those who are left when users whose requests mostly end in 500 are not
 * counted; without others the users are all there is. */
static bool fails_too_often(struct breaker *b, const struct breaker_rules *c, int part)
{
    const struct window *w = &b->part[part];
    uint32_t n = judged_in(w);

    return n >= c->breaker->min_requests && window_failures(w) >= c->breaker->error_rate * n &&
           !breaker_others_fare_well(b, c, part);
}

static bool judge_part(struct breaker *b, const struct breaker_rules *c, int part)
{
    const struct window *w = &b->part[part];

    if (!part_counts(b, part))
        return false;
    if (fails_too_often(b, c, part))
        trip_for(b, c, "error_rate", kinds_of_part(part));
    else if (window_sum(w, WINDOW_SHUT) >= BREAKER_REFUSING_MIN && window_sum(w, OUTCOME_OK) == 0 &&
             !breaker_is_at_work(b, c))
        trip_for(b, c, "refusing", kinds_of_part(part));
    else
        return false;
    return true;
}

void breaker_judge(struct breaker *b, const struct breaker_rules *c, uint8_t kind,
                   const char *failures)
{
    uint32_t most = c->breaker->consecutive;

    if (!is_judged(b))
        return;
    for (int i = 0; i < BREAKER_PARTS; i++)
        window_advance(&b->part[i], c->now_ns);
    if (b->failed_of[kind] >= most)
        trip_for(b, c, failures, (uint8_t)(1u << kind));
    else if (b->failed_in_row >= most)
        trip_for(b, c, failures, b->row_kinds);
    else if (b->cut_of[kind] >= most)
        trip_for(b, c, "consecutive_cuts", (uint8_t)(1u << kind));
    else if (b->cut_in_row >= most)
        trip_for(b, c, "consecutive_cuts", KINDS_ANY);
    else
        (void)judge_part(b, c, kind != KIND_GENERATION);
}

/*
 * The first probe goes alone: to a dead upstream one connection is as telling as three, and those
 * that wait for the verdict would only have failed beside it.
 */
static uint32_t places(const struct breaker *b, const struct breaker_conf *c)
{
    return b->good > 0 ? c->probes : 1;
}

bool breaker_has_place(const struct breaker *b, const struct breaker_rules *c)
{
    return b->state == BREAKER_HALF_OPEN && b->probes < places(b, c->breaker);
}

static bool is_put_off(const struct breaker *b, const struct breaker_rules *c, uint64_t who)
{
    return who != 0 && b->probe_who == who && c->now_ns - b->probe_who_ns < PUT_OFF_NS;
}

static bool may_probe(const struct breaker *b, const struct breaker_rules *c, uint8_t kind,
                      uint64_t who)
{
    if (is_put_off(b, c, who))
        return false;
    return (b->probe_kinds & (1u << kind)) != 0 || c->now_ns - b->probe_kind_ns >= KIND_WAIT_NS;
}

enum rule breaker_ask(struct breaker *b, const struct breaker_rules *c, uint32_t inflight,
                      uint8_t kind, uint64_t who)
{
    switch (b->state) {
    case BREAKER_CLOSED:
        return RULE_ROOM;
    case BREAKER_OPEN:
        return RULE_BREAKER_OPEN;
    case BREAKER_HALF_OPEN:
        return breaker_has_place(b, c) && may_probe(b, c, kind, who) ? RULE_PROBE : RULE_HALF_OPEN;
    case BREAKER_RAMPING:
        if (inflight < ramp_allows(&b->ramp, b->known_good))
            return RULE_ROOM;
        b->ramp.refused = true;
        return RULE_RAMP;
    case BREAKER_DRAINED:
        return RULE_DRAINED;
    }
    WEIR_UNREACHABLE("breaker state");
}

static void tick_ramp(struct breaker *b, const struct breaker_rules *c)
{
    switch (ramp_tick(&b->ramp, c->ramp, c->now_ns)) {
    case RAMP_GOES_ON:
        return;
    case RAMP_FULL:
        breaker_follow(b, c, BREAKER_CLOSED, "ramp_full");
        return;
    case RAMP_FAILED:
        breaker_trip(b, c, "ramp_failed");
        return;
    }
}

static void tick_closed(struct breaker *b, const struct breaker_rules *c,
                        const struct breaker_input *in)
{
    bool refuses = window_sum(&b->window, OUTCOME_REFUSED) > 0;

    /* what drains out of one that takes nothing says nothing of what it can bear */
    if (!refuses || in->inflight > b->known_good)
        b->known_good +=
            (1 - num_decay(in->elapsed_ns, KNOWN_GOOD_NS)) * (in->inflight - b->known_good);
    if (c->now_ns - b->since_ns >= QUIET_NS)
        b->trips = 0;
}

void breaker_tick(struct breaker *b, const struct breaker_rules *c, const struct breaker_input *in)
{
    window_advance(&b->window, c->now_ns);
    for (int i = 0; i < BREAKER_PARTS; i++)
        window_advance(&b->part[i], c->now_ns);
    b->content_ns = in->content_ns;
    if (in->silent && is_judged(b)) {
        trip_for(b, c, "silence", 1u << KIND_GENERATION);
        return;
    }
    if (b->state == BREAKER_CLOSED)
        tick_closed(b, c, in);
    else if (b->state == BREAKER_RAMPING)
        tick_ramp(b, c);
    else if (b->state == BREAKER_OPEN && !b->forced_open && !b->health_bad &&
             c->now_ns >= b->until_ns)
        breaker_follow(b, c, BREAKER_HALF_OPEN, "wait_over");
}

void breaker_health_failed(struct breaker *b, const struct breaker_rules *c)
{
    b->health_bad = true;
    b->vouched = false;
    if (b->forced_closed || b->state == BREAKER_OPEN || b->state == BREAKER_DRAINED)
        return;
    breaker_trip(b, c, "health_check");
}

void breaker_health_ok(struct breaker *b, const struct breaker_rules *c)
{
    bool news = b->health_bad;

    /* a check that never failed knows nothing about why this upstream is open */
    b->health_bad = false;
    b->vouched = true;
    if (news && b->state == BREAKER_OPEN && !b->forced_open)
        breaker_follow(b, c, BREAKER_HALF_OPEN, "health_check");
}

void breaker_health_off(struct breaker *b, const struct breaker_rules *c)
{
    bool was_bad = b->health_bad;

    b->health_bad = b->vouched = false;
    if (was_bad && b->state == BREAKER_OPEN && !b->forced_open)
        breaker_follow(b, c, BREAKER_HALF_OPEN, "health_off");
}
