/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an exchange: made, moved between states, timed, recorded, freed.  Owner and thread:
 * the worker of its session.
 *
 * It outlives its client only while a wake message of the gate is under way.
 */
#include <stdlib.h>

#include "flow_priv.h"

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [EXCHANGE_BODY] = BIT(EXCHANGE_QUEUED) | BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_QUEUED] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_CONNECT] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_SENT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_SENT] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_HEAD_PENDING) | BIT(EXCHANGE_RELAY) |
                      BIT(EXCHANGE_TUNNEL) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_HEAD_PENDING] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_RELAY) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_RELAY] = BIT(EXCHANGE_ENDED),
    [EXCHANGE_TUNNEL] = BIT(EXCHANGE_ENDED),
    [EXCHANGE_ENDED] = 0,
};

uint64_t exchange_now(const struct exchange *x)
{
    return loop_now_ns(x->w->loop);
}

/* The only place that writes x->state. */
void exchange_enter(struct exchange *x, enum exchange_state next)
{
    WEIR_ASSERT((may_follow[x->state] & BIT(next)) != 0);
    x->state = next;
    exchange_set_timer(x);
}

/* --- deadlines */

static const struct timeouts_conf *timeouts_of(const struct exchange *x)
{
    return &x->pool->conf->timeouts;
}

/* When this is the last upstream that could answer, giving up early helps nobody. */
static uint64_t first_token_limit(const struct exchange *x)
{
    bool last = x->pool->n_upstreams == 1 || x->ticket.r.attempts > 1;

    return last ? timeouts_of(x)->first_token_last_ns : timeouts_of(x)->first_token_ns;
}

static bool waits_for_first(const struct exchange *x)
{
    return x->stream && x->first_ns == 0;
}

static uint64_t silence_due(const struct exchange *x)
{
    if (waits_for_first(x))
        return x->sent_ns + first_token_limit(x);
    if (x->events_form)
        return x->progress_ns + timeouts_of(x)->stall_ns;
    if (!x->head_seen)
        return x->sent_ns + timeouts_of(x)->unary_ns;
    return x->sent_ns + timeouts_of(x)->unary_ns;
}

/* May comment lines fill a silence?  Once the client has a stream, at the boundaries of its events.
 */
static bool beats(const struct exchange *x)
{
    bool relays = x->state == EXCHANGE_RELAY && x->events_form && x->form == FORM_SSE;
    bool waits = x->began_early && !x->committed;

    return (relays || waits) && x->pool->conf->heartbeat_ns > 0;
}

