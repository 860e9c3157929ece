/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker of one upstream: what evidence does to its state.  Orders of an operator are in
 * breaker_hand.c; the share while RAMPING is ramp.c's.
 */
#include "weir/decide/breaker.h"

#include <string.h>

#include "breaker_priv.h"
#include "weir/base/assert.h"

#define REFUSING_MIN       5u /* refusals and nothing good: a dead service behind a polite front */
#define QUIET_NS           (60 * NS_PER_S) /* CLOSED for so long: earlier trips are forgotten */
#define WAIT_JITTER        0.5             /* an OPEN lasts between half and all of its time */
#define WAIT_DOUBLINGS_MAX 20u
#define KNOWN_GOOD_NS      (10 * NS_PER_S)
#define STATUS_CLIENTS_OWN 500u /* some engines answer so to one client's bad request */

/* From each state, where the rules may go.  An operator may go anywhere. */
static const unsigned may_follow[BREAKER_STATE_COUNT] = {
    [BREAKER_CLOSED] = 1u << BREAKER_OPEN,
    [BREAKER_OPEN] = 1u << BREAKER_HALF_OPEN,
    [BREAKER_HALF_OPEN] = 1u << BREAKER_OPEN | 1u << BREAKER_RAMPING,
    [BREAKER_RAMPING] = 1u << BREAKER_OPEN | 1u << BREAKER_CLOSED,
    [BREAKER_DRAINED] = 0,
};

void breaker_init(struct breaker *b, const struct breaker_rules *c, struct event_ring *events,
                  struct chance *chance, int index)
{
    memset(b, 0, sizeof *b);
    b->state = BREAKER_CLOSED;
    b->since_ns = c->now_ns;
    b->events = events;
    b->chance = chance;
    b->index = index;
    b->ramp.share = 1;
    window_init(&b->window, c->breaker->window_ns, c->now_ns);
}

void breaker_set_conf(struct breaker *b, const struct breaker_rules *c)
{
    if (b->window.slice_ns != c->breaker->window_ns / WINDOW_SLICES)
        window_init(&b->window, c->breaker->window_ns, c->now_ns);
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
    b->failed_in_row = b->cut_in_row = b->n_blamed = 0;
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
    if (to == BREAKER_HALF_OPEN)
        b->probes = b->good = 0;
    if (returns && from != BREAKER_RAMPING && from != BREAKER_CLOSED) {
        /* what was seen before it went away says nothing about what came back */
        window_init(&b->window, c->breaker->window_ns, c->now_ns);
        forget_rows(b);
    }
}

static void follow(struct breaker *b, const struct breaker_rules *c, enum breaker_state to,
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
    return num_ns(chance_between(b->chance, WAIT_JITTER * wait_s, wait_s));
}

static void trip(struct breaker *b, const struct breaker_rules *c, const char *cause)
{
    if (b->state == BREAKER_RAMPING)
        ramp_died(&b->ramp);
    b->trips++;
    b->vouched = false;
    follow(b, c, BREAKER_OPEN, cause);
    b->era++;
    b->until_ns = c->now_ns + breaker_wait_ns(b, c->breaker);
}

static bool is_judged(const struct breaker *b)
{
    return (b->state == BREAKER_CLOSED || b->state == BREAKER_RAMPING) && !b->forced_closed;
}

static void judge(struct breaker *b, const struct breaker_rules *c)
{
    uint32_t failed, n;

    if (!is_judged(b))
        return;
    window_advance(&b->window, c->now_ns);
    failed = window_failures(&b->window);
    n = failed + window_sum(&b->window, OUTCOME_OK);
    if (b->failed_in_row >= c->breaker->consecutive)
        trip(b, c, "consecutive_failures");
    else if (b->cut_in_row >= c->breaker->consecutive)
        trip(b, c, "consecutive_cuts");
    else if (n >= c->breaker->min_requests && failed >= c->breaker->error_rate * n)
        trip(b, c, "error_rate");
    else if (window_sum(&b->window, OUTCOME_REFUSED) >= REFUSING_MIN &&
             window_sum(&b->window, OUTCOME_OK) == 0)
        trip(b, c, "refusing");
}

