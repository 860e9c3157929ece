/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a canary, its steps, and when its evidence is enough (docs/decisions.md). */
#include "weir/decide/canary.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/num.h"

/* Of the time that it was given. */
#define DWELL_PART  60 /* a step lasts so long at least ... */
#define PATIENCE    10 /* ... and so long at most, however little comes; the last one at least */
#define SETTLE_PART 3  /* at its natural share: conversations have come to know it as its peers */

#define STEP_REQUESTS 20u /* of its own are finished before the next step */
#define WARM_UP       5u  /* of its first tokens: an engine prepares itself at its first requests */
#define MEASURED      0.1 /* of the peers' requests have a measure, or it is not asked */
#define TYPICAL_STEP  1.05 /* the typical time goes up or down by so much */

static const double steps[] = {0.01, 0.05, 0.1, 0.25, 0.5};
enum { STEPS = sizeof steps / sizeof steps[0] };

static const struct ranks_slack same[CANARY_MEASURES] = {
    [CANARY_FIRST] = {CANARY_SAME, CANARY_SAME_FIRST_S},
    [CANARY_PACE] = {CANARY_SAME, CANARY_SAME_PACE_S},
};
static const struct ranks_slack margin[CANARY_MEASURES] = {
    [CANARY_FIRST] = {CANARY_MARGIN_FIRST, CANARY_SAME_FIRST_S},
    [CANARY_PACE] = {CANARY_MARGIN_PACE, CANARY_SAME_PACE_S},
};

static void change(struct canary *c, uint64_t now_ns)
{
    c->changes++;
    c->changed_ns = now_ns;
}

static void begin_step(struct canary *c, unsigned step, uint64_t now_ns)
{
    c->step = step;
    c->step_ns = now_ns;
    c->in_step = 0;
    change(c, now_ns);
}

void canary_begin(struct canary *c, int upstream, double most, double natural, uint64_t time_ns,
                  uint64_t now_ns)
{
    uint32_t run = c->run, changes = c->changes;

    WEIR_ASSERT(most > 0 && most <= 1 && natural > 0 && natural <= 1 && time_ns > 0);
    memset(c, 0, sizeof *c);
    c->run = run + 1;
    c->changes = changes;
    c->state = CANARY_RUNNING;
    c->why = CANARY_BEGUN;
    c->upstream = upstream;
    c->most = most;
    c->natural = natural;
    c->time_ns = time_ns;
    c->begun_ns = c->tick_ns = now_ns;
    c->until_ns = now_ns + time_ns;
    for (int m = 0; m < CANARY_MEASURES; m++) {
        bets_begin(&c->worse[m]);
        bets_begin(&c->within[m]);
    }
    begin_step(c, 0, now_ns);
}

void canary_end(struct canary *c, enum canary_state state, enum canary_why why, uint64_t now_ns)
{
    WEIR_ASSERT(canary_runs(c) && state != CANARY_RUNNING);
    c->state = state;
    c->why = why;
    c->pause = CANARY_GOES_ON;
    change(c, now_ns);
}

static double share_most(const struct canary *c)
{
    return num_min(c->most, c->natural);
}

double canary_share(const struct canary *c)
{
    return num_min(steps[c->step], share_most(c));
}

bool canary_is_last(const struct canary *c)
{
    return c->step + 1 == STEPS || steps[c->step] >= share_most(c);
}

static bool is_natural(const struct canary *c)
{
    return canary_share(c) >= c->natural;
}

bool canary_is_settled(const struct canary *c, uint64_t now_ns)
{
    return is_natural(c) && now_ns - c->natural_ns >= c->time_ns / SETTLE_PART;
}

/* --- evidence */

static bool is_of_this(const struct canary *c, const struct canary_lot *l)
{
    return canary_runs(c) && l->run == c->run;
}

static struct canary_counts *side(struct canary *c, const struct canary_lot *l)
{
    return &c->counts[l->canary ? CANARY_SELF : CANARY_PEERS];
}

