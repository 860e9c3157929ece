/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of an inference engine: fixed slots, first come first served, prompts taken in chunks
 * beside the decoding of everybody else, one token a step for each stream that decodes.
 */
#include <math.h>
#include <string.h>

#include "weir/base/assert.h"
#include "world.h"

enum {
    COLD_REQUESTS = 150, /* a cold engine warms up over so many answers */
    FRAGILE_OPEN = 24,
    FRAGILE_S = 20,
    FRAGILE_DOWN_S = 10,
    CONNECT_TIMEOUT_S = 2,
    CUT_AFTER = 5, /* tokens */
};
#define COLD_FACTOR 2.0
#define WIRE_NS     MS(1)
#define STUCK_S     25.0

void engine_init(struct engine *e, struct world *w, int index, const struct backend *b)
{
    memset(e, 0, sizeof *e);
    e->w = w;
    e->index = index;
    e->b = *b;
    e->speed = 1;
    list_init(&e->queue);
    list_init(&e->slots);
}

uint32_t engine_open(const struct engine *e)
{
    return e->n_queue + e->n_slots;
}

static void leave(struct engine *e, struct job *j)
{
    list_remove(&j->node);
    if (j->in_slot)
        e->n_slots--;
    else
        e->n_queue--;
    if (j->decoding)
        e->n_decoding--;
    j->in_slot = j->decoding = false;
    j->engine = NULL;
}

void engine_cancel(struct engine *e, struct job *j)
{
    if (j->engine == e)
        leave(e, j);
}

/* An answer that comes at once, without work. */
static void answer(struct engine *e, struct job *j, uint64_t after_ns, enum outcome o,
                   uint32_t status, uint32_t retry_after_ms)
{
    j->verdict = o;
    j->status = status;
    j->retry_after_ms = retry_after_ms;
    heap_push(&e->w->heap, e->w->now_ns + after_ns, EVENT_OUTCOME, j, 0, j->gen);
}

static bool over_quota(struct engine *e, double per_s)
{
    uint64_t now = e->w->now_ns;

    e->quota_tokens = num_min(per_s, e->quota_tokens + per_s * num_s(now - e->quota_ns));
    e->quota_ns = now;
    if (e->quota_tokens < 1)
        return true;
    e->quota_tokens -= 1;
    return false;
}

static bool concerns(const struct fault *f, const struct job *j)
{
    switch (f->scope) {
    case FOR_ALL:
        return true;
    case FOR_HEAVY:
        return j->r.user == HEAVY_USER;
    case FOR_FIRST_USER:
        return j->r.user == client_hash(1);
    case FOR_FIRST_MODEL:
        return j->r.model == client_hash(1);
    }
    return false;
}

/* Faults that answer instead of the engine; true if it did. */
static bool answered_by_fault(struct engine *e, struct job *j)
{
    const struct fault *f = e->fault;

    if (f == NULL || !concerns(f, j))
        return false;
    switch (f->kind) {
    case FAULT_503:
        answer(e, j, WIRE_NS, OUTCOME_REFUSED, 503, (uint32_t)(1000 * f->value));
        return true;
    case FAULT_500:
        answer(e, j, WIRE_NS, OUTCOME_FAILED, 500, 0);
        return true;
    case FAULT_404:
        answer(e, j, WIRE_NS, OUTCOME_NEUTRAL, 404, 0);
        return true;
    case FAULT_BLACKHOLE:
        answer(e, j, S(CONNECT_TIMEOUT_S), OUTCOME_CONNECT_FAILED, 0, 0);
        return true;
    case FAULT_QUOTA:
    case FAULT_QUOTA_SILENT:
        if (!over_quota(e, f->value)) {
            e->w->res->quota_taken++;
            return false;
        }
        e->w->res->quota_refused++;
        answer(e, j, WIRE_NS, OUTCOME_REFUSED, 429, f->kind == FAULT_QUOTA ? 1000 : 0);
        return true;
    case FAULT_CUT:
        j->cut_at = CUT_AFTER;
        return false;
    case FAULT_DEAD:
    case FAULT_STALL:
    case FAULT_SPEED:
    case FAULT_SLOTS:
    case FAULT_IN_BAND:
    case FAULT_IN_BAND_BUSY:
    case FAULT_EMPTY:
        return false;
    }
    return false;
}

static void serve_api(struct engine *e, struct job *j)
{
    double s = j->ask->service_s * e->speed;

    if (e->stuck_left > 0) {
        e->stuck_left--;
        s = STUCK_S;
    }
    heap_push(&e->w->heap, e->w->now_ns + num_ns(s), EVENT_SERVED, j, 0, j->gen);
}

