/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What weir is measured against: a fixed limit, no limit, and three published rules, each an upper
 * bound on requests in flight, with the same queue (1 s, newest first) in front.
 *
 *   Gradient2, Vegas, AIMD: the adaptive limits of Netflix' concurrency-limits (2018), written
 *   anew from its description; Vegas after Brakmo and Peterson (1994), AIMD after Chiu and Jain
 *   (1989).  They learn from the time to the first token of streams, from the whole time of others.
 */
#include <math.h>
#include <stdlib.h>

#include "weir/base/assert.h"
#include "world.h"

#define MAX_WAIT_NS S(1)
#define QUEUE_MAX   1024
#define LIMIT_MAX   4096.0
#define LIMIT_START 20.0
#define SAMPLE_NS   S(1) /* Gradient2 takes the mean of a second */
#define SAMPLES_MIN 10u

struct gradient {
    double long_s; /* exponential mean over 600 samples */
    uint32_t warm;
    double sum_s;
    uint32_t n;
    uint64_t since_ns;
};

struct vegas {
    double best_s;
    uint32_t probe_left;
};

struct rival {
    double limit[SIM_ENGINES_MAX];
    uint32_t inflight[SIM_ENGINES_MAX];
    struct gradient gradient[SIM_ENGINES_MAX];
    struct vegas vegas[SIM_ENGINES_MAX];
    struct list queue; /* newest first */
    uint32_t length;
    struct list woken;
};

static void rival_init(struct proxy *p)
{
    const struct scenario *sc = p->w->sc;
    struct rival *r = calloc(1, sizeof *r);

    WEIR_ASSERT(r != NULL);
    p->rival = r;
    list_init(&r->queue);
    list_init(&r->woken);
    for (size_t i = 0; i < sc->n_engines; i++) {
        r->limit[i] = sc->rule == RULE_FIXED ? sc->fixed : LIMIT_START;
        if (sc->rule == RULE_NO_LIMIT)
            r->limit[i] = 1e9;
    }
}

static void rival_fini(struct proxy *p)
{
    free(p->rival);
}

static bool try_send(struct proxy *p, struct job *j)
{
    struct rival *r = p->rival;
    int best = -1;

    for (int i = 0; i < (int)p->w->sc->n_engines; i++)
        if (r->inflight[i] < floor(r->limit[i]) && (best < 0 || r->inflight[i] < r->inflight[best]))
            best = i;
    if (best < 0)
        return false;
    j->r.upstream = best;
    j->r.state = REQUEST_SENT;
    r->inflight[best]++;
    return true;
}

static void refuse(struct job *j)
{
    j->r.state = REQUEST_ENDED;
    j->r.numbers.retry_after_ms = 1000;
}

static enum pool_verdict rival_arrive(struct proxy *p, struct job *j)
{
    struct rival *r = p->rival;

    if (r->length == 0 && try_send(p, j))
        return POOL_ADMIT;
    if (r->length >= QUEUE_MAX) {
        refuse(j);
        return POOL_REFUSE;
    }
    j->r.state = REQUEST_QUEUED;
    list_push_front(&r->queue, &j->queued);
    r->length++;
    return POOL_WAIT;
}

static void rival_expire(struct proxy *p)
{
    struct rival *r = p->rival;

    while (r->length > 0) {
        struct job *j = LIST_OBJECT(r->queue.prev, struct job, queued);
        if (p->w->now_ns - j->asked_ns < MAX_WAIT_NS)
            return;
        list_remove(&j->queued);
        r->length--;
        refuse(j);
        list_push_back(&r->woken, &j->queued);
    }
}

static void drain(struct proxy *p)
{
    struct rival *r = p->rival;

    rival_expire(p);
    while (r->length > 0) {
        struct job *j = LIST_OBJECT(r->queue.next, struct job, queued);
        if (!try_send(p, j))
            return;
        list_remove(&j->queued);
        r->length--;
        list_push_back(&r->woken, &j->queued);
    }
}

static double clamp_limit(double x)
{
    return num_clamp(x, 1, LIMIT_MAX);
}

/* limit * tolerated mean / present time, plus room for a queue of 4, smoothed by 0.2. */
static void gradient_sample(struct rival *r, int i, double took_s)
{
    struct gradient *g = &r->gradient[i];
    double gradient, next;

    g->warm += g->warm < 600;
    g->long_s += (took_s - g->long_s) * (g->warm < 10 ? 1.0 / g->warm : 2.0 / (600 + 1));
    if (g->long_s / took_s > 2)
        g->long_s *= 0.95;
    if (r->inflight[i] < r->limit[i] / 2)
        return;
    gradient = num_clamp(1.5 * g->long_s / took_s, 0.5, 1);
    next = r->limit[i] * gradient + 4;
    r->limit[i] = clamp_limit(r->limit[i] * 0.8 + next * 0.2);
}