static struct bets_lot bets_of(const struct canary_lot *l)
{
    return (struct bets_lot){l->canary, l->share};
}

/* Half of them are above: a step up for each that is, a step down for each that is not. */
static void note_typical(struct canary_counts *n, enum canary_measure m, double s)
{
    double *at = &n->typical[m];

    if (*at <= 0)
        *at = s;
    else
        *at = s > *at ? *at * TYPICAL_STEP : *at / TYPICAL_STEP;
}

void canary_finished(struct canary *c, const struct canary_lot *l, bool failed)
{
    struct bets_lot lot = bets_of(l);

    if (!is_of_this(c, l))
        return;
    side(c, l)->finished++;
    side(c, l)->failed += failed;
    c->in_step += l->canary;
    if (failed)
        bets_on_more_failures(&c->worse[CANARY_FAILURES], &lot);
    if (!l->last)
        return;
    bets_on_failures_within(&c->within[CANARY_FAILURES], &lot, failed, CANARY_MARGIN_FAILURES);
    if (!l->canary) {
        c->peers_last++;
        c->peers_have[CANARY_FAILURES]++;
    }
}

/* Against "no slower" whenever it was drawn; for a promotion, under the load of its peers only. */
static void take_time(struct canary *c, const struct canary_lot *l, enum canary_measure m,
                      struct ranks *r, unsigned kind, double s)
{
    struct bets_lot lot = bets_of(l);

    note_typical(side(c, l), m, s);
    bets_on_rank(&c->worse[m], &lot, ranks_find(r, kind, s, l->canary, &same[m]), true);
    if (l->last)
        bets_on_rank(&c->within[m], &lot, ranks_find(r, kind, s, l->canary, &margin[m]), false);
    ranks_keep(r, kind, s, l->canary);
}

void canary_first(struct canary *c, const struct canary_lot *l, unsigned kind, double s)
{
    bool warm = c->firsts >= WARM_UP; /* before this one is known to be whose */

    if (!is_of_this(c, l) || !(s > 0))
        return;
    c->firsts += l->canary;
    c->peers_have[CANARY_FIRST] += l->last && !l->canary;
    if (l->alike && warm)
        take_time(c, l, CANARY_FIRST, &c->first, kind, s);
}

void canary_pace(struct canary *c, const struct canary_lot *l, unsigned kind, double s)
{
    if (!is_of_this(c, l) || !(s > 0))
        return;
    c->peers_have[CANARY_PACE] += l->last && !l->canary;
    if (c->firsts >= WARM_UP)
        take_time(c, l, CANARY_PACE, &c->pace, kind, s);
}

void canary_lost_peer(struct canary *c)
{
    if (!canary_runs(c))
        return;
    for (int m = 0; m < CANARY_MEASURES; m++)
        bets_forget(&c->within[m]);
}

/* --- verdicts */

/* The mean of three bets against "no worse" is a bet against it, too. */
static double evidence_worse(const struct canary *c)
{
    double sum = 0;

    for (int m = 0; m < CANARY_MEASURES; m++)
        sum += bets_sum(&c->worse[m]);
    return sum / CANARY_MEASURES;
}

/* One that its peers hardly have is not. */
static bool is_asked(const struct canary *c, enum canary_measure m)
{
    return c->peers_have[m] >= MEASURED * c->peers_last;
}

static enum canary_measure worst(const struct canary *c)
{
    enum canary_measure at = CANARY_FAILURES;

    for (int m = 1; m < CANARY_MEASURES; m++)
        if (bets_sum(&c->worse[m]) > bets_sum(&c->worse[at]))
            at = (enum canary_measure)m;
    return at;
}

/* One that is worse in some measure passes there as seldom as one measure alone would let it. */
static bool is_within_margins(const struct canary *c)
{
    if (c->peers_last == 0)
        return false;
    for (int m = 0; m < CANARY_MEASURES; m++)
        if (is_asked(c, (enum canary_measure)m) &&
            bets_sum(&c->within[m]) * CANARY_FALSE_PROMOTIONS < 1)
            return false;
    return true;
}