static void note_wait(struct engine *e, const struct job *j)
{
    uint64_t slot = (e->w->now_ns - j->sent_ns) / MS(10);

    if (world_s(e->w) >= e->w->sc->warm_s)
        e->w->res->wait_ms[slot < 4095 ? slot : 4095]++;
}

static void fill_slots(struct engine *e)
{
    while (e->n_slots < e->b.slots && !list_empty(&e->queue)) {
        struct job *j = LIST_OBJECT(e->queue.next, struct job, node);
        list_remove(&j->node);
        e->n_queue--;
        list_push_back(&e->slots, &j->node);
        e->n_slots++;
        j->in_slot = true;
        note_wait(e, j);
        if (e->b.api || e->b.hosted)
            serve_api(e, j);
    }
}

static double slowness(const struct engine *e)
{
    return e->speed * (1 + (COLD_FACTOR - 1) * e->cold_left / COLD_REQUESTS);
}

/* Shares the chunk out to those in prefill, in order, and sets off the step. */
static void begin_step(struct engine *e)
{
    uint32_t left = e->b.chunk;
    double s;

    fill_slots(e);
    if (e->b.api || e->b.hosted || e->n_slots == 0 || e->frozen || e->dead)
        return;
    LIST_EACH(n, &e->slots)
    {
        struct job *j = LIST_OBJECT(n, struct job, node);
        if (j->decoding)
            continue;
        j->take = j->ask->prompt - j->prefilled;
        if (j->take > left)
            j->take = left;
        left -= j->take;
    }
    s = slowness(e) * (e->b.t0_ms / 1e3 + e->b.a_ms / 1e3 * e->n_decoding +
                       e->b.c_us / 1e6 * (e->b.chunk - left));
    e->stepping = true;
    heap_push(&e->w->heap, e->w->now_ns + num_ns(s), EVENT_STEP, e, 0, 0);
}

static void maybe_fragile(struct engine *e)
{
    if (!e->fragile || e->dying || e->w->now_ns - e->returned_ns >= S(FRAGILE_S) ||
        engine_open(e) <= FRAGILE_OPEN)
        return;
    e->dying = true;
    heap_push(&e->w->heap, e->w->now_ns, EVENT_DEATH, e, 0, 0);
}

static void note_queue(struct engine *e)
{
    size_t s = (size_t)world_s(e->w);
    uint32_t *most = &e->w->res->queued_most[s < SIM_SECONDS_MAX ? s : SIM_SECONDS_MAX - 1];

    if (e->index == 0 && e->n_queue > *most)
        *most = e->n_queue;
}

void engine_submit(struct engine *e, struct job *j)
{
    j->prefilled = j->take = j->made = j->cut_at = 0;
    if (e->dead) {
        e->w->res->dead_attempts++;
        e->w->res->dead_in[(size_t)num_min(world_s(e->w), SIM_SECONDS_MAX - 1)]++;
        answer(e, j, WIRE_NS, OUTCOME_CONNECT_FAILED, 0, 0);
        return;
    }
    if (e->w->res->first_probe_s < 0 && e->returned_ns > 0)
        e->w->res->first_probe_s = num_s(e->w->now_ns - e->returned_ns);
    if (answered_by_fault(e, j))
        return;
    if ((e->b.queue_limit > 0 && e->n_queue >= e->b.queue_limit) ||
        (e->b.queue_limit < 0 && e->n_slots >= e->b.slots)) {
        answer(e, j, WIRE_NS, OUTCOME_REFUSED, 503, 0);
        return;
    }
    j->engine = e;
    list_push_back(&e->queue, &j->node);
    e->n_queue++;
    maybe_fragile(e);
    if (!e->stepping)
        begin_step(e);
    note_queue(e);
}

/* A prompt is done: what its first event is. */
static void first_event(struct engine *e, struct job *j)
{
    const struct fault *f = e->fault;

    j->decoding = true;
    e->n_decoding++;
    if (f != NULL && f->kind == FAULT_IN_BAND) {
        leave(e, j);
        proxy_outcome(j, OUTCOME_FAILED, 200, 0);
    } else if (f != NULL && f->kind == FAULT_IN_BAND_BUSY) {
        leave(e, j);
        proxy_outcome(j, OUTCOME_REFUSED, 200, 0);
    } else if (f != NULL && f->kind == FAULT_EMPTY) {
        leave(e, j);
        proxy_outcome(j, OUTCOME_FAILED, 200, 0);
    } else {
        j->made = 1;
        if (j->ask->stream)
            proxy_first(j);
    }
}

