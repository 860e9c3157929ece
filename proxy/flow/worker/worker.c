/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread with its loop, listeners, memory pools and counters.  Its orders from
 * control are worker/orders.c.
 */
#include "worker/worker.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/clock.h"

#include "client/client.h"
#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

enum { SESSIONS_MAX = 1000000, SPARE_DESCRIPTORS = 64, WAITING_MAX = 4096 };

/* --- accepting */

/* Two descriptors a request: the client's and the upstream's. */
uint32_t worker_sessions_max(int n_workers)
{
    struct rlimit r;
    rlim_t n;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    n = r.rlim_cur == RLIM_INFINITY ? SESSIONS_MAX : r.rlim_cur;
    n = n > SPARE_DESCRIPTORS * 2 ? (n - SPARE_DESCRIPTORS) / 2 : SPARE_DESCRIPTORS;
    n /= (rlim_t)n_workers;
    if (n < 16)
        n = 16;
    return n > SESSIONS_MAX ? SESSIONS_MAX : (uint32_t)n;
}

static void pause_listeners(struct worker *w, bool pause)
{
    if (w->accepting->paused == pause)
        return;
    w->accepting->paused = pause;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if (w->accepting->listeners[i] != NULL)
            listener_pause(w->accepting->listeners[i], pause);
    }
    if (pause)
        log_warn("worker %d: %u client connections are open, the most there may be: new ones wait",
                 w->index, w->accepting->n_clients);
}

static void on_client(int fd, const struct net_addr *peer, void *arg)
{
    struct listener_slot *slot = arg;
    struct worker *w = slot->w;
    struct snapshot_listener *l = w->snapshot->by_slot[slot->index];

    if (l == NULL || !address_enter(l->addresses, peer)) {
        (void)close(fd);
        return;
    }
    if (!clients_open(w, fd, peer, slot->index)) {
        address_leave(l->addresses, peer);
        return;
    }
    w->accepting->n_clients++;
    counter_add(&w->counters.accepted, 1);
    counter_add(&w->counters.client_open, 1);
    if (w->accepting->n_clients >= w->accepting->max_clients)
        pause_listeners(w, true);
}

static void on_client_gone(struct worker *w)
{
    w->accepting->n_clients--;
    counter_sub(&w->counters.client_open, 1);
    if (w->accepting->n_clients < w->accepting->max_clients)
        pause_listeners(w, false);
}

bool worker_listen(struct worker *w, int listener, int fd)
{
    w->accepting->slots[listener] = (struct listener_slot){w, listener, fd};
    w->accepting->listeners[listener] =
        listener_open(w->loop, fd, on_client, &w->accepting->slots[listener]);
    return w->accepting->listeners[listener] != NULL;
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
    if (w->accepting->listeners[listener] == NULL)
        return;
    if (w->snapshot->by_slot[listener] != NULL)
        take_waiting(w, listener);
    listener_close(&w->accepting->listeners[listener]);
    (void)close(w->accepting->slots[listener].fd);
}

/* --- life */

static void on_second(void *arg)
{
    struct worker *w = arg;
    uint64_t now = loop_now_ns(w->loop);

    clients_check_rates(w);
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
    uint32_t max = worker_sessions_max(w->n_workers);

    w->accepting = calloc(1, sizeof *w->accepting);
    if (w->accepting == NULL)
        return false;
    w->accepting->max_clients = max;
    loop_timer_init(&w->accepting->second, w->loop, on_second, w);
    w->clients = clients_create(w, max + 1, on_client_gone);
    w->exchanges = exchanges_create(2 * max + 2);
    w->uplinks = uplinks_create(2 * max + 2);
    return w->clients != NULL && w->exchanges != NULL && w->uplinks != NULL;
}

struct worker *worker_create(struct loop *records_to, void *control, int index, int n_workers,
                             struct snapshot *snapshot,
                             void (*deliver_records)(struct loop_message *m))
{
    struct worker *w = aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);
    uint64_t seed;

    if (w == NULL)
        return NULL;
    memset(w, 0, sizeof *w);
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
