/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams that say little or nothing: the server's half of MCP, subscriptions.  The head
 * comes at once, then comments and ids, in the end an orderly end.  No event has content.
 */
#include "bench/backend/server.h"
#include "weir/base/assert.h"

static void plan_beat(struct exchange *x)
{
    double wait_ms = x->silence_ms < x->plan.ping_ms ? x->silence_ms : x->plan.ping_ms;
    uint64_t us = (uint64_t)(wait_ms * x->server->engine.slow * 1000);
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    x->silence_ms -= wait_ms;
    (void)event_add(x->timer, &tv);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *x = arg;
    uint32_t n = ++x->job.produced;

    (void)fd, (void)what;
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->silence_ms <= 0) {
        answer_quiet_end(x);
        return;
    }
    if (answer_quiet_piece(x, n % 2 == 1 ? ": still here\n\n" : "id: 7\n\n"))
        plan_beat(x);
}

void quiet_take(struct server *s, struct exchange *x)
{
    const struct clocked_conf *c = s->conf.clocked;

    x->plan.ping_ms = c != NULL && c->beat_ms > 0 ? c->beat_ms : 15000;
    x->silence_ms = c != NULL && c->quiet_ms > 0 ? c->quiet_ms : 45000;
    x->timed = true;
    x->job.state = JOB_RUNNING;
    x->timer = event_new(s->loop, -1, 0, on_beat, x);
    WEIR_ASSERT(x->timer != NULL);
    s->n_timed++;
    answer_begin(x);
    plan_beat(x);
}