/* One token, the last one perhaps. */
static void advance(struct engine *e, struct job *j)
{
    if (!j->decoding) {
        j->prefilled += j->take;
        j->take = 0;
        if (j->prefilled < j->ask->prompt)
            return;
        first_event(e, j);
        if (j->engine != e)
            return;
    } else {
        j->made++;
        if (j->ask->stream)
            proxy_token(j);
    }
    if (j->cut_at > 0 && j->made >= j->cut_at) {
        leave(e, j);
        proxy_outcome(j, OUTCOME_FAILED, 200, 0);
    } else if (j->made >= j->ask->output) {
        if (e->cold_left > 0)
            e->cold_left--;
        leave(e, j);
        proxy_done(j);
    }
}

void engine_step(struct engine *e)
{
    if (e->frozen || e->dead) {
        e->stepping = false;
        return;
    }
    LIST_EACH_SAFE(n, next, &e->slots)
    {
        struct job *j = LIST_OBJECT(n, struct job, node);
        /* the callbacks of one job never touch another job of this engine's slots */
        if (j->decoding || j->take > 0 || j->prefilled >= j->ask->prompt)
            advance(e, j);
    }
    e->stepping = false;
    begin_step(e);
}

/* The next token of one that has a time of its own. */
static void hosted_token(struct engine *e, struct job *j)
{
    double gap_ms = e->b.token_ms * e->speed;

    if (e->frozen) { /* looks again */
        heap_push(&e->w->heap, e->w->now_ns + MS(100), EVENT_SERVED, j, 0, j->gen);
        return;
    }
    j->made++;
    if (!j->decoding) {
        j->decoding = true;
        e->n_decoding++;
        if (j->ask->stream)
            proxy_first(j);
    } else if (j->ask->stream) {
        proxy_token(j);
    }
    if (j->made >= j->ask->output) {
        leave(e, j);
        proxy_done(j);
        begin_step(e);
        return;
    }
    if (j->made == 10)
        gap_ms += e->b.pause_ms;
    heap_push(&e->w->heap, e->w->now_ns + num_ns(gap_ms / 1e3), EVENT_SERVED, j, 0, j->gen);
}

void engine_served(struct engine *e, struct job *j)
{
    if (e->b.hosted) {
        hosted_token(e, j);
        return;
    }
    leave(e, j);
    proxy_done(j);
    begin_step(e);
}

static void reset_all(struct engine *e)
{
    e->dead = true;
    while (!list_empty(&e->slots) || !list_empty(&e->queue)) {
        struct list *head = !list_empty(&e->slots) ? &e->slots : &e->queue;
        struct job *j = LIST_OBJECT(head->next, struct job, node);
        leave(e, j);
        proxy_outcome(j, OUTCOME_FAILED, j->first_ns > 0 ? 200 : 0, 0);
    }
}

void engine_die(struct engine *e)
{
    e->dying = false;
    if (e->dead)
        return;
    reset_all(e);
    heap_push(&e->w->heap, e->w->now_ns + S(FRAGILE_DOWN_S), EVENT_FAULT_END, e, -1, 0);
}

static void come_back(struct engine *e, bool cold, bool fragile)
{
    e->dead = false;
    e->returned_ns = e->w->now_ns;
    e->cold_left = cold ? COLD_REQUESTS : 0;
    e->fragile = fragile;
    e->w->res->first_probe_s = -1;
}

void engine_fault(struct engine *e, const struct fault *f)
{
    switch (f->kind) {
    case FAULT_DEAD:
        reset_all(e);
        return;
    case FAULT_STALL:
        e->frozen = true;
        return;
    case FAULT_SPEED:
        e->speed = f->value;
        return;
    case FAULT_SLOTS:
        e->b.slots = (uint32_t)f->value;
        return;
    case FAULT_503:
    case FAULT_500:
    case FAULT_404:
    case FAULT_IN_BAND:
    case FAULT_IN_BAND_BUSY:
    case FAULT_EMPTY:
    case FAULT_CUT:
    case FAULT_BLACKHOLE:
    case FAULT_QUOTA:
    case FAULT_QUOTA_SILENT:
        e->fault = f;
        return;
    }
}

/* f NULL: the end of a second death. */
void engine_fault_end(struct engine *e, const struct fault *f)
{
    if (f == NULL || f->kind == FAULT_DEAD) {
        come_back(e, f != NULL ? f->cold : true, f != NULL ? f->fragile : e->fragile);
        e->stuck_left = f != NULL ? f->stuck : 0;
    } else if (f->kind == FAULT_STALL) {
        e->frozen = false;
        if (!e->stepping)
            begin_step(e);
    } else if (f->kind == FAULT_SPEED) {
        e->speed = 1;
    } else if (f->kind == FAULT_SLOTS) {
        e->b.slots = e->w->sc->backend->slots;
    } else if (e->fault == f) {
        e->fault = NULL;
    }
}
