/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of engines that go by the clock: each has a timer of its own and waits for nobody. */
#include "bench/backend/server.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

static void set_timer(struct exchange *x, double ms)
{
    double scaled = ms * x->server->engine.slow;
    uint64_t us = scaled > 0 ? (uint64_t)(scaled * 1000) : 0;
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    (void)event_add(x->timer, &tv);
}

/* In the silence before the first token: waits for the next sign of life, or for the token. */
static void be_silent(struct exchange *x)
{
    double wait_ms = x->silence_ms;

    if (x->stream && x->plan.ping_ms > 0 && x->plan.ping_ms < wait_ms)
        wait_ms = x->plan.ping_ms;
    x->silence_ms -= wait_ms;
    set_timer(x, wait_ms);
}

static void next_token(struct exchange *x)
{
    struct server *s = x->server;

    if (!x->stream) {
        s->n.tokens += x->job.wanted - 1;
        x->job.produced = x->job.wanted - 1;
    }
    x->job.produced++;
    /* an answer that has all its tokens is idle, as the engine of steps has it */
    if (x->job.produced >= x->job.wanted)
        x->job.state = JOB_IDLE;
    else
        set_timer(x, clocked_next_ms(&x->plan, x->job.produced));
    answer_token(s, &x->job);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *x = arg;

    (void)fd, (void)what;
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->server->faults.stall) {
        struct timeval again = {0, 100000};
        (void)event_add(x->timer, &again);
    } else if (x->silence_ms > 0) {
        if (answer_ping(x))
            be_silent(x);
    } else {
        next_token(x);
    }
}

void timed_take(struct server *s, struct exchange *x)
{
    struct rng own = s->rng;

    /* the same request goes the same way at every target */
    if (x->answer.tag[0] != '\0')
        rng_seed(&own, fnv_feed(s->seed, slice_str(x->answer.tag)));
    x->plan = clocked_draw(s->conf.clocked, &own, x->job.wanted);
    if (x->answer.tag[0] == '\0')
        s->rng = own;
    x->timed = true;
    x->job.state = JOB_RUNNING;
    x->timer = event_new(s->loop, -1, 0, on_timer, x);
    WEIR_ASSERT(x->timer != NULL);
    s->n_timed++;
    x->silence_ms = x->stream ? x->plan.first_ms : x->plan.whole_ms;
    x->told_ms = x->silence_ms * s->engine.slow;
    be_silent(x);
}

void timed_leave(struct exchange *x)
{
    if (!x->timed)
        return;
    x->timed = false;
    x->job.state = JOB_IDLE;
    x->server->n_timed--;
    event_free(x->timer);
    x->timer = NULL;
}