static void gradient_learn(struct rival *r, int i, double took_s, uint64_t now_ns)
{
    struct gradient *g = &r->gradient[i];

    g->sum_s += took_s;
    g->n++;
    if (now_ns - g->since_ns < SAMPLE_NS || g->n < SAMPLES_MIN)
        return;
    gradient_sample(r, i, g->sum_s / g->n);
    g->sum_s = 0;
    g->n = 0;
    g->since_ns = now_ns;
}

/* Estimated queue = limit * (1 - best / present), held between 3 and 6 log10 of the limit. */
static void vegas_learn(struct rival *r, int i, double took_s, bool dropped)
{
    struct vegas *v = &r->vegas[i];
    double limit = r->limit[i], log = num_max(1, log10(limit)), queue;

    if (v->probe_left-- == 0) { /* the best is measured anew now and then */
        v->probe_left = (uint32_t)(30 * limit);
        v->best_s = took_s;
    }
    if (v->best_s <= 0 || took_s < v->best_s)
        v->best_s = took_s;
    if (dropped) {
        r->limit[i] = clamp_limit(limit - log);
        return;
    }
    if (r->inflight[i] * 2 < limit)
        return;
    queue = ceil(limit * (1 - v->best_s / took_s));
    if (queue <= log)
        r->limit[i] = clamp_limit(limit + 6 * log);
    else if (queue < 3 * log)
        r->limit[i] = clamp_limit(limit + log);
    else if (queue > 6 * log)
        r->limit[i] = clamp_limit(limit - log);
}

/* One more while it is in time, a tenth less when it is not. */
static void aimd_learn(struct rival *r, int i, double took_s, bool dropped, double timeout_s)
{
    if (dropped || took_s > timeout_s)
        r->limit[i] = clamp_limit(r->limit[i] * 0.9);
    else if (r->inflight[i] * 2 >= r->limit[i])
        r->limit[i] = clamp_limit(r->limit[i] + 1);
}

static void learn(struct proxy *p, const struct job *j, bool dropped)
{
    const struct scenario *sc = p->w->sc;
    double took_s = num_max(1e-6, num_s(p->w->now_ns - j->sent_ns));
    int i = j->r.upstream;

    switch (sc->rule) {
    case RULE_WEIR:
    case RULE_FIXED:
    case RULE_NO_LIMIT:
        return;
    case RULE_GRADIENT2:
        gradient_learn(p->rival, i, took_s, p->w->now_ns);
        return;
    case RULE_VEGAS:
        vegas_learn(p->rival, i, took_s, dropped);
        return;
    case RULE_AIMD:
        aimd_learn(p->rival, i, took_s, dropped, sc->backend->api ? sc->backend->good_s : 2);
        return;
    }
}

static void rival_first(struct proxy *p, struct job *j)
{
    learn(p, j, false);
    drain(p);
}

static bool rival_end(struct proxy *p, struct job *j, const struct pool_report *rep)
{
    if (rep->outcome != OUTCOME_OK && !j->first_seen)
        learn(p, j, true);
    p->rival->inflight[j->r.upstream]--;
    j->r.state = REQUEST_ENDED;
    drain(p);
    return false;
}

static void rival_leave(struct proxy *p, struct job *j)
{
    list_remove(&j->queued);
    p->rival->length--;
}

static struct job *rival_woken(struct proxy *p)
{
    struct rival *r = p->rival;
    struct job *j;

    if (list_empty(&r->woken))
        return NULL;
    j = LIST_OBJECT(r->woken.next, struct job, queued);
    list_remove(&j->queued);
    return j;
}

/* The fixed limit knows when the engine changes, and what is best then. */
static void follow_change(struct proxy *p)
{
    const struct scenario *sc = p->w->sc;
    const struct fault *f = &sc->fault[0];
    double s = world_s(p->w);
    bool during = s >= f->at_s && s < f->at_s + f->seconds;

    if (sc->rule == RULE_FIXED && sc->fixed_during > 0)
        p->rival->limit[f->engine] = during ? sc->fixed_during : sc->fixed;
}

static void rival_tick(struct proxy *p)
{
    follow_change(p);
    drain(p);
}

static uint64_t rival_next_expiry(struct proxy *p)
{
    struct rival *r = p->rival;

    if (r->length == 0)
        return 0;
    return LIST_OBJECT(r->queue.prev, struct job, queued)->asked_ns + MAX_WAIT_NS;
}

const struct gate_ops rival_ops = {
    .init = rival_init,
    .fini = rival_fini,
    .arrive = rival_arrive,
    .first = rival_first,
    .end = rival_end,
    .leave = rival_leave,
    .woken = rival_woken,
    .tick = rival_tick,
    .expire = rival_expire,
    .next_expiry = rival_next_expiry,
};
