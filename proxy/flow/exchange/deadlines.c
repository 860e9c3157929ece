/* SPDX-License-Identifier: Apache-2.0 */
/* When an exchange has waited long enough, by its state.  On the worker's thread. */
#include "exchange_priv.h"

#define WHOLE_WAIT_NS NS_PER_S /* for the end of the framing behind an end marker */

static const struct timeouts_conf *timeouts_of(const struct exchange *x)
{
    return &x->pool->conf->timeouts;
}

/*
 * Giving up early helps only a request that is then tried elsewhere.  What has been sent is not
 * sent again for a delay, so that the long limit holds for all.
 */
static uint64_t first_token_limit(const struct exchange *x)
{
    return timeouts_of(x)->first_token_last_ns;
}

static bool waits_for_first(const struct exchange *x)
{
    return x->attempt.is_stream && x->attempt.stream.first_ns == 0;
}

/* The client is waited for, by its own clocks unless it makes a call; or the upstream is. */
static uint64_t upload_due(const struct exchange *x)
{
    if (exchange_unsent(x) > 0)
        return x->attempt.progress_ns + timeouts_of(x)->unary_ns;
    return x->request.is_grpc ? x->attempt.progress_ns + timeouts_of(x)->tunnel_idle_ns : 0;
}

uint64_t exchange_silence_due(const struct exchange *x)
{
    if (x->attempt.stream.whole_ns != 0)
        return x->attempt.stream.whole_ns + WHOLE_WAIT_NS;
    if (!x->attempt.sent_whole)
        return upload_due(x);
    if (x->attempt.head.is_grpc)
        return x->attempt.progress_ns + timeouts_of(x)->tunnel_idle_ns;
    if (x->attempt.stream.is_events && !x->attempt.stream.is_judged)
        return 0;
    if (waits_for_first(x))
        return x->attempt.sent_ns + first_token_limit(x);
    if (x->attempt.stream.is_events)
        return x->attempt.progress_ns + timeouts_of(x)->stall_ns;
    return x->attempt.sent_ns + timeouts_of(x)->unary_ns;
}

/* May comment lines fill a silence?  Once the client has a stream, at the boundaries of its events.
 */
bool exchange_beats(const struct exchange *x)
{
    bool relays = x->state == EXCHANGE_RELAY && x->attempt.stream.is_events &&
                  x->attempt.stream.form == FORM_SSE && x->attempt.stream.is_judged &&
                  x->attempt.stream.whole_ns == 0 &&
                  dialect_stream_error(x->attempt.stream.answer.dialect) != STREAM_ERROR_NONE;
    bool waits = x->reply.began_early && !x->reply.committed;

    return (relays || waits) && x->pool->conf->heartbeat_ns > 0;
}

uint64_t exchange_beat_due(const struct exchange *x)
{
    return exchange_beats(x) ? x->reply.quiet_ns + x->pool->conf->heartbeat_ns : 0;
}

uint64_t exchange_head_due(const struct exchange *x)
{
    return x->state == EXCHANGE_HEAD_PENDING
               ? x->attempt.stream.head_ns + timeouts_of(x)->head_hold_ns
               : 0;
}

/* By its state alone. */
static uint64_t state_due(const struct exchange *x)
{
    uint64_t total =
        x->record.admitted_ns == 0 ? 0 : x->record.admitted_ns + timeouts_of(x)->total_ns;

    switch (x->state) {
    case EXCHANGE_BODY:
    case EXCHANGE_ENDED:
        return 0;         /* the client's deadlines */
    case EXCHANGE_QUEUED: /* the gate's deadline: every wait in a pool ends by its max_wait */
        return exchange_beat_due(x);
    case EXCHANGE_CONNECT: /* its connection has a deadline of its own, this is for the address */
        return x->attempt.begun_ns + 2 * timeouts_of(x)->connect_ns;
    case EXCHANGE_SENT:
    case EXCHANGE_HEAD_PENDING:
    case EXCHANGE_RELAY:
        return deadline_sooner(deadline_sooner(total, exchange_silence_due(x)),
                               deadline_sooner(exchange_beat_due(x), exchange_head_due(x)));
    case EXCHANGE_TUNNEL:
        return x->attempt.progress_ns + timeouts_of(x)->tunnel_idle_ns;
    }
    WEIR_UNREACHABLE("exchange state");
}

uint64_t exchange_due_ns(const struct exchange *x)
{
    uint64_t due = state_due(x);

    return due == 0 || x->state == EXCHANGE_QUEUED ? due
                                                   : deadline_sooner(due, x->request.deadline_ns);
}

void exchange_set_timer(struct exchange *x)
{
    uint64_t due = exchange_due_ns(x);

    if (due == 0)
        x->timer.due_ns = 0;
    else
        loop_timer_at(&x->timer, due);
}
