/* SPDX-License-Identifier: Apache-2.0 */
/* The engine model: slots, queue, steps.  Pure; the server above owns clock and sockets. */
#include "bench/backend/engine.h"

#include "weir/base/assert.h"

void engine_init(struct engine *e, const struct engine_conf *conf)
{
    *e = (struct engine){.conf = conf, .slow = 1.0};
    list_init(&e->waiting);
    list_init(&e->running);
}

static struct engine_job *job_of(struct list *n)
{
    return LIST_OBJECT(n, struct engine_job, node);
}

static bool memory_allows(const struct engine *e, const struct engine_job *job)
{
    uint64_t room = (uint64_t)e->conf->kv_tokens;

    return room == 0 || e->n_running == 0 || e->kv_used + job->prompt + job->produced <= room;
}

static void start_job(struct engine *e, struct engine_job *job, uint64_t at_ns)
{
    uint64_t waited_ns = at_ns > job->since_ns ? at_ns - job->since_ns : 0;

    if (waited_ns > e->longest_wait_ns)
        e->longest_wait_ns = waited_ns;
    list_remove(&job->node);
    list_push_back(&e->running, &job->node);
    job->state = JOB_RUNNING;
    job->held = job->prompt + job->produced;
    e->kv_used += job->held;
    e->n_waiting--;
    e->n_running++;
}

static void fill_slots(struct engine *e, uint64_t at_ns)
{
    while (e->n_waiting > 0 && e->n_running < e->conf->slots) {
        struct engine_job *job = job_of(e->waiting.next);
        if (!memory_allows(e, job))
            return;
        start_job(e, job, at_ns);
    }
}

/* Hands the step's prompt tokens to the oldest requests.  Returns how many there were. */
static uint32_t share_prefill(struct engine *e)
{
    uint32_t room = (uint32_t)e->conf->chunk, used = 0;

    LIST_EACH(n, &e->running)
    {
        struct engine_job *job = job_of(n);
        job->chunk_now = job->unfilled < room ? job->unfilled : room;
        room -= job->chunk_now;
        used += job->chunk_now;
    }
    return used;
}

static void begin_step(struct engine *e, uint64_t at_ns)
{
    const struct engine_conf *c = e->conf;
    double ms;

    fill_slots(e, at_ns);
    e->stepping = e->n_running > 0;
    if (!e->stepping)
        return;
    ms = c->t0_ms + c->a_ms * e->n_running + c->c_us * share_prefill(e) / 1000.0;
    e->step_end_ns = at_ns + (uint64_t)(ms * e->slow * 1e6) + 1;
    e->steps++;
}

static void leave_slot(struct engine *e, struct engine_job *job)
{
    list_remove(&job->node);
    e->kv_used -= job->held;
    job->held = 0;
    job->chunk_now = 0;
    job->state = JOB_IDLE;
    e->n_running--;
}

bool engine_submit(struct engine *e, struct engine_job *job, uint64_t now_ns)
{
    WEIR_ASSERT(job->state == JOB_IDLE && job->wanted > 0 && job->cached <= job->prompt);
    if (e->conf->queue_max > 0 && e->n_waiting >= e->conf->queue_max)
        return false;
    job->state = JOB_WAITING;
    job->since_ns = now_ns;
    /* at least one token: the answer to a prompt that is known whole still takes a step */
    job->unfilled = job->prompt > job->cached ? job->prompt - job->cached : 1;
    list_push_back(&e->waiting, &job->node);
    e->n_waiting++;
    if (!e->stepping && !e->paused)
        begin_step(e, now_ns);
    return true;
}

void engine_remove(struct engine *e, struct engine_job *job)
{
    switch (job->state) {
    case JOB_IDLE:
        return;
    case JOB_WAITING:
        list_remove(&job->node);
        e->n_waiting--;
        job->state = JOB_IDLE;
        return;
    case JOB_RUNNING:
        leave_slot(e, job);
        return;
    }
    WEIR_UNREACHABLE("state of a job");
}

uint64_t engine_due_ns(const struct engine *e)
{
    return e->stepping && !e->paused ? e->step_end_ns : 0;
}

/* Counts one step's work for job.  True when it has a new token. */
static bool advance(struct engine *e, struct engine_job *job)
{
    bool was_filled = job->unfilled == 0;

    job->unfilled -= job->chunk_now;
    job->chunk_now = 0;
    if (!was_filled && job->unfilled > 0)
        return false;
    job->produced++;
    job->held++;
    e->kv_used++;
    return true;
}

/* The newest request loses its slot and all its memory, as in vLLM: it is computed again later. */
static void preempt(struct engine *e)
{
    struct engine_job *job = job_of(e->running.prev);

    leave_slot(e, job);
    job->state = JOB_WAITING;
    job->unfilled = job->prompt + job->produced;
    list_push_front(&e->waiting, &job->node);
    e->n_waiting++;
    e->preempted++;
}

static void end_step(struct engine *e, engine_token_fn *on_token, void *ctx)
{
    e->stepping = false;
    LIST_EACH_SAFE(n, next, &e->running)
    {
        struct engine_job *job = job_of(n);
        if (!advance(e, job))
            continue;
        if (job->produced >= job->wanted)
            leave_slot(e, job);
        on_token(ctx, job);
    }
    while (e->conf->kv_tokens > 0 && e->kv_used > (uint64_t)e->conf->kv_tokens && e->n_running > 1)
        preempt(e);
}

void engine_run(struct engine *e, uint64_t now_ns, engine_token_fn *on_token, void *ctx)
{
    while (!e->paused && e->stepping && e->step_end_ns <= now_ns) {
        uint64_t end_ns = e->step_end_ns;
        end_step(e, on_token, ctx);
        begin_step(e, end_ns);
    }
}

void engine_pause(struct engine *e, bool paused, uint64_t now_ns)
{
    bool goes_on = e->paused && !paused;

    e->paused = paused;
    if (goes_on)
        begin_step(e, now_ns);
}

uint64_t engine_oldest_wait_ns(const struct engine *e, uint64_t now_ns)
{
    if (e->n_waiting == 0)
        return 0;
    const struct engine_job *job = LIST_OBJECT(e->waiting.next, struct engine_job, node);
    return now_ns > job->since_ns ? now_ns - job->since_ns : 0;
}
