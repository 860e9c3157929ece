/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet's breaker of an upstream, on the leader.  It goes by what all nodes saw, and never by
 * the word of one alone where more than one lives: what only one sees is that one's path.
 */
#include <string.h>

#include "breaker_priv.h"
#include "fleet_leader_priv.h"

#define WITNESSES     2u /* nodes that must have seen it, if there are as many */
#define WITHOUT_WORST 5u /* outcomes there must be without the node that saw most of it */
#define COUNT_MAX     100000u

static uint32_t at_most(uint64_t n)
{
    return n < COUNT_MAX ? (uint32_t)n : COUNT_MAX;
}

static uint64_t slice_at(const struct breaker_conf *c, uint64_t now_ns)
{
    return now_ns / (c->window_ns / TALE_SLICES);
}

static void advance(struct tale *t, uint64_t slice)
{
    if (slice >= t->newest + TALE_SLICES) {
        memset(t->slice, 0, sizeof t->slice);
        t->newest = slice;
    }
    while (t->newest < slice)
        memset(t->slice[++t->newest % TALE_SLICES], 0, sizeof t->slice[0]);
}

void tale_note(struct tale *t, const struct breaker_conf *c, unsigned column, uint64_t n,
               uint64_t now_ns)
{
    advance(t, slice_at(c, now_ns));
    t->slice[t->newest % TALE_SLICES][column] += at_most(n);
}

void tale_forget(struct tale *t)
{
    memset(t->slice, 0, sizeof t->slice);
    t->newest = 0;
}

static uint32_t tale_sum(const struct tale *t, unsigned column)
{
    uint32_t sum = 0;

    for (int i = 0; i < TALE_SLICES; i++)
        sum += t->slice[i][column];
    return sum;
}

/* Whose failures belong to the row that is running; any good answer of the period ends it. */
void led_note_failed(struct led *u, struct tale *t, uint64_t failed, uint64_t ok)
{
    if (failed == 0 || ok > 0)
        return;
    u->failed_in_row += at_most(failed);
    if (t->row == u->row)
        return;
    t->row = u->row;
    u->nodes_in_row++;
}

static void end_row(struct led *u)
{
    u->row++;
    u->failed_in_row = u->nodes_in_row = 0;
}

struct shares {
    double ok, failed, shut;
    double worst_ok, worst_failed; /* of the node with the most failures */
    uint32_t refusing;             /* nodes that were told to stay away */
};

static struct shares add_up(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct shares s = {0};

    for (size_t m = 0; m < f->n_members; m++) {
        struct tale *t = tale_of(f, m, upstream);
        double ok, failed, shut;
        if (!member_lives(&f->members[m]) || !t->known)
            continue;
        advance(t, slice_at(&f->conf->breaker, now_ns));
        ok = tale_sum(t, TALE_OK);
        failed = tale_sum(t, TALE_FAILED);
        shut = tale_sum(t, TALE_SHUT);
        s.ok += ok;
        s.failed += failed;
        s.shut += shut;
        s.refusing += shut > 0;
        if (failed > s.worst_failed) {
            s.worst_failed = failed;
            s.worst_ok = ok;
        }
    }
    return s;
}

static bool is_alone(const struct fleet_leader *f)
{
    return f->nodes <= 1;
}

static bool is_bad(const struct fleet_leader *f, const struct shares *s)
{
    double n = s->ok + s->failed, rate = f->conf->breaker.error_rate;
    double rest = n - s->worst_ok - s->worst_failed;

    if (n < f->conf->breaker.min_requests || s->failed < rate * n)
        return false;
    return is_alone(f) || (rest >= WITHOUT_WORST && s->failed - s->worst_failed >= rate * rest);
}

/* Refusals, nothing good, and no tokens flow. */
static bool is_refusing(const struct fleet_leader *f, const struct led *u, const struct shares *s,
                        const struct breaker_rules *rules)
{
    return s->shut >= BREAKER_REFUSING_MIN && s->ok <= 0 &&
           !breaker_is_at_work(&u->breaker, rules) && (is_alone(f) || s->refusing >= WITNESSES);
}

