/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange does when a deadline has come: heartbeats, and giving up.  On the worker's
 * thread. */
#include "exchange_priv.h"

static void heartbeat(struct exchange *x, uint64_t now)
{
    bool boundary = x->reply.committed ? x->attempt.stream.answer.at_boundary : true;

    if (!exchange_beats(x) || now < exchange_beat_due(x))
        return;
    x->reply.quiet_ns = now;
    if (boundary && client_can_add(x->client))
        client_data(x->client, SLICE_LIT(": weir\n\n"));
}

/* Who has been silent for too long; in a call that is open both ways, nobody in particular. */
static void give_up(struct exchange *x)
{
    bool begun =
        x->reply.committed && x->attempt.stream.is_events && x->attempt.stream.first_ns != 0;

    if (begun)
        exchange_fail(x, OUTCOME_STALLED, 504, CAUSE_UPSTREAM_STALLED);
    else if (!x->attempt.sent_whole && exchange_unsent(x) == 0)
        exchange_fail(x, OUTCOME_NEUTRAL, 504, CAUSE_GATEWAY_TIMEOUT);
    else
        exchange_fail(x, OUTCOME_FAILED, 504, CAUSE_GATEWAY_TIMEOUT);
}

static void on_due(struct exchange *x, uint64_t now)
{
    if (x->state == EXCHANGE_QUEUED) {
        heartbeat(x, now);
        exchange_set_timer(x);
        return;
    }
    if (x->request.deadline_ns != 0 && now >= x->request.deadline_ns) {
        x->attempt.overran = true;
        exchange_fail(x, OUTCOME_NEUTRAL, 504, CAUSE_GATEWAY_TIMEOUT);
        return;
    }
    if (x->state == EXCHANGE_CONNECT) {
        exchange_connect_failed(x, WEIR_TIMEOUT, "no connection in time");
        return;
    }
    if (x->state == EXCHANGE_TUNNEL ||
        now >= x->record.admitted_ns + x->pool->conf->timeouts.total_ns) {
        exchange_fail(x, OUTCOME_NEUTRAL, 504, CAUSE_GATEWAY_TIMEOUT);
        return;
    }
    if (x->attempt.stream.whole_ns != 0 && now >= exchange_silence_due(x)) {
        exchange_end_whole(x, OUTCOME_OK);
        return;
    }
    if (exchange_silence_due(x) != 0 && now >= exchange_silence_due(x)) {
        give_up(x);
        return;
    }
    if (exchange_head_due(x) != 0 && now >= exchange_head_due(x))
        exchange_commit(x);
    heartbeat(x, now);
    exchange_set_timer(x);
}

void exchange_on_timer(void *arg)
{
    struct exchange *x = arg;
    uint64_t due;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    due = exchange_due_ns(x);
    if (due == 0)
        return;
    if (exchange_now(x) >= due)
        on_due(x, exchange_now(x));
    else
        loop_timer_at(&x->timer, due);
}