static uint64_t beat_due(const struct exchange *x)
{
    return beats(x) ? x->quiet_ns + x->pool->conf->heartbeat_ns : 0;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t due_ns(const struct exchange *x)
{
    uint64_t total = x->admitted_ns == 0 ? 0 : x->admitted_ns + timeouts_of(x)->total_ns;

    switch (x->state) {
    case EXCHANGE_BODY:
    case EXCHANGE_ENDED:
        return 0;         /* the client's deadlines */
    case EXCHANGE_QUEUED: /* the gate's deadline: every wait in a pool ends by its max_wait */
        return beat_due(x);
    case EXCHANGE_CONNECT: /* its connection has a deadline of its own, this is for the address */
        return x->admitted_ns + 2 * timeouts_of(x)->connect_ns;
    case EXCHANGE_SENT:
    case EXCHANGE_HEAD_PENDING:
    case EXCHANGE_RELAY:
        return sooner(sooner(total, silence_due(x)), beat_due(x));
    case EXCHANGE_TUNNEL:
        return x->progress_ns + timeouts_of(x)->tunnel_idle_ns;
    }
    WEIR_UNREACHABLE("exchange state");
}

void exchange_set_timer(struct exchange *x)
{
    uint64_t due = due_ns(x);

    if (due == 0)
        x->timer.due_ns = 0;
    else
        loop_timer_at(&x->timer, due);
}

static void heartbeat(struct exchange *x, uint64_t now)
{
    bool boundary = x->committed ? x->answer.at_boundary : true;

    if (!beats(x) || now < beat_due(x))
        return;
    x->quiet_ns = now;
    if (boundary && client_can_add(x->client))
        client_data(x->client, SLICE_LIT(": weir\n\n"));
}

static void on_due(struct exchange *x, uint64_t now)
{
    if (x->state == EXCHANGE_QUEUED) {
        heartbeat(x, now);
        exchange_set_timer(x);
        return;
    }
    if (x->state == EXCHANGE_CONNECT) {
        exchange_connect_failed(x, WEIR_TIMEOUT, "no connection in time");
        return;
    }
    if (x->state == EXCHANGE_TUNNEL || now >= x->admitted_ns + timeouts_of(x)->total_ns) {
        exchange_fail(x, OUTCOME_NEUTRAL, 504, CAUSE_GATEWAY_TIMEOUT);
        return;
    }
    if (now >= silence_due(x)) {
        bool begun = x->committed && x->events_form && x->first_ns != 0;
        exchange_fail(x, begun ? OUTCOME_STALLED : OUTCOME_FAILED, 504,
                      begun ? CAUSE_UPSTREAM_STALLED : CAUSE_GATEWAY_TIMEOUT);
        return;
    }
    heartbeat(x, now);
    exchange_set_timer(x);
}

static void on_timer(void *arg)
{
    struct exchange *x = arg;
    uint64_t due;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    due = due_ns(x);
    if (due == 0)
        return;
    if (exchange_now(x) >= due)
        on_due(x, exchange_now(x));
    else
        loop_timer_at(&x->timer, due);
}

/* --- life */

void snapshot_use_unref(struct snapshot_use **up)
{
    struct snapshot_use *u = *up;

    *up = NULL;
    if (--u->exchanges == 0 && u->retired) {
        snapshot_unref(u->snapshot);
        free(u);
    }
}

static void free_deferred(struct loop_deferred *d)
{
    struct exchange *x = LIST_OBJECT(d, struct exchange, deferred);
    struct worker *w = x->w;

    buf_free(&x->request);
    buf_free(&x->body);
    buf_free(&x->pending);
    free(x->path);
    if (x->upstream_use != NULL)
        snapshot_use_unref(&x->upstream_use);
    snapshot_use_unref(&x->use);
    slab_give(&w->exchanges, x);
}

struct exchange *exchange_create(struct worker *w, struct client *client)
{
    struct exchange *x = slab_take(&w->exchanges);

    if (x == NULL)
        return NULL;
    x->magic = EXCHANGE_MAGIC;
    x->state = EXCHANGE_BODY;
    x->w = w;
    x->snapshot = w->snapshot;
    x->use = w->use;
    x->use->exchanges++;
    x->client = client;
    x->route = -1;
    x->begun_ns = loop_now_ns(w->loop);
    x->begun_wall_ns = wall_now_ns();
    x->ticket.loop = w->loop;
    x->ticket.wake.deliver = exchange_on_wake;
    x->ticket.r.upstream = x->ticket.r.tried = -1;
    x->ticket.r.class = CLASS_INTERACTIVE;
    x->ticket.r.numbers.upstream = -1;
    list_init(&x->ticket.wake.node);
    loop_timer_init(&x->timer, w->loop, on_timer, x);
    loop_deferred_init(&x->deferred, free_deferred);
    list_push_back(&w->live_exchanges, &x->node);
    return x;
}

void exchange_set_decision(struct exchange *x, enum decision d)
{
    struct pool_counters *p = &x->w->pools[x->pool == NULL ? 0 : x->pool->slot];

    if (x->has_decision)
        return;
    x->has_decision = true;
    x->decision = d;
    counter_add(&p->requests[x->ticket.r.class][d], 1);
    if (d == DECISION_REFUSED)
        counter_add(&p->shed[x->cause], 1);
}

static int64_t span(uint64_t from, uint64_t to)
{
    return from == 0 || to < from ? -1 : (int64_t)(to - from);
}

static int64_t queue_ns(const struct exchange *x)
{
    if (x->asked_ns == 0)
        return -1;
    return x->admitted_ns == 0 ? (int64_t)x->ticket.r.numbers.waited_ns
                               : span(x->asked_ns, x->admitted_ns);
}

static void write_record(struct exchange *x)
{
    uint64_t now = exchange_now(x);
    struct request_record r = {
        .at_wall_ns = x->begun_wall_ns,
        .user = x->ticket.r.user,
        .pool = (int16_t)(x->pool == NULL ? -1 : x->pool->slot),
        .upstream = (int16_t)(x->upstream == NULL ? -1 : x->upstream->slot),
        .route = x->route,
        .class = x->ticket.r.class,
        .decision = x->decision,
        .cause = x->cause,
        .outcome = x->outcome,
        .has_outcome = x->has_outcome,
        .numbers = x->ticket.r.numbers,
        .status = (uint16_t)x->status,
        .client_retry = x->ticket.r.client_retry,
        .retries = x->retries,
        .queue_ns = queue_ns(x),
        .connect_ns = x->connect_took_ns == 0 ? -1 : (int64_t)x->connect_took_ns,
        .ttft_ns = span(x->first_ns == 0 ? 0 : x->begun_ns, x->first_ns),
        .duration_ns = span(x->begun_ns, now),
        .events = x->seen_events,
        .bytes_in = x->bytes_in,
        .bytes_out = x->bytes_out,
    };

    if (!x->events_form)
        r.ttft_ns = -1;
    if (x->seen_content > 1)
        r.pace_ns = (double)(x->last_event_ns - x->first_ns) / (x->seen_content - 1);
    memcpy(r.id, x->id, sizeof r.id);
    memcpy(r.upstream_id, x->upstream_id, sizeof r.upstream_id);
    r.found = x->found;
    memcpy(r.client, x->peer, sizeof r.client);
    r.method_len = (uint8_t)strnlen(x->method, sizeof r.method - 1);
    memcpy(r.method, x->method, r.method_len);
    r.path_len = (uint16_t)(x->path == NULL ? 0 : strlen(x->path));
    if (!record_write(&x->w->records, &r, x->path == NULL ? "" : x->path))
        counter_add(&x->w->counters.log_dropped, 1);
}

/* Over: recorded once, given back, freed after the callback.  The uplink must have been released.
 */
void exchange_finish(struct exchange *x)
{
    WEIR_ASSERT(x->state != EXCHANGE_ENDED && x->uplink == NULL && !x->has_ticket);
    if (!x->has_decision)
        exchange_set_decision(x, DECISION_LOCAL);
    write_record(x);
    counter_add(&x->w->counters.bytes_in, x->bytes_in);
    counter_add(&x->w->counters.bytes_out, x->bytes_out);
    exchange_enter(x, EXCHANGE_ENDED);
    loop_timer_stop(&x->timer);
    list_remove(&x->node);
    x->client = NULL;
    if (!x->awaits_wake)
        loop_defer_free(x->w->loop, &x->deferred);
}
