/* SPDX-License-Identifier: Apache-2.0 */
/* The share of a returning upstream: doubling on good evidence, memory of where it died. */
#include "weir/decide/ramp.h"

#include "weir/decide/num.h"

#define SHARE_LEAST   2.0 /* requests in flight that any share allows */
#define STEP_MARKS    3u
#define FEW_MARKS_NS  (3 * NS_PER_S) /* one mark is enough after so long; none is no news */
#define BAD_FAIL      0.1
#define BAD_LATE      0.4
#define GOOD_FAIL     0.02
#define GOOD_LATE     0.2
#define STEP_BACK     0.6
#define BAD_STEPS_MAX 4u
#define REST_SHARE    0.5 /* of the share it died at */

static void begin_step(struct ramp *r, uint64_t now_ns)
{
    r->on = r->late = r->fail = 0;
    r->refused = false;
    r->step_ns = now_ns;
}

void ramp_begin(struct ramp *r, double share, uint64_t now_ns)
{
    r->share = share;
    r->bad_steps = 0;
    r->resting = false;
    begin_step(r, now_ns);
}

void ramp_died(struct ramp *r)
{
    r->died_at = r->share;
    r->resting = false;
    r->held = false;
}

double ramp_allows(const struct ramp *r, double known_good)
{
    return num_max(SHARE_LEAST, r->share * known_good);
}

static double floor_share(const struct ramp *r, const struct ramp_conf *c)
{
    return num_min(r->share, c->start); /* an operator may have begun below ramp.start */
}

void ramp_resume(struct ramp *r, uint64_t now_ns)
{
    r->held = false;
    begin_step(r, now_ns); /* evidence from the hold says nothing of this step */
}

static double rest_share(const struct ramp *r)
{
    return REST_SHARE * r->died_at;
}

static void rest(struct ramp *r, uint64_t now_ns)
{
    if (r->resting)
        return;
    r->resting = true;
    r->rest_from_ns = now_ns;
}

/* A good step never lowers the share, even if an operator put it above the rest. */
static void step_up(struct ramp *r, const struct ramp_conf *c, uint64_t now_ns)
{
    double x = num_min(1, c->factor * r->share);

    if (r->died_at > 0 && x > rest_share(r)) {
        rest(r, now_ns);
        if (now_ns - r->rest_from_ns >= c->rest_ns)
            r->died_at = 0; /* it has borne that for long enough */
        else
            x = num_max(r->share, rest_share(r));
    }
    r->share = x;
    r->bad_steps = 0;
}

static enum ramp_verdict step_back(struct ramp *r, const struct ramp_conf *c)
{
    r->share = num_max(floor_share(r, c), STEP_BACK * r->share);
    return ++r->bad_steps >= BAD_STEPS_MAX ? RAMP_FAILED : RAMP_GOES_ON;
}

static bool step_is_due(const struct ramp *r, uint32_t n, uint64_t dwell_ns, uint64_t now_ns)
{
    uint64_t age = now_ns - r->step_ns;

    if (age < dwell_ns)
        return false;
    return n >= STEP_MARKS || (age >= FEW_MARKS_NS && (n > 0 || !r->refused));
}

enum ramp_verdict ramp_tick(struct ramp *r, const struct ramp_conf *c, uint64_t now_ns)
{
    uint32_t n = r->on + r->late + r->fail;
    enum ramp_verdict verdict = RAMP_GOES_ON;

    if (r->held && r->died_at > 0 && r->share >= rest_share(r))
        rest(r, now_ns); /* a rest by an operator's hand is a rest, too */
    if (r->held || !step_is_due(r, n, c->dwell_ns, now_ns))
        return RAMP_GOES_ON;
    if (r->fail > BAD_FAIL * n || r->late > BAD_LATE * n)
        verdict = step_back(r, c);
    else if (r->fail <= GOOD_FAIL * n && r->late <= GOOD_LATE * n)
        step_up(r, c, now_ns);
    else
        r->bad_steps = 0;
    begin_step(r, now_ns);
    return r->share >= 1 ? RAMP_FULL : verdict;
}

double ramp_expected_s(const struct ramp *r, const struct ramp_conf *c, uint64_t now_ns)
{
    double s = 0, share = r->share > 0 ? r->share : c->start;
    uint64_t rested = r->resting ? now_ns - r->rest_from_ns : 0;

    for (; share < 1; share *= c->factor)
        s += num_s(c->dwell_ns);
    if (r->died_at > 0 && rested < c->rest_ns)
        s += num_s(c->rest_ns - rested);
    return s;
}
