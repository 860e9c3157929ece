/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one mark of an admission: on time, late, or neither; and what its first token teaches.
 * Lateness counts only where a place may have been missing (docs/decisions.md, "Marks").
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define UNKNOWN_NS (10 * NS_PER_S) /* nothing is late before, if nothing was learnt yet */
#define BEHIND     4u              /* so many were sent after it */
#define PUT_OFF    3 /* times its own time that one which had a place may take longer */

static double wait_s(const struct pool *p)
{
    return num_s(p->conf->limiter.queue_target_ns);
}

static struct learnt *learnt_of(struct upstream *u, const struct pool_request *r)
{
    return &u->learnt[r->kind];
}

static void set_deadline(struct upstream *u, struct pool_request *r, uint64_t late_ns)
{
    r->late_ns = late_ns;
    if (late_ns < u->next_late_ns)
        u->next_late_ns = late_ns;
}

void upstream_expect(struct pool *p, struct upstream *u, struct pool_request *r, uint64_t now_ns)
{
    struct learnt *k = learnt_of(u, r);
    bool unary = upstream_is_unary(p, u, now_ns);
    double late_s = predict_late_s(&k->predict, r->bytes, unary, wait_s(p));

    r->number = order_send(&k->order);
    r->guessed = !r->probe && !predict_knows(&k->predict, unary);
    r->excused = false;
    set_deadline(u, r, now_ns + (r->guessed ? UNKNOWN_NS : num_ns(late_s)));
}

void upstream_resolve_guesses(struct pool *p, struct upstream *u, uint8_t kind, bool unary)
{
    const struct predict *known = &u->learnt[kind].predict;

    if (!predict_knows(known, unary))
        return;
    LIST_EACH(n, &u->pending_list)
    {
        struct pool_request *r = LIST_OBJECT(n, struct pool_request, pending_node);
        if (!r->guessed || r->kind != kind)
            continue;
        r->guessed = false;
        set_deadline(u, r, r->sent_ns + num_ns(predict_late_s(known, r->bytes, unary, wait_s(p))));
    }
}

/* A request sent later was quick: there was a place for that one, and so for this one. */
static bool was_overtaken(struct upstream *u, const struct pool_request *r, bool unary)
{
    unsigned class = unary ? 0 : predict_class(r->bytes);

    return u->breaker.state == BREAKER_CLOSED && request_is_fresh(u, r) &&
           order_overtaken(&learnt_of(u, r)->order, class, r->number);
}

/* Nothing shows that load makes this upstream late. */
static bool is_innocent(const struct upstream *u)
{
    return !u->limiter.doubt.shown && u->breaker.state == BREAKER_CLOSED;
}

static bool is_learning(struct upstream *u, const struct pool_request *r, bool unary)
{
    return !unary && is_innocent(u) && predict_is_learning(&learnt_of(u, r)->predict);
}

/* Another stream that was sent later has its first token already, quick or not. */
static bool was_passed(struct upstream *u, const struct pool_request *r)
{
    return request_is_fresh(u, r) &&
           order_passed(&learnt_of(u, r)->order, predict_class(r->bytes), r->number);
}

/*
 * One that is late shows nothing.  While little is known yet it shows something only if it came in
 * the order of sending though others could have passed it.
 */
static bool is_alone(struct upstream *u, const struct pool_request *r, bool unary)
{
    const struct arrival_order *o = &learnt_of(u, r)->order;

    if (is_learning(u, r, unary))
        return !r->first || was_passed(u, r) || upstream_was_passed_elsewhere(u, r) ||
               (o->sent < r->number + BEHIND && upstream_sent_elsewhere(u, r) < BEHIND);
    return is_innocent(u) && !order_confirmed(o, r->number);
}

