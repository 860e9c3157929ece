/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread with its loop, listeners, memory pools and counters.  Its orders from
 * control are worker/orders.c.
 */
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/memory.h"
#include "weir/flow/run.h"

#include "client/client.h"
#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

enum { SESSIONS_MAX = 1000000, WAITING_MAX = 4096 };
enum { SESSIONS_ENDING = 256 }; /* closed in this round of the loop, to make room, not freed yet */
#define SAID_EVERY_NS (10 * NS_PER_S)

/* --- accepting */

/*
 * What is open besides connections, and a reserve for weirctl, health checks and a reload, so that
 * they go on when clients have taken everything else.
 */
static uint32_t descriptors_fixed(const struct settings *s)
{
    uint32_t checks = 0;

    for (size_t i = 0; i < s->n_pools; i++)
        checks += s->pools[i].health.path[0] == '\0' ? 0 : (uint32_t)s->pools[i].n_upstreams;
    return 28 + checks + s->workers * (4 + (uint32_t)s->n_listeners);
}

enum { SESSIONS_LEAST = 2 };

static uint64_t descriptors_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    return r.rlim_cur == RLIM_INFINITY ? 4 * (uint64_t)SESSIONS_MAX : r.rlim_cur;
}

bool flow_descriptors_fit(const struct settings *s, char *why, size_t room)
{
    uint64_t have = descriptors_limit();
    uint64_t need = descriptors_fixed(s) + 2 * (uint64_t)SESSIONS_LEAST * s->workers;

    if (have >= need)
        return true;
    (void)snprintf(why, room,
                   "the limit of open descriptors is %llu, and %u workers need %llu at least "
                   "(ulimit -n, LimitNOFILE)",
                   (unsigned long long)have, s->workers, (unsigned long long)need);
    return false;
}

/* Two descriptors a request: the client's and the upstream's. */
uint32_t worker_sessions_max(const struct settings *s)
{
    uint64_t have = descriptors_limit(), fixed = descriptors_fixed(s), n = SESSIONS_LEAST;

    if (have > fixed)
        n = (have - fixed) / 2 / s->workers;
    if (s->limits.connections != 0 && n > (s->limits.connections + s->workers - 1) / s->workers)
        n = (s->limits.connections + s->workers - 1) / s->workers;
    n = n < SESSIONS_LEAST ? SESSIONS_LEAST : n;
    return n > SESSIONS_MAX ? SESSIONS_MAX : (uint32_t)n;
}

static bool is_time(struct worker *w, uint64_t *said_ns)
{
    uint64_t now = loop_now_ns(w->loop);

    if (*said_ns != 0 && now - *said_ns < SAID_EVERY_NS)
        return false;
    *said_ns = now;
    return true;
}

void worker_set_memory_short(struct worker *w, bool is_short)
{
    atomic_store_explicit(&w->memory_short, is_short, memory_order_relaxed);
}

void worker_accept_or_not(struct worker *w)
{
    struct accepting *a = w->accepting;
    bool full = a->n_clients >= a->max_clients && !clients_can_make_room(w);
    bool is_short = atomic_load_explicit(&w->memory_short, memory_order_relaxed);
    bool pause = full || is_short || a->resting;

    if (a->paused == pause)
        return;
    a->paused = pause;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if (a->listeners[i] != NULL)
            listener_pause(a->listeners[i], pause);
    }
    if ((full || is_short) && is_time(w, &a->full_said_ns))
        log_warn("worker %d: %s: new connections wait", w->index,
                 full ? "as many client connections are at work as there may be"
                      : "the memory of limits.memory is nearly used up");
}

static void on_client(int fd, const struct net_addr *peer, void *arg)
{
    struct listener_slot *slot = arg;
    struct worker *w = slot->w;
    struct snapshot_listener *l = w->snapshot->by_slot[slot->index];
    bool proxied = l != NULL && l->conf->proxy_protocol; /* its client is not known yet */

    if (l == NULL || !(proxied || clients_let_in(w, l->addresses, peer))) {
        (void)close(fd);
        return;
    }
    if (w->accepting->n_clients >= w->accepting->max_clients)
        (void)clients_make_room(w, NULL);
    if (!clients_open(w, fd, peer, slot->index)) {
        if (!proxied)
            address_leave(l->addresses, peer);
        return;
    }
    w->accepting->n_clients++;
    counter_add(&w->counters.accepted, 1);
    counter_add(&w->counters.client_open, 1);
    worker_accept_or_not(w);
}

static void on_client_gone(struct worker *w)
{
    w->accepting->n_clients--;
    counter_sub(&w->counters.client_open, 1);
    if (w->accepting->paused)
        worker_accept_or_not(w);
}

bool worker_listen(struct worker *w, int listener, int fd)
{
    struct listener_slot *slot = &w->accepting->slots[listener];
    struct listener *l = listener_open(w->loop, fd, on_client, slot);

    *slot = (struct listener_slot){w, listener, fd, l == NULL};
    w->accepting->listeners[listener] = l;
    if (l != NULL && w->accepting->paused)
        listener_pause(l, true);
    return l != NULL;
}

static void listen_again(struct worker *w)
{
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if (w->accepting->slots[i].waits)
            (void)worker_listen(w, i, w->accepting->slots[i].fd);
    }
}

