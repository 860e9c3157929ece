/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread: starts and ends the workers, ticks the decisions.  What it
 * shows and is told is in the control_*.c beside this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/control_priv.h"
#include "control/export.h"
#include "control/fleet.h"
#include "control/takeover.h"
#include "weir/base/text.h"

#define TICK_NS (100 * NS_PER_MS)

struct loop *control_loop(struct control *c)
{
    return c->loop;
}

const struct settings *control_settings(const struct control *c)
{
    return c->snapshot->settings;
}

/* --- the tick */

static void tick_pool(struct control *c, struct snapshot_pool *p, uint64_t now_ns)
{
    struct gate_counts sum = {0};

    for (size_t i = 0; i < p->n_upstreams; i++) {
        for (int w = 0; w < c->workers.n; w++) {
            const struct upstream_counters *u =
                worker_upstream_counters(c->workers.list[w], p->upstreams[i].slot);
            int place = p->upstreams[i].place;
            sum.events[place] += counter_get(&u->content_events);
            sum.signs[place] += counter_get(&u->reads);
            sum.gaps_ns[place] += counter_get(&u->gaps_ns);
        }
    }
    gate_tick(p->gate, &sum, now_ns);
}

/* Who waits or runs in a pool that is no more ends by its rules. */
static void tick_old_pools(struct control *c, uint64_t now_ns)
{
    for (int i = c->n_old_pools - 1; i >= 0; i--) {
        struct old_pool *o = &c->old_pools[i];
        bool empty;

        tick_pool(c, o->pool, now_ns);
        empty = pool_is_empty(gate_lock(o->pool->gate));
        gate_unlock(o->pool->gate);
        if (!empty)
            continue;
        snapshot_unref(o->snapshot);
        *o = c->old_pools[--c->n_old_pools];
    }
}

static uint64_t sooner(struct gate *g, uint64_t soonest)
{
    uint64_t at = pool_next_expiry(gate_lock(g));

    gate_unlock(g);
    return at != 0 && (soonest == 0 || at < soonest) ? at : soonest;
}

static void set_expiry(struct control *c)
{
    uint64_t soonest = 0;

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        soonest = sooner(c->snapshot->pools[i].gate, soonest);
    for (int i = 0; i < c->n_old_pools; i++)
        soonest = sooner(c->old_pools[i].pool->gate, soonest);
    if (soonest != 0)
        loop_timer_at(&c->expiry, soonest);
}

/* Waits end in time, not a tick later. */
static void on_expiry(void *arg)
{
    struct control *c = arg;
    uint64_t now = loop_now_ns(c->loop);

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        gate_expire(c->snapshot->pools[i].gate, now);
    for (int i = 0; i < c->n_old_pools; i++)
        gate_expire(c->old_pools[i].pool->gate, now);
    set_expiry(c);
}

static void end(struct control *c)
{
    if (c->phase.stopped)
        return;
    c->phase.stopped = true;
    loop_stop(c->loop);
}

static void check_drained(struct control *c)
{
    struct worker_sum sum;

    if (!c->phase.quitting && c->upgrade.state != UPGRADE_DONE)
        return;
    control_sum_workers(c, &sum);
    if (sum.client_open == 0 && export_is_done(c) && control_fleet_is_done(c))
        end(c);
}

static void on_tick(void *arg)
{
    struct control *c = arg;
    uint64_t now = loop_now_ns(c->loop);

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        tick_pool(c, &c->snapshot->pools[i], now);
    tick_old_pools(c, now);
    control_take_pool_events(c);
    control_watch_canaries(c);
    control_lapse(c);
    control_judge(c);
    control_watch_memory(c);
    upgrade_tick(c);
    if (now - c->clock.last_second_ns >= NS_PER_S) {
        c->clock.last_second_ns = now;
        control_watch_clock(c, now);
        control_second(c);
    }
    control_fleet_limits_set(c);
    set_expiry(c);
    check_drained(c);
    loop_timer_at(&c->tick, now + TICK_NS);
}

/* --- ending */

static void on_drain_timer(void *arg)
{
    struct control *c = arg;
    const struct settings *st = c->snapshot->settings;

    if (!c->phase.quitting) {
        c->phase.quitting = true;
        for (int i = 0; i < c->workers.n; i++)
            worker_drain(c->workers.list[i]);
        loop_timer_at(&c->drain_timer, loop_now_ns(c->loop) + st->drain_timeout_ns);
    } else if (!c->phase.abandoned) {
        c->phase.abandoned = true;
        control_say(c, "", "", "drain_timeout",
                    "drain_timeout has passed: requests still running end with an error");
        for (int i = 0; i < c->workers.n; i++)
            worker_abandon(c->workers.list[i]);
        loop_timer_at(&c->drain_timer, loop_now_ns(c->loop) + 2 * NS_PER_S);
    } else {
        end(c);
    }
}

