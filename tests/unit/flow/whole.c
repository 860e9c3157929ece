/* SPDX-License-Identifier: Apache-2.0 */
#include "whole.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "snapshot/gate.h"
#include "upstream/upstream.h"
#include "weir/base/assert.h"
#include "weir/conf/settings.h"

/* --- virtual time: the linker puts these in the place of the real ones */

static const uint64_t began_ns = 1000 * NS_PER_S;
static uint64_t now_ns;

uint64_t __wrap_mono_now_ns(void);
uint64_t __wrap_wall_now_ns(void);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);

uint64_t __wrap_mono_now_ns(void)
{
    return now_ns;
}

uint64_t __wrap_wall_now_ns(void)
{
    return UINT64_C(1700000000) * NS_PER_S + now_ns;
}

/* The kernel's timers, of which there is one in each loop: they fire when virtual time has come. */
enum { TIMERS = 4 };
static struct {
    int fd;
    uint64_t due_ns; /* 0 = not armed */
} timers[TIMERS];

static void fire_due(void)
{
    static const struct itimerspec at_once = {.it_value.tv_nsec = 1};

    for (int i = 0; i < TIMERS; i++) {
        if (timers[i].due_ns == 0 || timers[i].due_ns > now_ns)
            continue;
        timers[i].due_ns = 0;
        WEIR_ASSERT(__real_timerfd_settime(timers[i].fd, 0, &at_once, NULL) == 0);
    }
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    int i = 0;

    (void)flags, (void)old;
    while (i < TIMERS && timers[i].fd != fd && timers[i].fd != 0)
        i++;
    WEIR_ASSERT(i < TIMERS);
    timers[i].fd = fd;
    timers[i].due_ns = (uint64_t)at->it_value.tv_sec * NS_PER_S + (uint64_t)at->it_value.tv_nsec;
    fire_due();
    return 0;
}

/* --- what is around a worker */

static int listen_on(struct net_addr *at)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    WEIR_ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any.sun_family) == 0);
    WEIR_ASSERT(listen(fd, 64) == 0);
    at->len = sizeof at->u.un;
    WEIR_ASSERT(getsockname(fd, &at->u.sa, &at->len) == 0);
    return fd;
}

int whole_connect(const struct net_addr *to)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    WEIR_ASSERT(fd >= 0);
    if (connect(fd, &to->u.sa, to->len) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void count_record(const struct request_record *r, const struct request_trace *trace,
                         const char *path, void *arg)
{
    struct whole *k = arg;

    WEIR_ASSERT((trace != NULL) == r->traced);
    WEIR_ASSERT(path != NULL && r->id[0] != '\0');
    WEIR_ASSERT(!r->has_outcome || r->upstream >= 0);
    k->records++;
}

static void on_records(struct loop_message *m)
{
    struct record_block *b = LIST_OBJECT(m, struct record_block, message);

    record_each(b, count_record, b->writer->control);
    record_block_return(b);
}

void whole_resolve(struct whole *k, int upstream, bool known)
{
    int slot = k->snapshot->pools[0].upstreams[upstream].slot;

    upstream_set_addresses(k->w, slot, &k->upstream[upstream], known ? 1 : 0,
                           known ? NULL : "no such name");
    exchange_addresses_known(k->w, slot);
}

void whole_make(struct whole *k, const char *text)
{
    static struct slot_book book;
    struct conf_diagnostics m;
    struct settings *s;
    char why[256];

    now_ns = began_ns;
    memset(timers, 0, sizeof timers);
    *k = (struct whole){.control = loop_create()};
    s = conf_parse(text, "fuzz.cfg", &m);
    WEIR_ASSERT(s != NULL);
    conf_diagnostics_free(&m);
    k->snapshot = snapshot_create(&s, NULL, &book, why, sizeof why, now_ns);
    WEIR_ASSERT(k->snapshot != NULL);
    snapshot_commit(k->snapshot, now_ns);
    snapshot_join(k->snapshot, now_ns);
    k->w = worker_create(k->control, k, 0, 1, k->snapshot, on_records);
    WEIR_ASSERT(k->w != NULL);
    rng_seed(&k->w->rng, 1);
    k->listen_fd = listen_on(&k->listener);
    WEIR_ASSERT(worker_listen(k->w, 0, dup(k->listen_fd)));
    for (int i = 0; i < WHOLE_UPSTREAMS; i++) {
        k->listening[i] = listen_on(&k->upstream[i]);
        whole_resolve(k, i, true);
    }
}

void whole_run(struct whole *k)
{
    fire_due();
    for (int i = 0; i < 6; i++) {
        loop_poll(k->w->loop);
        loop_poll(k->control);
    }
}

void whole_pass(struct whole *k, uint64_t ns)
{
    now_ns += ns;
    gate_expire(k->snapshot->pools[0].gate, now_ns);
    whole_run(k);
}

void whole_tick(struct whole *k)
{
    struct gate_counts counts = {0};
    struct snapshot_pool *p = &k->snapshot->pools[0];
    struct pool_event e;
    struct pool *pool;

    now_ns += 100 * NS_PER_MS;
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream_counters *u = worker_upstream_counters(k->w, p->upstreams[i].slot);
        int place = p->upstreams[i].place;

        counts.events[place] = counter_get(&u->content_events);
        counts.signs[place] = counter_get(&u->reads);
        counts.gaps_ns[place] = counter_get(&u->gaps_ns);
    }
    gate_tick(p->gate, &counts, now_ns);
    pool = gate_lock(p->gate);
    while (pool_next_event(pool, &e))
        continue;
    gate_unlock(p->gate);
    whole_run(k);
}