/* Connections that the kernel has already made would be reset by the close: they are taken in. */
static void take_waiting(struct worker *w, int listener)
{
    for (int i = 0; i < WAITING_MAX; i++) {
        struct net_addr peer = {.len = sizeof peer.u};
        int fd = accept4(w->accepting->slots[listener].fd, &peer.u.sa, &peer.len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1)
            return;
        on_client(fd, &peer, &w->accepting->slots[listener]);
    }
}

void worker_unlisten(struct worker *w, int listener)
{
    if (w->accepting->listeners[listener] != NULL && w->snapshot->by_slot[listener] != NULL)
        take_waiting(w, listener);
    worker_leave_listener(w, listener);
}

void worker_leave_listener(struct worker *w, int listener)
{
    struct listener_slot *slot = &w->accepting->slots[listener];

    if (w->accepting->listeners[listener] == NULL && !slot->waits)
        return;
    slot->waits = false;
    listener_close(&w->accepting->listeners[listener]);
    (void)close(slot->fd);
}

/* --- life */

static void on_second(void *arg)
{
    struct worker *w = arg;
    uint64_t now = loop_now_ns(w->loop);

    counter_add(&w->counters.seconds, 1);
    clients_check_rates(w);
    listen_again(w);
    worker_accept_or_not(w);
    loop_timer_at(&w->accepting->second, now + NS_PER_S);
}

static bool make_scratch(struct scratch *s)
{
    s->in = malloc(SCRATCH_BYTES);
    s->lines = malloc(LINES_BYTES);
    s->fields = calloc(SNAPSHOT_FIELDS_MAX, sizeof *s->fields);
    s->listed = calloc(LISTED_MAX, sizeof *s->listed);
    s->path = malloc(PATH_BYTES);
    return s->path != NULL && s->listed != NULL && s->in != NULL && s->lines != NULL &&
           s->fields != NULL;
}

static void free_scratch(struct scratch *s)
{
    free(s->in);
    free(s->lines);
    free(s->path);
    free(s->fields);
    free(s->listed);
}

static bool make_rooms(struct worker *w)
{
    uint32_t max = worker_sessions_max(w->snapshot->settings);

    w->accepting = calloc(1, sizeof *w->accepting);
    if (w->accepting == NULL)
        return false;
    w->accepting->max_clients = max;
    loop_timer_init(&w->accepting->second, w->loop, on_second, w);
    w->clients = clients_create(w, max + SESSIONS_ENDING, on_client_gone);
    w->exchanges = exchanges_create(2 * max + 2);
    w->uplinks = uplinks_create(2 * max + 2);
    return w->clients != NULL && w->exchanges != NULL && w->uplinks != NULL;
}

struct worker *worker_create(struct loop *records_to, void *control, int index, int n_workers,
                             struct snapshot *snapshot,
                             void (*deliver_records)(struct loop_message *m))
{
    struct worker *w = memory_lines(sizeof *w);
    uint64_t seed;

    if (w == NULL)
        return NULL;
    standing_orders_init(&w->standing, w);
    w->index = index;
    w->n_workers = n_workers;
    w->snapshot = snapshot;
    w->use = snapshot_use_create(snapshot);
    w->loop = loop_create();
    random_bytes(&seed, sizeof seed);
    rng_seed(&w->rng, seed);
    if (w->loop == NULL || w->use == NULL || !make_scratch(&w->scratch) || !make_rooms(w) ||
        !record_writer_init(&w->records, w->loop, records_to, control, deliver_records)) {
        worker_destroy(&w);
        return NULL;
    }
    return w;
}

void worker_run(struct worker *w)
{
    loop_timer_at(&w->accepting->second, mono_now_ns() + NS_PER_S);
    loop_run(w->loop);
}

void worker_close(struct worker *w)
{
    exchanges_blame_the_end(w);
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++)
        worker_unlisten(w, i); /* before the sessions: it takes in who waits */
    clients_close(w);
    exchanges_abandon(w); /* whose clients have all of their answers, and have left */
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        upstream_close_idle(w, i);
    loop_poll(w->loop); /* frees what was deferred */
    record_flush(&w->records);
}

void worker_destroy(struct worker **wp)
{
    struct worker *w = *wp;

    *wp = NULL;
    if (w == NULL)
        return;
    if (w->loop != NULL) {
        if (w->accepting != NULL)
            loop_timer_stop(&w->accepting->second);
        record_writer_fini(&w->records);
        loop_destroy(&w->loop);
    }
    for (int i = 0; i <= SNAPSHOT_POOLS_MAX; i++)
        free(w->incidents[i]);
    public_status_unref(w->status);
    if (w->use != NULL)
        snapshot_use_retire(&w->use);
    clients_destroy(&w->clients);
    exchanges_destroy(&w->exchanges);
    uplinks_destroy(&w->uplinks);
    free_scratch(&w->scratch);
    free(w->accepting);
    free(w);
}

const struct worker_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}

const struct pool_counters *worker_pool_counters(const struct worker *w, int slot)
{
    return &w->pools[slot];
}

const struct upstream_counters *worker_upstream_counters(const struct worker *w, int slot)
{
    return &w->upstreams[slot];
}
