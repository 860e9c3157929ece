/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy does between its clients and the engines; every decision is its gate's. */
#include <stdlib.h>
#include <string.h>

#include "fleet_sim.h"
#include "weir/base/assert.h"
#include "weir/decide/pace.h"

enum { STALL_S = 45, FIRST_TOKEN_S = 30 };

void hash_decision(struct world *w, uint64_t a, uint64_t b)
{
    uint64_t words[3] = {w->now_ns, a, b};

    for (int i = 0; i < 3; i++) { /* FNV-1a over words */
        w->res->hash ^= words[i];
        w->res->hash *= UINT64_C(0x100000001b3);
        w->res->hash ^= w->res->hash >> 29;
    }
}

static struct job *job_take(struct world *w)
{
    struct job *j = w->free_jobs;
    uint32_t gen;

    if (j == NULL) {
        j = calloc(1, sizeof *j);
        WEIR_ASSERT(j != NULL);
        if (w->n_jobs == w->jobs_room) {
            w->jobs_room = w->jobs_room ? 2 * w->jobs_room : 256;
            w->all_jobs = realloc(w->all_jobs, w->jobs_room * sizeof *w->all_jobs);
            WEIR_ASSERT(w->all_jobs != NULL);
        }
        w->all_jobs[w->n_jobs++] = j;
    } else {
        w->free_jobs = j->next_free;
    }
    gen = j->gen + 1;
    memset(j, 0, sizeof *j);
    j->gen = gen;
    return j;
}

static void job_give(struct world *w, struct job *j)
{
    j->phase = JOB_OVER;
    j->gen++;
    j->next_free = w->free_jobs;
    w->free_jobs = j;
    w->n_over++;
}

static uint32_t *bin(struct world *w, uint32_t *bins)
{
    size_t s = (size_t)world_s(w);

    return &bins[s < SIM_SECONDS_MAX ? s : SIM_SECONDS_MAX - 1];
}

static struct bins *group(const struct job *j)
{
    return &j->proxy->w->res->group[j->ask->group];
}

static void send_on(struct job *j)
{
    struct proxy *p = j->proxy;
    struct world *w = p->w;

    if (j->phase != JOB_SENT) {
        list_push_back(&p->live, &j->live);
        p->n_live++;
    }
    j->phase = JOB_SENT;
    j->sent_ns = j->event_ns = w->now_ns;
    j->first_ns = 0;
    ++*bin(w, group(j)->sent);
    hash_decision(w, j->id, (uint64_t)j->r.upstream);
    if (w->fleet != NULL && w->fleet->agent[p->index].path_broken) {
        j->verdict = OUTCOME_CONNECT_FAILED;
        j->status = j->retry_after_ms = 0;
        heap_push(&w->heap, w->now_ns + MS(1), EVENT_OUTCOME, j, 0, j->gen);
        return;
    }
    engine_submit(&w->engine[j->r.upstream], j);
}

static void refused(struct job *j)
{
    struct world *w = j->proxy->w;
    size_t waited = (size_t)((w->now_ns - j->asked_ns) / MS(10));

    if (world_s(w) >= w->sc->warm_s)
        w->res->refused_ms[waited < 4095 ? waited : 4095]++;
    ++*bin(w, group(j)->shed);
    hash_decision(w, j->id, j->r.numbers.retry_after_ms);
    client_refused(j);
    job_give(w, j);
}

/* Whatever the gate decided about others in the last call. */
void proxy_collect(struct proxy *p)
{
    struct job *j;
    uint64_t next;

    while ((j = p->ops->woken(p)) != NULL) {
        if (j->r.state == REQUEST_SENT)
            send_on(j);
        else
            refused(j);
    }
    next = p->ops->next_expiry(p);
    if (next > 0 && (p->expiry_ns == 0 || next < p->expiry_ns)) {
        p->expiry_ns = next;
        heap_push(&p->w->heap, next, EVENT_EXPIRY, p, 0, 0);
    }
    if (p->w->fleet != NULL)
        agent_poke(p);
}

static struct pool_request request_for(const struct world *w, const struct ask *a)
{
    return (struct pool_request){
        .user = a->user,
        .model = a->model,
        .class = a->class,
        .stream = a->stream,
        .bytes = 4 * (uint64_t)a->prompt,
        .kind = (uint8_t)(w->sc->kinds > 0 ? a->prompt % w->sc->kinds : 0),
        .deadline_ns = a->deadline_s > 0 ? w->now_ns + num_ns(a->deadline_s) : 0,
        .client_retry = a->tries,
    };
}

void proxy_ask(struct proxy *p, struct ask *a)
{
    struct world *w = p->w;
    struct job *j = job_take(w);

    j->ask = a;
    j->proxy = p;
    j->id = w->next_id++;
    j->asked_ns = w->now_ns;
    j->r = request_for(w, a);
    list_init(&j->live);
    list_init(&j->node);
    list_init(&j->queued);
    w->n_asked++;
    w->res->asked_by_proxy[p->index]++;
    ++*bin(w, group(j)->asked);
    switch (p->ops->arrive(p, j)) {
    case POOL_ADMIT:
        send_on(j);
        break;
    case POOL_WAIT:
    case POOL_ASK:
        j->phase = JOB_WAITING;
        break;
    case POOL_REFUSE:
        refused(j);
        proxy_collect(p);
        return;
    }
    if (a->leave_s >= 0)
        heap_push(&w->heap, w->now_ns + num_ns(a->leave_s), EVENT_ABORT, j, 0, j->gen);
    proxy_collect(p);
}

