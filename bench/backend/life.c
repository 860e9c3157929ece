/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's life: its pace (slow, cold, stalled), the timer of its engine, death and return, and
 * being fragile after one.
 */
#include "bench/backend/server.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

static double cold_factor(const struct server *s)
{
    return s->cold_of == 0 ? 1 : 1 + (s->cold - 1) * s->cold_left / s->cold_of;
}

static void set_timer(struct server *s)
{
    uint64_t due = engine_due_ns(&s->engine), now, us;
    struct timeval tv;

    if (due == s->timer_due_ns)
        return;
    s->timer_due_ns = due;
    if (due == 0) {
        event_del(s->engine_timer);
        return;
    }
    now = mono_now_ns();
    us = due > now ? (due - now + 999) / 1000 : 0;
    tv = (struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
    (void)event_add(s->engine_timer, &tv);
}

void life_update(struct server *s)
{
    s->engine.slow = s->faults.slow * cold_factor(s) / s->speed;
    if (s->engine.paused != s->faults.stall)
        engine_pause(&s->engine, s->faults.stall, mono_now_ns());
    set_timer(s);
}

static void on_engine_due(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;

    (void)fd, (void)what;
    s->timer_due_ns = 0;
    engine_run(&s->engine, mono_now_ns(), answer_token, s);
    life_update(s);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;

    (void)fd, (void)what;
    s->wait_ring_ns[s->ring_at] = s->engine.longest_wait_ns;
    s->engine.longest_wait_ns = 0;
    s->ring_at = (s->ring_at + 1) % WAIT_RING;
}

static void go_down(struct server *s, bool counted)
{
    if (s->down)
        return;
    log_info("backend: down with %llu requests open", (unsigned long long)s->open);
    s->down = true;
    s->n.deaths++;
    httpd_close(&s->port);
    s->port.refuse = counted;
    if (counted && httpd_listen(&s->port) != WEIR_OK)
        log_error("backend: cannot listen again");
    prefix_clear(&s->prefix);
}

static void go_up(struct server *s, enum order how, double cold, uint32_t cold_of)
{
    if (!s->down)
        return;
    s->down = false;
    s->last_return = how;
    s->cold = cold;
    s->cold_of = cold_of;
    s->cold_left = how == ORDER_UP_COLD ? cold_of : 0;
    s->returned_ns = mono_now_ns();
    s->port.refuse = false;
    event_del(s->revive);
    if (httpd_listen(&s->port) != WEIR_OK) {
        log_error("backend: cannot listen again");
        s->down = true;
        return;
    }
    log_info("backend: up again%s", how == ORDER_UP_COLD ? ", cold" : "");
}

void life_order(struct server *s, enum order o, double cold, uint32_t cold_of)
{
    switch (o) {
    case ORDER_NONE:
        break;
    case ORDER_DOWN:
    case ORDER_DOWN_COUNTED:
        event_del(s->revive);
        go_down(s, o == ORDER_DOWN_COUNTED);
        break;
    case ORDER_UP:
    case ORDER_UP_COLD:
        go_up(s, o, cold, cold_of);
        break;
    case ORDER_CLEAR:
        s->cold_left = 0;
        go_up(s, ORDER_UP, 1, 0);
        break;
    }
    s->quota_ns = mono_now_ns();
    s->quota_tokens = 1;
    life_update(s);
    api_go_on(s);
}

static void on_revive(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;

    (void)fd, (void)what;
    life_order(s, s->last_return, s->cold, s->cold_of);
}

void life_request_arrived(struct server *s)
{
    struct timeval tv = {FRAGILE_DOWN_S, 0};

    if (s->faults.fragile == 0 || s->open < (uint64_t)s->faults.fragile ||
        mono_now_ns() - s->returned_ns > (uint64_t)FRAGILE_WATCH_S * NS_PER_S)
        return;
    log_info("backend: fragile, too many requests so soon after the return");
    go_down(s, false);
    (void)event_add(s->revive, &tv);
}

void life_request_served(struct server *s)
{
    if (s->cold_left > 0)
        s->cold_left--;
}

enum weir_status life_init(struct server *s)
{
    struct timeval second = {1, 0};

    s->cold = 1;
    s->last_return = ORDER_UP;
    s->born_ns = s->returned_ns = s->quota_ns = mono_now_ns();
    s->engine_timer = event_new(s->loop, -1, 0, on_engine_due, s);
    s->second = event_new(s->loop, -1, EV_PERSIST, on_second, s);
    s->revive = event_new(s->loop, -1, 0, on_revive, s);
    if (s->engine_timer == NULL || s->second == NULL || s->revive == NULL ||
        event_add(s->second, &second) != 0)
        return WEIR_NO_MEMORY;
    life_update(s);
    return WEIR_OK;
}

void life_fini(struct server *s)
{
    event_free(s->engine_timer);
    event_free(s->second);
    event_free(s->revive);
}
