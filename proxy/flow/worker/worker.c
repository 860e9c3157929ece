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

#include "flow_priv.h"

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
    if (w->paused == pause)
        return;
    w->paused = pause;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if (w->listeners[i] != NULL)
            listener_pause(w->listeners[i], pause);
    }
    if (pause)
        log_warn("worker %d: %u client connections are open, the most there may be: new ones wait",
                 w->index, w->n_sessions);
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
    if (session_open(w, fd, peer, slot->index) == NULL) {
        address_leave(l->addresses, peer);
        return;
    }
    w->n_sessions++;
    counter_add(&w->counters.accepted, 1);
    counter_add(&w->counters.client_open, 1);
    if (w->n_sessions >= w->max_sessions)
        pause_listeners(w, true);
}

/* Before the session's connection is closed. */
void worker_session_gone(struct worker *w, struct session *s)
{
    address_leave(s->addresses, conn_peer(s->conn));
    addresses_unref(&s->addresses);
    w->n_sessions--;
    counter_sub(&w->counters.client_open, 1);
    if (w->n_sessions < w->max_sessions)
        pause_listeners(w, false);
}

bool worker_listen(struct worker *w, int listener, int fd)
{
    w->slots[listener] = (struct listener_slot){w, listener, fd};
    w->listeners[listener] = listener_open(w->loop, fd, on_client, &w->slots[listener]);
    return w->listeners[listener] != NULL;
}

/* Connections that the kernel has already made would be reset by the close: they are taken in. */
static void take_waiting(struct worker *w, int listener)
{
    for (int i = 0; i < WAITING_MAX; i++) {
        struct net_addr peer = {.len = sizeof peer.u};
        int fd =
            accept4(w->slots[listener].fd, &peer.u.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1)
            return;
        on_client(fd, &peer, &w->slots[listener]);
    }
}

void worker_unlisten(struct worker *w, int listener)
{
    if (w->listeners[listener] == NULL)
        return;
    if (w->snapshot->by_slot[listener] != NULL)
        take_waiting(w, listener);
    listener_close(&w->listeners[listener]);
    (void)close(w->slots[listener].fd);
}

/* --- life */

static void on_second(void *arg)
{
    struct worker *w = arg;
    uint64_t now = loop_now_ns(w->loop);

    LIST_EACH_SAFE(n, t, &w->live_sessions)
    session_check_rate(LIST_OBJECT(n, struct session, node), now);
    loop_timer_at(&w->second, now + NS_PER_S);
}

static bool make_scratch(struct worker *w)
{
    w->in = malloc(SCRATCH_BYTES);
    w->out = malloc(SCRATCH_BYTES);
    w->lines = malloc(LINES_BYTES);
    w->fields = calloc(SNAPSHOT_FIELDS_MAX, sizeof *w->fields);
    w->listed = calloc(LISTED_MAX, sizeof *w->listed);
    w->path = malloc(PATH_BYTES);
    return w->path != NULL && w->listed != NULL && w->in != NULL && w->out != NULL &&
           w->lines != NULL && w->fields != NULL;
}

struct snapshot_use *snapshot_use_create(struct snapshot *snapshot)
{
    struct snapshot_use *u = calloc(1, sizeof *u);

    if (u == NULL)
        return NULL;
    snapshot_ref(snapshot);
    u->snapshot = snapshot;
    return u;
}

struct worker *worker_create(struct loop *control_loop, void *control, int index, int n_workers,
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
    list_init(&w->live_sessions);
    list_init(&w->live_exchanges);
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        list_init(&w->idle_pools[i].idle);
    if (w->loop == NULL || w->use == NULL || !make_scratch(w) ||
        !record_writer_init(&w->records, w->loop, control_loop, control, deliver_records)) {
        worker_destroy(&w);
        return NULL;
    }
    w->max_sessions = worker_sessions_max(n_workers);
    slab_init(&w->sessions, sizeof(struct session), w->max_sessions + 1);
    slab_init(&w->exchanges, sizeof(struct exchange), 2 * w->max_sessions + 2);
    slab_init(&w->uplinks, upstream_bytes(), 2 * w->max_sessions + 2);
    loop_on_flush(w->loop, output_flush, w);
    loop_timer_init(&w->second, w->loop, on_second, w);
    return w;
}

void worker_run(struct worker *w)
{
    loop_timer_at(&w->second, mono_now_ns() + NS_PER_S);
    loop_run(w->loop);
}

/* What still runs ends because weir does, not because its client went. */
static void blame_the_end(struct worker *w)
{
    LIST_EACH(n, &w->live_exchanges)
    {
        struct exchange *x = LIST_OBJECT(n, struct exchange, node);

        if (x->cause == CAUSE_NONE)
            x->cause = CAUSE_DRAINING;
    }
}

void worker_close(struct worker *w)
{
    blame_the_end(w);
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++)
        worker_unlisten(w, i); /* before the sessions: it takes in who waits */
    LIST_EACH_SAFE(n, t, &w->live_sessions)
    session_close(LIST_OBJECT(n, struct session, node));
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
        loop_timer_stop(&w->second);
        record_writer_fini(&w->records);
        loop_destroy(&w->loop);
    }
    for (int i = 0; i <= SNAPSHOT_POOLS_MAX; i++)
        free(w->incidents[i]);
    public_status_unref(w->status);
    if (w->use != NULL) {
        w->use->retired = true;
        w->use->exchanges++;
        snapshot_use_unref(&w->use);
    }
    slab_fini(&w->sessions);
    slab_fini(&w->exchanges);
    slab_fini(&w->uplinks);
    free(w->in);
    free(w->out);
    free(w->lines);
    free(w->path);
    free(w->fields);
    free(w->listed);
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