/* More streams than that ran at once lately, of this node or of all. */
static bool had_place(const struct upstream *u, const struct pool_request *r)
{
    const struct fleet_place *f = u->fleet;

    if (f != NULL && f->plan.epoch > 0)
        return limiter_had_place_of(f->plan.limits.proven, r->inflight0);
    return limiter_had_place(&u->limiter, r->inflight0);
}

/*
 * Nothing of the load can have been in its way, so that its time is the upstream's own and teaches.
 * Under a shown limit one that was overtaken does not teach: what waits and is slow would raise
 * what is waited for.
 */
static bool was_free(struct upstream *u, const struct pool_request *r, bool unary)
{
    if (is_innocent(u) && was_overtaken(u, r, unary))
        return true;
    if (is_learning(u, r, unary) && was_passed(u, r))
        return true;
    if (!r->stream || unary || u->breaker.state != BREAKER_CLOSED || !request_is_fresh(u, r))
        return false;
    return r->inflight0 == 0 ||
           (predict_is_apart(&learnt_of(u, r)->predict, r->pend0) && had_place(u, r));
}

/* What was learnt since it was sent belongs to its deadline, too; never an earlier one. */
static void put_off(struct pool *p, struct upstream *u, struct pool_request *r, bool unary)
{
    double late_s;

    if (unary || r->guessed || !is_innocent(u))
        return;
    late_s = predict_late_s(&learnt_of(u, r)->predict, r->bytes, unary, wait_s(p));
    if (r->sent_ns + num_ns(late_s) > r->late_ns)
        r->late_ns = r->sent_ns + num_ns(late_s);
}

/*
 * One that was passed has a place, and has had it for as long as the one that passed it.  What it
 * is silent for since then is the upstream's nature, and known before its token comes.
 */
static void learn_silent(struct upstream *u, struct pool_request *r, bool unary, uint64_t now_ns)
{
    if (unary || !r->stream || !is_innocent(u) || !was_passed(u, r))
        return;
    if (r->passed_ns == 0)
        r->passed_ns = now_ns;
    predict_learn_silent(&learnt_of(u, r)->predict, num_s(now_ns - r->passed_ns));
}

static void note_order(struct pool *p, struct upstream *u, const struct pool_request *r, bool unary,
                       uint64_t now_ns)
{
    struct learnt *k = learnt_of(u, r);
    unsigned class = unary ? PREDICT_CLASSES - 1 : predict_class(r->bytes);
    double took_s = num_s(now_ns - r->sent_ns);

    if (predict_is_quick(&k->predict, r->bytes, unary, took_s, wait_s(p)))
        order_quick(&k->order, class, r->number);
    order_first(&k->order, class, r->number);
    if (now_ns > r->late_ns)
        order_late(&k->order, r->number);
}

/* On what waits for its first token there, of whichever node. */
static double pending_limit(const struct pool *p, const struct upstream *u)
{
    return upstream_is_joined(p, u) ? u->fleet->plan.limits.pending : u->limiter.pending;
}

static void learn(struct pool *p, struct upstream *u, const struct pool_request *r, bool unary,
                  bool free, uint64_t now_ns)
{
    struct predict *known = &learnt_of(u, r)->predict;
    bool knew = predict_knows(known, unary);
    struct lesson l = {
        .bytes = r->bytes,
        .took_s = num_s(now_ns - r->sent_ns),
        .calm = r->pend0 <= num_max(1, pending_limit(p, u) / 4),
        .free = free,
        .beside = r->pend0,
        .wait_s = wait_s(p),
    };

    if (unary)
        predict_learn_unary(known, &l);
    else
        predict_learn_stream(known, &l);
    if (!knew)
        upstream_resolve_guesses(p, u, r->kind, unary);
}

static void mark_on_time(struct upstream *u, struct pool_request *r, bool unary)
{
    r->marked = true;
    upstream_count_mark(u, r, MARK_ON_TIME, false);
    if (request_is_fresh(u, r))
        limiter_on_time(&u->limiter, u->breaker.state == BREAKER_RAMPING && !unary);
}