static uint64_t requests_counted(const struct whole *k)
{
    uint64_t n = 0;

    for (int slot = 0; slot <= SNAPSHOT_POOLS_MAX; slot++) {
        const struct pool_counters *p = worker_pool_counters(k->w, slot);

        for (int c = 0; c < CLASS_COUNT; c++) {
            for (int d = 0; d < DECISION_COUNT; d++)
                n += counter_get(&p->requests[c][d]);
        }
    }
    return n;
}

/* Ends what runs, as the end of the process does, and looks that nothing is left. */
static void end_all(struct whole *k)
{
    struct pool *pool;

    worker_close(k->w);
    whole_run(k);
    whole_run(k);
    pool = gate_lock(k->snapshot->pools[0].gate);
    WEIR_ASSERT(pool_is_empty(pool)); /* each ticket has been given back */
    gate_unlock(k->snapshot->pools[0].gate);
    WEIR_ASSERT(counter_get(&k->w->counters.client_open) == 0);
    WEIR_ASSERT(k->records == requests_counted(k));
}

/* In its place, and always the same: what was found is found again. */
static void renew_pool(struct whole *k)
{
    struct snapshot_pool *p = &k->snapshot->pools[0];
    struct hash_key key = {1, 2};
    uint32_t max_streams[WHOLE_UPSTREAMS];
    struct pool *pool = gate_lock(p->gate);

    for (size_t i = 0; i < WHOLE_UPSTREAMS; i++)
        max_streams[i] = p->conf->upstreams[i].max_streams;
    memset(pool, 0, pool_bytes(WHOLE_UPSTREAMS));
    (void)pool_init(pool, &p->conf->decide, max_streams, WHOLE_UPSTREAMS, key, 1, now_ns);
    for (size_t i = 0; i < WHOLE_UPSTREAMS; i++)
        pool_name(pool, i, (uint32_t)p->upstreams[i].slot);
    gate_unlock(p->gate);
}

static void forget_counts(struct whole *k)
{
    struct worker *w = k->w;
    int pool = k->snapshot->pools[0].slot;

    k->records = 0;
    memset(&w->counters, 0, sizeof w->counters);
    memset(&w->pools[0], 0, sizeof w->pools[0]);
    memset(&w->pools[pool], 0, sizeof w->pools[pool]);
    for (int i = 0; i < WHOLE_UPSTREAMS; i++) {
        int slot = k->snapshot->pools[0].upstreams[i].slot;

        memset(&w->upstreams[slot], 0, sizeof w->upstreams[slot]);
    }
}

/* Connections that nobody has taken. */
static void empty_queue(int listening)
{
    int fd;

    while ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        (void)close(fd);
}

void whole_again(struct whole *k)
{
    end_all(k);
    now_ns = (now_ns / (1000 * NS_PER_S) + 1) * 1000 * NS_PER_S; /* time goes on */
    renew_pool(k);
    forget_counts(k);
    rng_seed(&k->w->rng, 1);
    WEIR_ASSERT(worker_listen(k->w, 0, dup(k->listen_fd)));
    for (int i = 0; i < WHOLE_UPSTREAMS; i++) {
        empty_queue(k->listening[i]);
        whole_resolve(k, i, true);
    }
}

void whole_end(struct whole *k)
{
    end_all(k);
    worker_destroy(&k->w);
    snapshot_unref(k->snapshot);
    loop_destroy(&k->control);
    (void)close(k->listen_fd);
    for (int i = 0; i < WHOLE_UPSTREAMS; i++)
        (void)close(k->listening[i]);
}
