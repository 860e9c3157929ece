/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection that speaks HTTP/2: its states, deadlines and ends.  Owner and thread: its
 * worker.  What it reads is client/h2/input.c, its requests client/h2/stream.c, what it answers
 * client/h2/answer.c and client/h2/output.c.
 */
#include <stdlib.h>

#include "client/h2/h2_priv.h"

#define LINGER_NS (2 * NS_PER_S)
#define LEAVE_NS  NS_PER_S /* longest wait for the PING that follows the first GOAWAY */

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [H2_OPENING] = BIT(H2_IDLE) | BIT(H2_LINGER) | BIT(H2_DEAD),
    [H2_IDLE] = BIT(H2_BUSY) | BIT(H2_LINGER) | BIT(H2_DEAD),
    [H2_BUSY] = BIT(H2_IDLE) | BIT(H2_LINGER) | BIT(H2_DEAD),
    [H2_LINGER] = BIT(H2_DEAD),
    [H2_DEAD] = 0,
};

static uint64_t state_limit_ns(const struct h2_conn *c, enum h2_state state)
{
    switch (state) {
    case H2_OPENING:
        return client_timeouts(c->w)->head_ns;
    case H2_IDLE:
        return client_timeouts(c->w)->keepalive_ns;
    case H2_LINGER:
        return LINGER_NS;
    case H2_BUSY: /* the streams' deadlines, and the exchanges' */
    case H2_DEAD:
        return 0;
    }
    WEIR_UNREACHABLE("HTTP/2 state");
}

/* The only place that writes c->state. */
void h2_enter(struct h2_conn *c, enum h2_state next)
{
    uint64_t limit = state_limit_ns(c, next);

    WEIR_ASSERT((may_follow[c->state] & BIT(next)) != 0);
    c->state = next;
    c->state_until_ns = limit == 0 ? 0 : h2_now(c) + limit;
    h2_set_timer(c);
    list_remove(&c->idle.node);
    if (next == H2_IDLE)
        client_idle_begin(c->w, &c->idle);
}

void h2_set_timer(struct h2_conn *c)
{
    uint64_t due = deadline_sooner(deadline_sooner(c->state_until_ns, c->block_until_ns),
                                   deadline_sooner(c->write_until_ns, c->leave_until_ns));

    if (due == 0)
        c->timer.due_ns = 0;
    else
        loop_timer_at(&c->timer, due);
}

/* --- ends */

static void free_deferred(struct loop_deferred *d)
{
    struct h2_conn *c = LIST_OBJECT(d, struct h2_conn, deferred);

    nghttp2_session_del(c->ng);
    slab_give(&h2_of(c->w)->slab, c);
}

static void drop_streams(struct h2_conn *c)
{
    LIST_EACH_SAFE(n, t, &c->streams)
    {
        struct h2_stream *s = LIST_OBJECT(n, struct h2_stream, node);
        struct exchange *x = s->x;

        s->x = NULL;
        (void)nghttp2_session_set_stream_user_data(c->ng, s->id, NULL);
        h2_stream_free(s);
        if (x != NULL)
            exchange_client_gone(x);
    }
}

void h2_conn_close(struct h2_conn *c)
{
    if (c->state == H2_DEAD)
        return;
    h2_enter(c, H2_DEAD);
    drop_streams(c);
    loop_timer_stop(&c->timer);
    list_remove(&c->node);
    list_remove(&c->dirty_node);
    list_remove(&c->step.node);
    counter_sub(&c->w->counters.h2_open, 1);
    h2_debts_end(&h2_of(c->w)->debts, conn_peer(c->conn), &c->budget, h2_now(c));
    client_leave(c->w, &c->conn, &c->addresses);
    buf_free(&c->out);
    loop_defer_free(c->w->loop, &c->deferred);
}

/* What the client still sends must not reset the last frames away. */
void h2_linger(struct h2_conn *c)
{
    h2_enter(c, H2_LINGER);
    drop_streams(c);
    c->block_until_ns = c->write_until_ns = c->leave_until_ns = 0;
    h2_set_timer(c);
    conn_shutdown(c->conn);
}

static void terminate(struct h2_conn *c, uint32_t code)
{
    c->state_until_ns = c->block_until_ns = 0;
    if (nghttp2_session_terminate_session(c->ng, code) != 0)
        c->broken = true;
    c->write_until_ns = h2_now(c) + client_timeouts(c->w)->write_ns; /* at the latest */
    h2_mark_dirty(c);
}

void h2_leave(struct h2_conn *c)
{
    if (c->leaving != H2_STAYS || c->state == H2_LINGER || c->state == H2_DEAD)
        return;
    c->leaving = H2_LEAVE_TOLD;
    c->leave_until_ns = h2_now(c) + LEAVE_NS;
    h2_set_timer(c);
    if (nghttp2_submit_shutdown_notice(c->ng) != 0 ||
        nghttp2_submit_ping(c->ng, NGHTTP2_FLAG_NONE, NULL) != 0)
        c->broken = true;
    h2_mark_dirty(c);
}

void h2_leave_finally(struct h2_conn *c)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(c->ng);

    c->leaving = H2_LEAVE_FINAL;
    c->leave_until_ns = 0;
    if (nghttp2_submit_goaway(c->ng, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0)
        c->broken = true;
    h2_mark_dirty(c);
}

/* --- events */