static void off_live(struct job *j)
{
    list_remove(&j->live);
    j->proxy->n_live--;
}

/* Reports an end; true if the job is over (not tried again elsewhere). */
static bool report_end(struct job *j, const struct pool_report *rep)
{
    struct proxy *p = j->proxy;

    if (p->ops->end(p, j, rep)) {
        j->first_seen = false;
        send_on(j);
        return false;
    }
    off_live(j);
    return true;
}

void proxy_first(struct job *j)
{
    struct proxy *p = j->proxy;

    j->first_ns = j->event_ns = p->w->now_ns;
    j->first_seen = true;
    p->events[j->r.upstream]++;
    p->ops->first(p, j);
    if (j->ask->abort_s >= 0)
        heap_push(&p->w->heap, p->w->now_ns + num_ns(j->ask->abort_s), EVENT_ABORT, j, 0, j->gen);
    proxy_collect(p);
}

void proxy_token(struct job *j)
{
    struct proxy *p = j->proxy;
    int u = j->r.upstream;

    p->gaps_ns[u] +=
        pace_gap_ns(p->w->now_ns - j->event_ns, p->gaps_ns[u], p->events[u], &j->paused);
    p->events[u]++;
    j->event_ns = p->w->now_ns;
}

static void count_done(struct job *j, bool good)
{
    struct world *w = j->proxy->w;
    struct result *res = w->res;
    size_t ms10 = (size_t)((w->now_ns - j->asked_ns) / MS(10));

    if (j->ask->stream && world_s(w) >= w->sc->warm_s) {
        res->done++;
        if (j->made > 1 &&
            1e3 * num_s(w->now_ns - j->first_ns) / (j->made - 1) > w->sc->backend->promise_ms)
            res->done_slow++;
    }
    if (w->sc->backend->api)
        res->total_ms[ms10 < 2047 ? ms10 : 2047]++;
    if (!good)
        return;
    ++*bin(w, group(j)->good);
    res->good_by_proxy[j->proxy->index]++;
}

void proxy_done(struct job *j)
{
    struct proxy *p = j->proxy;
    struct pool_report rep = {.outcome = OUTCOME_OK, .status = 200, .complete = true};
    bool good;

    if (!j->ask->stream) {
        j->first_ns = p->w->now_ns;
        j->first_seen = true;
        p->ops->first(p, j);
        proxy_collect(p);
    }
    good = is_good(j, p->w->now_ns);
    count_done(j, good);
    (void)report_end(j, &rep);
    client_served(j, good);
    job_give(p->w, j);
    proxy_collect(p);
}

void proxy_outcome(struct job *j, enum outcome o, uint32_t status, uint32_t retry_after_ms)
{
    struct proxy *p = j->proxy;
    struct pool_report rep = {.outcome = o, .status = status, .retry_after_ms = retry_after_ms};

    if (report_end(j, &rep)) {
        client_failed(j);
        job_give(p->w, j);
    }
    proxy_collect(p);
}

/* The client goes away. */
void proxy_abort(struct job *j)
{
    struct proxy *p = j->proxy;
    struct pool_report rep = {.outcome = OUTCOME_NEUTRAL, .aborted = true};

    if (j->engine != NULL)
        engine_cancel(j->engine, j);
    if (j->phase == JOB_WAITING)
        p->ops->leave(p, j);
    else
        (void)report_end(j, &rep);
    client_served(j, false);
    job_give(p->w, j);
    proxy_collect(p);
}

/* Deadlines of the proxy and the patience of its clients; twice a second. */
static bool scan_one(struct job *j, double patience_s, double first_token_s)
{
    struct world *w = j->proxy->w;
    uint64_t now = w->now_ns;

    if (!j->first_seen && num_s(now - j->asked_ns) >= patience_s) {
        proxy_abort(j);
        return true;
    }
    if (!j->first_seen && j->ask->stream && num_s(now - j->sent_ns) >= first_token_s) {
        if (j->engine != NULL)
            engine_cancel(j->engine, j);
        proxy_outcome(j, OUTCOME_FAILED, 504, 0);
        return true;
    }
    if (j->first_seen && now - j->event_ns >= S(STALL_S)) {
        if (j->engine != NULL)
            engine_cancel(j->engine, j);
        proxy_outcome(j, OUTCOME_STALLED, 200, 0);
        return true;
    }
    return false;
}

void proxy_scan(struct proxy *p)
{
    const struct scenario *sc = p->w->sc;
    double patience_s = sc->backend->api ? sc->backend->patience_s : sc->patience_s;
    double first_token_s = sc->first_token_s > 0 ? sc->first_token_s : FIRST_TOKEN_S;
    size_t n = p->n_live;
    struct list *at = p->live.next;

    if (patience_s <= 0)
        patience_s = 30;
    /* a job that is over may be taken again at once, so walk by count and look where it went */
    while (n-- > 0 && at != &p->live) {
        struct job *j = LIST_OBJECT(at, struct job, live);
        struct list *next = at->next;
        (void)scan_one(j, patience_s, first_token_s);
        at = next;
    }
}