static void judge(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct breaker_rules rules = leader_rules(f, now_ns);
    struct shares s = add_up(f, upstream, now_ns);

    if (u->failed_in_row >= f->conf->breaker.consecutive &&
        (is_alone(f) || u->nodes_in_row >= WITNESSES))
        breaker_trip(&u->breaker, &rules, "consecutive_failures");
    else if (u->sums.open >= WITNESSES && 2 * u->sums.open >= f->nodes)
        breaker_trip(&u->breaker, &rules, "own_breakers");
    else if (is_bad(f, &s))
        breaker_trip(&u->breaker, &rules, "error_rate");
    else if (is_refusing(f, u, &s, &rules))
        breaker_trip(&u->breaker, &rules, "refusing");
}

/* For those who look at it; it is judged by the tales. */
static void count(struct led *u, uint64_t now_ns)
{
    struct window *w = &u->breaker.window;

    window_add_many(w, OUTCOME_OK, at_most(u->news.ok), now_ns);
    window_add_many(w, OUTCOME_FAILED, at_most(u->news.failed + u->news.cut), now_ns);
    window_add_many(w, OUTCOME_REFUSED, at_most(u->news.refused), now_ns);
}

/* What the nodes told within a period after a step may still be of the share before it. */
static void note_share(struct fleet_leader *f, struct led *u)
{
    struct ramp *r = &u->breaker.ramp;
    uint64_t late = u->news.late;

    if (u->sums.bound_streams || u->sums.waiting > 0)
        r->refused = true;
    if (r->step_ns >= f->tick_ns)
        return;
    r->late += at_most(late);
    r->on += at_most(u->news.ok > late ? u->news.ok - late : 0);
    r->fail += at_most(u->news.failed + u->news.cut);
}

static void forget(struct fleet_leader *f, size_t upstream)
{
    for (size_t m = 0; m < f->n_members; m++)
        tale_forget(tale_of(f, m, upstream));
}

static bool is_silent(const struct fleet_leader *f, const struct fleet_sums *s)
{
    return s->streams >= f->conf->breaker.silence_streams && s->witness && !s->no_silence;
}

/*
 * What nodes tell is of a while ago: where failures open the breaker just after the ramp was full,
 * they are of the ramp's last step, and the next ramp rests below it.
 */
static void note_change(struct led *u, enum breaker_state was, uint64_t now_ns)
{
    struct breaker *b = &u->breaker;

    if (was == BREAKER_RAMPING && b->state == BREAKER_CLOSED)
        u->ramped_ns = now_ns;
    else if (was == BREAKER_CLOSED && b->state == BREAKER_OPEN && u->ramped_ns > 0 &&
             now_ns - u->ramped_ns < FLEET_LEASE_NS)
        ramp_died(&b->ramp);
}

void led_tick_breaker(struct fleet_leader *f, size_t upstream, uint64_t elapsed_ns, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct breaker *b = &u->breaker;
    struct breaker_rules rules = leader_rules(f, now_ns);
    enum breaker_state was = b->state;
    struct breaker_input in = {
        .inflight = u->sums.used,
        .streams = u->sums.streams,
        .silent = is_silent(f, &u->sums),
        .elapsed_ns = elapsed_ns,
        .content_ns = u->news.events > 0 || u->news.ok > 0 ? now_ns : b->content_ns,
    };

    count(u, now_ns);
    if (u->news.ok > 0)
        end_row(u);
    if (b->state == BREAKER_RAMPING)
        note_share(f, u);
    b->content_ns = in.content_ns;
    if (breaker_lets_through(b->state))
        judge(f, upstream, now_ns);
    breaker_tick(b, &rules, &in);
    if (b->state == BREAKER_HALF_OPEN)
        led_tick_probes(f, upstream, now_ns);
    if (b->state != was) {
        note_change(u, was, now_ns);
        forget(f, upstream);
        end_row(u);
    }
    if (b->began_ramp)
        limiter_restart(&u->limiter, now_ns);
    b->began_ramp = false;
}