static void begin_drain(struct control *c, const char *by)
{
    if (c->phase.draining)
        return;
    c->phase.draining = true;
    control_fleet_join_no_more(c);
    upgrade_give_up(c);
    control_say(c, "", "", "drain",
                "draining (%s): no new connection after %.1f s, then up to %.0f s for "
                "requests to end",
                by, (double)c->snapshot->settings->drain_delay_ns / 1e9,
                (double)c->snapshot->settings->drain_timeout_ns / 1e9);
    if (c->start.notify != NULL)
        c->start.notify("STOPPING", c->start.arg);
    control_judge(c);
    for (int i = 0; i < c->workers.n; i++)
        worker_lame_duck(c->workers.list[i]);
    if (c->snapshot->settings->drain_delay_ns == 0)
        on_drain_timer(c);
    else
        loop_timer_at(&c->drain_timer,
                      loop_now_ns(c->loop) + c->snapshot->settings->drain_delay_ns);
}

void control_drain(struct control *c, const struct control_who *who)
{
    char by[32];

    (void)snprintf(by, sizeof by, "uid %u", who->uid);
    begin_drain(c, by);
}

void control_stop(struct control *c, const struct control_who *who)
{
    control_say(c, "", "", "stop", "stopping at once (uid %u)", who->uid);
    end(c);
}

/* Once politely, twice at once. */
void control_end_by_signal(struct control *c, const char *name)
{
    if (c->phase.draining && !upgrade_hears_first(c))
        end(c);
    else if (!c->phase.draining)
        begin_drain(c, name);
}

/* --- life */

static bool make_workers(struct control *c)
{
    c->workers.n = (int)c->snapshot->settings->workers;
    for (int i = 0; i < c->workers.n; i++) {
        c->workers.list[i] =
            worker_create(c->loop, c, i, c->workers.n, c->snapshot, control_on_records);
        if (c->workers.list[i] == NULL)
            return false;
        for (int l = 0; l < SNAPSHOT_LISTENERS_MAX; l++) {
            if (c->workers.listen_fds[l][i] != -1 &&
                !worker_listen(c->workers.list[i], l, c->workers.listen_fds[l][i]))
                return false;
            control_lend_listener(c, l, i);
        }
    }
    return true;
}

/* The worker's now. */
void control_lend_listener(struct control *c, int slot, int worker)
{
    c->workers.lent_fds[slot][worker] = c->workers.listen_fds[slot][worker];
    c->workers.listen_fds[slot][worker] = -1;
}

/* At the start a listener's slot is its index. */
static bool take_sockets(struct control *c)
{
    struct flow_sockets *f = c->start.sockets;

    c->workers.listen_fds = calloc(SNAPSHOT_LISTENERS_MAX, sizeof *c->workers.listen_fds);
    c->workers.lent_fds = calloc(SNAPSHOT_LISTENERS_MAX, sizeof *c->workers.lent_fds);
    if (c->workers.listen_fds == NULL || c->workers.lent_fds == NULL)
        return false;
    memset(c->workers.lent_fds, -1, SNAPSHOT_LISTENERS_MAX * sizeof *c->workers.lent_fds);
    for (size_t l = 0; l < SNAPSHOT_LISTENERS_MAX; l++) {
        for (size_t w = 0; w < WORKERS_MAX; w++) {
            bool have = l < f->n_listeners && w < f->n_workers;
            c->workers.listen_fds[l][w] = have ? f->fds[l * f->n_workers + w] : -1;
        }
    }
    free(f->fds);
    *f = (struct flow_sockets){0};
    return true;
}

static void init_pools(struct control *c)
{
    for (size_t i = 0; i <= SNAPSHOT_POOLS_MAX; i++)
        c->pools[i].since_wall_ns = c->clock.started_wall_ns;
}

static bool allocate_views(struct control *c)
{
    c->view.pools = calloc(SNAPSHOT_POOLS_MAX, sizeof *c->view.pools);
    c->view.upstreams = calloc(SNAPSHOT_UPSTREAMS_MAX, sizeof *c->view.upstreams);
    return c->view.pools != NULL && c->view.upstreams != NULL;
}