/* Half way to a rollback, in factors: no greater share before it is clear. */
static bool leans_worse(const struct canary *c)
{
    double e = evidence_worse(c);

    return e * e * CANARY_FALSE_ROLLBACKS >= 1;
}

static bool step_is_due(const struct canary *c, uint64_t now_ns)
{
    uint64_t age_ns = now_ns - c->step_ns;

    if (canary_is_last(c) || leans_worse(c) || age_ns < c->time_ns / DWELL_PART)
        return false;
    return c->in_step >= STEP_REQUESTS ||
           (age_ns >= c->time_ns / PATIENCE && c->counts[CANARY_SELF].finished > 0);
}

static enum canary_pause pause_of(const struct canary_input *in)
{
    if (!in->enforces)
        return CANARY_OBSERVES;
    if (in->peers == 0)
        return CANARY_NO_PEER;
    return in->away ? CANARY_AWAY : CANARY_GOES_ON;
}

/* In a pause its time stands still. */
static void put_off(struct canary *c, enum canary_pause pause, uint64_t now_ns)
{
    if (pause != c->pause)
        change(c, now_ns);
    c->pause = pause;
    if (pause == CANARY_GOES_ON)
        return;
    c->until_ns += now_ns - c->tick_ns;
    c->step_ns += now_ns - c->tick_ns;
}

static void judge(struct canary *c, const struct canary_input *in, uint64_t now_ns)
{
    if (in->open) {
        canary_end(c, CANARY_ROLLED_BACK, CANARY_BREAKER_OPEN, now_ns);
    } else if (evidence_worse(c) * CANARY_FALSE_ROLLBACKS >= 1) {
        c->measure = worst(c);
        canary_end(c, CANARY_ROLLED_BACK, CANARY_IS_WORSE, now_ns);
    } else if (canary_is_last(c) && now_ns - c->step_ns >= c->time_ns / PATIENCE &&
               is_within_margins(c)) {
        canary_end(c, CANARY_PROMOTED, CANARY_IS_NO_WORSE, now_ns);
    } else if (now_ns >= c->until_ns) {
        canary_end(c, CANARY_ROLLED_BACK, CANARY_TIME_OVER, now_ns);
    } else if (step_is_due(c, now_ns)) {
        begin_step(c, c->step + 1, now_ns);
    }
}

enum canary_state canary_tick(struct canary *c, const struct canary_input *in, uint64_t now_ns)
{
    WEIR_ASSERT(canary_runs(c));
    put_off(c, pause_of(in), now_ns);
    c->tick_ns = now_ns;
    if (!is_natural(c))
        c->natural_ns = now_ns;
    if (in->peers > 0)
        c->natural = 1.0 / (1 + in->peers);
    if (c->pause == CANARY_GOES_ON)
        judge(c, in, now_ns);
    return c->state;
}

void canary_show(const struct canary *c, struct canary_view *v)
{
    *v = (struct canary_view){
        .state = c->state,
        .why = c->why,
        .measure = c->measure,
        .pause = c->pause,
        .changes = c->changes,
        .upstream = c->state == CANARY_NONE ? -1 : c->upstream,
        .share = canary_runs(c) ? canary_share(c) : 0,
        .most = c->most,
        .natural = c->natural,
        .last = canary_is_last(c),
        .begun_ns = c->begun_ns,
        .until_ns = c->until_ns,
        .changed_ns = c->changed_ns,
        .worse = evidence_worse(c),
    };
    memcpy(v->counts, c->counts, sizeof v->counts);
    for (int m = 0; m < CANARY_MEASURES; m++) {
        v->worse_by[m] = bets_sum(&c->worse[m]);
        v->within[m] = bets_sum(&c->within[m]);
        v->asked[m] = is_asked(c, (enum canary_measure)m);
    }
}