static void on_step(struct loop_deferred *d)
{
    struct h2_conn *c = LIST_OBJECT(d, struct h2_conn, step);

    WEIR_CHECK(c, H2_MAGIC);
    if (c->state == H2_DEAD || c->state == H2_LINGER)
        return;
    if (!c->broken)
        h2_begin_fresh(c);
    LIST_EACH_SAFE(n, t, &c->streams)
    h2_stream_step(LIST_OBJECT(n, struct h2_stream, node));
    if (c->broken)
        h2_conn_close(c);
}

static void on_readable(struct conn *conn, void *owner)
{
    struct h2_conn *c = owner;

    (void)conn;
    WEIR_CHECK(c, H2_MAGIC);
    h2_receive(c);
}

/* The kernel announces room only when a good part of its buffer is free: look at what has left. */
static bool reads_slowly(struct h2_conn *c)
{
    size_t unsent = conn_unsent(c->conn);
    bool progress = unsent < c->write_unsent;

    c->write_unsent = unsent;
    if (progress)
        c->write_until_ns = h2_now(c) + client_timeouts(c->w)->write_ns;
    return progress;
}

static void on_timer(void *arg)
{
    struct h2_conn *c = arg;
    uint64_t now;

    WEIR_CHECK(c, H2_MAGIC);
    now = h2_now(c);
    if (deadline_is_due(c->write_until_ns, now) && !reads_slowly(c)) {
        h2_conn_close(c);
        return;
    }
    if (deadline_is_due(c->block_until_ns, now))
        terminate(c, NGHTTP2_ENHANCE_YOUR_CALM); /* a head that does not end */
    else if (deadline_is_due(c->state_until_ns, now) && c->state == H2_OPENING)
        terminate(c, NGHTTP2_SETTINGS_TIMEOUT);
    else if (deadline_is_due(c->state_until_ns, now) && c->state == H2_IDLE)
        terminate(c, NGHTTP2_NO_ERROR);
    else if (deadline_is_due(c->state_until_ns, now))
        h2_conn_close(c);
    if (c->state != H2_DEAD && deadline_is_due(c->leave_until_ns, now))
        h2_leave_finally(c);
    if (c->state != H2_DEAD)
        h2_set_timer(c);
}

static const struct conn_events events = {
    .on_readable = on_readable,
    .on_writable = h2_on_writable,
};

static bool may_go(const struct client_idle *i, const struct addresses *of)
{
    const struct h2_conn *c = LIST_OBJECT(i, struct h2_conn, idle);

    return (of == NULL || c->addresses == of) && buf_empty(&c->out) &&
           (c->served > 0 || client_idle_long_enough(c->w, i));
}

/* A newcomer needs the place now: GOAWAY goes out, nobody waits for its being read. */
static void go(struct client_idle *i)
{
    struct h2_conn *c = LIST_OBJECT(i, struct h2_conn, idle);

    terminate(c, NGHTTP2_NO_ERROR);
    h2_send(c);
    h2_conn_close(c);
}

/* --- beginnings */

static void announce(struct h2_conn *c)
{
    const struct limits_conf *l = h2_limits(c);
    nghttp2_settings_entry s[4];

    c->announced_head = l->head;
    c->announced_streams = l->http2_streams;
    c->announced_window = h2_stream_window(l);
    s[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->announced_streams};
    s[1] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->announced_window};
    s[2] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, c->announced_head};
    s[3] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    if (nghttp2_submit_settings(c->ng, NGHTTP2_FLAG_NONE, s, 4) != 0 ||
        nghttp2_session_set_local_window_size(c->ng, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_WINDOW) !=
            0)
        c->broken = true;
}

static struct h2_conn *create(struct worker *w)
{
    struct h2_conn *c = slab_take(&h2_of(w)->slab);
    nghttp2_mem mem;

    if (c == NULL)
        return NULL;
    c->memory.reserve = h2_of(w)->reserve;
    mem = h2_memory_of(&c->memory);
    if (nghttp2_session_server_new3(&c->ng, h2_of(w)->callbacks, c, h2_of(w)->options, &mem) != 0) {
        slab_give(&h2_of(w)->slab, c);
        return NULL;
    }
    c->magic = H2_MAGIC;
    c->w = w;
    c->idle.may_go = may_go;
    c->idle.close = go;
    list_init(&c->node);
    list_init(&c->dirty_node);
    list_init(&c->idle.node);
    list_init(&c->streams);
    list_init(&c->fresh);
    loop_timer_init(&c->timer, w->loop, on_timer, c);
    loop_deferred_init(&c->deferred, free_deferred);
    loop_deferred_init(&c->step, on_step);
    return c;
}

bool h2_adopt(struct worker *w, struct conn *conn, struct addresses *a, int listener,
              struct slice early)
{
    struct h2_conn *c = create(w);

    if (c == NULL)
        return false;
    c->conn = conn;
    c->addresses = a;
    c->listener = listener;
    list_push_back(&h2_of(w)->live, &c->node);
    conn_set_owner(conn, &events, c);
    counter_add(&w->counters.h2_open, 1);
    c->state_until_ns = h2_now(c) + state_limit_ns(c, H2_OPENING);
    h2_set_timer(c);
    announce(c);
    h2_mark_dirty(c);
    if (!h2_debts_begin(&h2_of(w)->debts, conn_peer(conn), &c->budget, h2_now(c)))
        h2_cut_off(c, H2_ABUSE_AGAIN);
    if (early.len > 0 && c->cut_off == H2_ABUSE_NONE)
        h2_feed(c, early);
    if (w->draining)
        h2_leave(c);
    return true;
}