struct control *control_create(struct settings **s, const struct control_start *start, char *why,
                               size_t room)
{
    struct control *c = calloc(1, sizeof *c);

    (void)snprintf(why, room, "out of memory");
    if (c == NULL)
        return NULL;
    c->start = *start;
    c->signals.fd = c->memory.fd = -1;
    c->loop = loop_create();
    if (c->loop == NULL)
        goto failed;
    control_reloads_begin(c);
    c->clock.started_wall_ns = c->service.since_wall_ns = wall_now_ns();
    c->clock.wall_minus_mono_ns = c->clock.started_wall_ns - mono_now_ns();
    c->snapshot = snapshot_create(s, NULL, &c->slots, why, room, mono_now_ns());
    if (c->snapshot == NULL)
        goto failed;
    if (start->settle != NULL && !start->settle(c->snapshot->settings, why, room, start->arg))
        goto failed;
    (void)snprintf(why, room, "out of memory");
    init_pools(c);
    memory_watch_open(&c->memory, flow_memory_ceiling(c->snapshot->settings, why, room));
    (void)snprintf(why, room, "out of memory");
    if (!take_sockets(c) || !control_keep_names(c, c->snapshot))
        goto failed;
    control_keep_start(c);
    loop_timer_init(&c->tick, c->loop, on_tick, c);
    loop_timer_init(&c->expiry, c->loop, on_expiry, c);
    loop_timer_init(&c->drain_timer, c->loop, on_drain_timer, c);
    if (!allocate_views(c) || !why_ring_init(&c->why, c->snapshot->settings->admin.why_entries) ||
        !upgrade_begin(c) || !control_signals_begin(c) || !access_log_open(c, why, room) ||
        !make_workers(c) || !control_watch_upstreams(c) || !export_open(c) ||
        !control_fleet_open(c))
        goto failed;
    return c;
failed:
    control_destroy(&c);
    return NULL;
}

static void *thread_main(void *arg)
{
    worker_run(arg);
    return NULL;
}

static bool start_workers(struct control *c)
{
    for (int i = 0; i < c->workers.n; i++) {
        if (pthread_create(&c->workers.threads[i], NULL, thread_main, c->workers.list[i]) != 0)
            return false;
        c->workers.n_running++;
    }
    c->phase.ran = true;
    return true;
}

static void join_workers(struct control *c)
{
    for (int i = 0; i < c->workers.n_running; i++)
        worker_stop(c->workers.list[i]);
    for (int i = 0; i < c->workers.n_running; i++)
        (void)pthread_join(c->workers.threads[i], NULL);
    c->workers.n_running = 0;
}

/* With the workers running; false: why is logged. */
static bool begin(struct control *c)
{
    char why[HANDOVER_TEXT_MAX];

    if (!takeover_switch(c->start.takeover, c, why, sizeof why)) {
        log_error("%s", why);
        return false;
    }
    if (start_workers(c) && takeover_started(c->start.takeover, c))
        return true;
    log_error("a worker thread cannot be started");
    takeover_fail(c->start.takeover, "a worker thread cannot be started");
    return false;
}

int control_run(struct control *c)
{
    int status = 1;

    /* in a hot restart the old process serves on meanwhile */
    control_fleet_join(c);
    if (c->phase.stopped) {
        takeover_fail(c->start.takeover, "told to stop at its start");
        return 0;
    }
    if (begin(c)) {
        control_publish(c);
        loop_timer_at(&c->tick, mono_now_ns() + TICK_NS);
        if (c->start.notify != NULL)
            c->start.notify("READY", c->start.arg);
        loop_run(c->loop);
        status = 0;
    }
    join_workers(c);
    return status;
}

void control_destroy(struct control **cp)
{
    struct control *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    join_workers(c);
    c->phase.draining = true; /* a signal that comes now has no workers to tell */
    if (c->loop != NULL) {
        control_reloads_end(c);
        control_fleet_close(c);
        export_close(c);
        upgrade_end(c);
        control_unwatch_upstreams(c);
        loop_timer_stop(&c->tick);
        loop_timer_stop(&c->expiry);
        loop_timer_stop(&c->drain_timer);
    }
    for (int i = 0; i < c->workers.n; i++)
        if (c->workers.list[i] != NULL)
            worker_close(c->workers.list[i]);
    if (c->loop != NULL)
        loop_poll(c->loop); /* the last records */
    access_log_close(c);
    control_keep_end(c);
    memory_watch_close(&c->memory);
    if (c->phase.ran)
        control_say_sum(c);
    for (int i = 0; i < c->workers.n; i++)
        worker_destroy(&c->workers.list[i]);
    why_ring_free(&c->why);
    control_signals_end(c);
    for (int i = 0; i <= SNAPSHOT_POOLS_MAX; i++) {
        free(c->pools[i].incident);
        free(c->names.pools[i]);
    }
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        free(c->names.upstreams[i]);
    free(c->workers.listen_fds);
    free(c->workers.lent_fds);
    free(c->view.pools);
    free(c->view.upstreams);
    while (c->n_old_pools > 0)
        snapshot_unref(c->old_pools[--c->n_old_pools].snapshot);
    snapshot_unref(c->snapshot);
    slot_book_free(&c->slots);
    loop_destroy(&c->loop);
    free(c);
}