static void mark_late(struct upstream *u, struct pool_request *r, bool unary)
{
    r->marked = r->late = true;
    upstream_count_mark(u, r, MARK_LATE, is_learning(u, r, unary));
    if (request_is_fresh(u, r))
        limiter_late(&u->limiter, is_learning(u, r, unary));
}

/* Other nodes may have such, too; but while little is known even that shows nothing. */
static void count_lone(struct upstream *u, struct pool_request *r, bool unary)
{
    if (!is_learning(u, r, unary))
        upstream_count_lone(u, r);
}

/* The first token of r came; `free`: its time was the upstream's own. */
static enum lateness judge_first(struct upstream *u, struct pool_request *r, bool free, bool unary,
                                 uint64_t now_ns)
{
    bool overtaken = was_overtaken(u, r, unary);

    if (r->marked)
        return LATE_BEFORE;
    if (now_ns <= r->late_ns || (free && !r->excused) || overtaken) {
        u->limiter.overtaken += now_ns > r->late_ns && overtaken;
        mark_on_time(u, r, unary);
        return ON_TIME;
    }
    if (is_alone(u, r, unary)) {
        count_lone(u, r, unary);
        r->marked = true;
        u->limiter.alone++;
        return UNJUDGED; /* neither for nor against */
    }
    mark_late(u, r, unary);
    return LATE_NOW;
}

enum lateness upstream_mark_first(struct pool *p, struct upstream *u, struct pool_request *r,
                                  uint64_t now_ns)
{
    bool unary = upstream_is_unary(p, u, now_ns), free;

    put_off(p, u, r, unary);
    note_order(p, u, r, unary, now_ns);
    free = was_free(u, r, unary);
    learn(p, u, r, unary, free, now_ns);
    return judge_first(u, r, free, unary, now_ns);
}

/* r is silent at its deadline. */
static void judge_silent(struct pool *p, struct upstream *u, struct pool_request *r, bool unary,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r);

    if (was_overtaken(u, r, unary)) {
        u->limiter.overtaken++;
        mark_on_time(u, r, unary);
        return;
    }
    order_late(&learnt_of(u, r)->order, r->number);
    if (!r->excused && was_free(u, r, unary)) {
        r->excused = true;
        r->late_ns += PUT_OFF * (r->late_ns - r->sent_ns);
        return;
    }
    if (is_alone(u, r, unary)) {
        count_lone(u, r, unary);
        return; /* asked again each tick */
    }
    mark_late(u, r, unary);
    upstream_count_probe(u, r, PROBE_BAD);
    breaker_late(&u->breaker, &rules, &e);
}

static bool is_overdue(const struct pool_request *r, uint64_t now_ns)
{
    return now_ns > r->late_ns && !r->marked;
}

static void look_at_pending(struct pool *p, struct upstream *u, struct pool_request *r, bool unary,
                            uint64_t now_ns)
{
    learn_silent(u, r, unary, now_ns);
    if (is_overdue(r, now_ns))
        put_off(p, u, r, unary);
    if (!is_overdue(r, now_ns))
        return;
    if (!r->stream && !unary) {
        upstream_unpend(u, r); /* a whole answer among streams: its time says nothing */
        return;
    }
    judge_silent(p, u, r, unary, now_ns);
    u->stuck += !r->guessed && !r->excused && !was_passed(u, r);
}

void upstream_mark_late(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    bool unary = upstream_is_unary(p, u, now_ns);

    u->stuck = 0;
    if (now_ns <= u->next_late_ns)
        return;
    u->next_late_ns = UINT64_MAX;
    LIST_EACH_SAFE(n, next, &u->pending_list)
    {
        struct pool_request *r = LIST_OBJECT(n, struct pool_request, pending_node);
        look_at_pending(p, u, r, unary, now_ns);
        if (!r->marked && r->pending && r->late_ns < u->next_late_ns)
            u->next_late_ns = r->late_ns;
    }
}