/*
 * The first probe goes alone: to a dead upstream one connection is as telling as three, and those
 * that wait for the verdict would only have failed beside it.
 */
static uint32_t places(const struct breaker *b, const struct breaker_conf *c)
{
    return b->good > 0 ? c->probes : 1;
}

enum rule breaker_ask(struct breaker *b, const struct breaker_rules *c, uint32_t inflight)
{
    switch (b->state) {
    case BREAKER_CLOSED:
        return RULE_ROOM;
    case BREAKER_OPEN:
        return RULE_BREAKER_OPEN;
    case BREAKER_HALF_OPEN:
        return b->probes < places(b, c->breaker) ? RULE_PROBE : RULE_HALF_OPEN;
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

/* A share is judged by what was sent under it, not by what the one before still had under way. */
static bool tells_of_share(const struct breaker *b, const struct evidence *e)
{
    return b->state == BREAKER_RAMPING && e->sent_ns >= b->ramp.step_ns;
}

void breaker_probe_sent(struct breaker *b)
{
    b->probes++;
}

/* Sent before the last death: it counts in the window that people read, and decides nothing. */
static bool is_stale(const struct breaker *b, const struct evidence *e)
{
    return e->era != b->era;
}

static bool is_probe(const struct breaker *b, const struct evidence *e)
{
    return b->state == BREAKER_HALF_OPEN && e->probe && !is_stale(b, e);
}

static void good_probe(struct breaker *b, const struct breaker_rules *c)
{
    if (++b->good < c->breaker->probes)
        return;
    ramp_begin(&b->ramp, c->ramp->start, c->now_ns);
    b->ramp.on = b->good; /* they are the first evidence for the first share */
    follow(b, c, BREAKER_RAMPING, "probes_good");
    b->began_ramp = true;
}

void breaker_first(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                   enum lateness l)
{
    window_add(&b->window, OUTCOME_OK, c->now_ns);
    if (l == LATE_NOW)
        window_add(&b->window, WINDOW_LATE, c->now_ns);
    else if (l == ON_TIME)
        window_add(&b->window, WINDOW_ON_TIME, c->now_ns);
    if (is_stale(b, e))
        return;
    b->failed_in_row = b->n_blamed = 0;
    if (tells_of_share(b, e) && l == LATE_NOW)
        b->ramp.late++;
    else if (tells_of_share(b, e) && l != LATE_BEFORE)
        b->ramp.on++;
    if (is_probe(b, e) && l == LATE_NOW)
        trip(b, c, "probe_late");
    else if (is_probe(b, e))
        good_probe(b, c);
}

void breaker_late(struct breaker *b, const struct breaker_rules *c, const struct evidence *e)
{
    window_add(&b->window, WINDOW_LATE, c->now_ns);
    if (is_stale(b, e))
        return;
    if (tells_of_share(b, e))
        b->ramp.late++;
    if (is_probe(b, e))
        trip(b, c, "probe_late");
}

/* One client's bad request, sent again and again, must not take the upstream from everybody. */
static bool user_is_blamed(struct breaker *b, const struct evidence *e)
{
    if (e->status != STATUS_CLIENTS_OWN || e->user == 0)
        return false;
    for (uint32_t i = 0; i < b->n_blamed; i++)
        if (b->blamed[i] == e->user)
            return true;
    if (b->n_blamed < BREAKER_BLAMED_MAX)
        b->blamed[b->n_blamed++] = e->user;
    return false;
}

static void failure_counts(struct breaker *b, const struct breaker_rules *c,
                           const struct evidence *e, const char *probe_cause)
{
    if (b->state == BREAKER_RAMPING)
        b->ramp.fail++;
    if (is_probe(b, e))
        trip(b, c, probe_cause);
    else
        judge(b, c);
}

void breaker_failed(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                    enum outcome o)
{
    window_add(&b->window, o, c->now_ns);
    if (is_stale(b, e))
        return;
    if (!user_is_blamed(b, e))
        b->failed_in_row++;
    failure_counts(b, c, e, "probe_failed");
}

void breaker_cut(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                 enum outcome o)
{
    window_take_back(&b->window, OUTCOME_OK, c->now_ns);
    window_add(&b->window, o, c->now_ns);
    if (is_stale(b, e))
        return;
    b->cut_in_row++;
    failure_counts(b, c, e, "probe_failed");
}

void breaker_refused(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                     bool after_content)
{
    if (after_content)
        window_take_back(&b->window, OUTCOME_OK, c->now_ns);
    window_add(&b->window, OUTCOME_REFUSED, c->now_ns);
    if (!is_stale(b, e))
        judge(b, c);
}

void breaker_neutral(struct breaker *b, const struct breaker_rules *c)
{
    window_add(&b->window, OUTCOME_NEUTRAL, c->now_ns);
}

void breaker_clean_end(struct breaker *b, const struct evidence *e)
{
    if (!is_stale(b, e))
        b->cut_in_row = 0;
}

void breaker_probe_back(struct breaker *b, const struct evidence *e)
{
    if (!is_probe(b, e))
        return;
    WEIR_ASSERT(b->probes > 0);
    b->probes--;
}

static void tick_ramp(struct breaker *b, const struct breaker_rules *c)
{
    switch (ramp_tick(&b->ramp, c->ramp, c->now_ns)) {
    case RAMP_GOES_ON:
        return;
    case RAMP_FULL:
        follow(b, c, BREAKER_CLOSED, "ramp_full");
        return;
    case RAMP_FAILED:
        trip(b, c, "ramp_failed");
        return;
    }
}

static void tick_closed(struct breaker *b, const struct breaker_rules *c,
                        const struct breaker_input *in)
{
    b->known_good +=
        (1 - num_decay(in->elapsed_ns, KNOWN_GOOD_NS)) * (in->inflight - b->known_good);
    if (c->now_ns - b->since_ns >= QUIET_NS)
        b->trips = 0;
}

void breaker_tick(struct breaker *b, const struct breaker_rules *c, const struct breaker_input *in)
{
    window_advance(&b->window, c->now_ns);
    if (in->silent && is_judged(b)) {
        trip(b, c, "silence");
        return;
    }
    if (b->state == BREAKER_CLOSED)
        tick_closed(b, c, in);
    else if (b->state == BREAKER_RAMPING)
        tick_ramp(b, c);
    else if (b->state == BREAKER_OPEN && !b->held_open && !b->health_bad &&
             c->now_ns >= b->until_ns)
        follow(b, c, BREAKER_HALF_OPEN, "wait_over");
}

void breaker_health_failed(struct breaker *b, const struct breaker_rules *c)
{
    b->health_bad = true;
    b->vouched = false;
    if (b->forced_closed || b->state == BREAKER_OPEN || b->state == BREAKER_DRAINED)
        return;
    trip(b, c, "health_check");
}

void breaker_health_ok(struct breaker *b, const struct breaker_rules *c)
{
    bool news = b->health_bad;

    /* a check that never failed knows nothing about why this upstream is open */
    b->health_bad = false;
    b->vouched = true;
    if (news && b->state == BREAKER_OPEN && !b->held_open)
        follow(b, c, BREAKER_HALF_OPEN, "health_check");
}

void breaker_health_off(struct breaker *b, const struct breaker_rules *c)
{
    bool was_bad = b->health_bad;

    b->health_bad = b->vouched = false;
    if (was_bad && b->state == BREAKER_OPEN && !b->held_open)
        follow(b, c, BREAKER_HALF_OPEN, "health_off");
}
