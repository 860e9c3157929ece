/* SPDX-License-Identifier: Apache-2.0 */
/* What the decisions cost: nanoseconds of a request's calls, by upstreams and length of the queue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "sim.h"
#include "weir/base/assert.h"
#include "weir/conf/settings.h"

enum { CYCLES = 1000000, STREAMS_EACH = 16, QUEUED_MAX = 1000 };

struct table {
    struct pool *pool;
    struct decide_conf conf;
    uint32_t max_streams[POOL_UPSTREAMS_MAX];
    uint64_t events[POOL_UPSTREAMS_MAX];
    struct pool_request *r; /* a ring of those that were sent, oldest first */
    size_t n_sent, oldest;
    uint64_t now_ns;
};

static void table_init(struct table *t, size_t n_upstreams)
{
    size_t bytes = pool_bytes(n_upstreams);
    void *mem = aligned_alloc(64, bytes);

    WEIR_ASSERT(mem != NULL);
    memset(mem, 0, bytes);
    memset(t, 0, sizeof *t);
    t->conf = conf_decide_defaults(false);
    t->conf.queue.max_wait_ns = S(1000);
    t->conf.queue.max_length = 2 * QUEUED_MAX;
    for (size_t i = 0; i < n_upstreams; i++)
        t->max_streams[i] = STREAMS_EACH;
    t->now_ns = S(1000);
    t->pool = pool_init(mem, &t->conf, t->max_streams, n_upstreams, (struct hash_key){1, 2}, 1,
                        t->now_ns);
    for (size_t i = 0; i < n_upstreams; i++)
        t->pool->upstream[i].limiter.pending = STREAMS_EACH;
}

static void begin(struct pool_request *r, uint64_t n)
{
    memset(r, 0, sizeof *r);
    r->user = (n * UINT64_C(0x9e3779b97f4a7c15)) | 1;
    r->class = CLASS_INTERACTIVE;
    r->stream = true;
    r->bytes = 1024 + n % 4096;
}

/* Of this process: what others do on the machine does not count. */
static uint64_t cpu_ns(void)
{
    struct timespec ts;

    WEIR_ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double ns_each(uint64_t began_ns)
{
    return (double)(cpu_ns() - began_ns) / CYCLES;
}

/* One request at a time comes, begins to stream, and ends; nobody waits. */
static double with_room(size_t n_upstreams)
{
    static const struct pool_report ok = {.outcome = OUTCOME_OK, .status = 200, .complete = true};
    struct table t;
    struct pool_request r;
    uint64_t began_ns;
    double ns;

    table_init(&t, n_upstreams);
    began_ns = cpu_ns();
    for (uint64_t i = 0; i < CYCLES; i++) {
        t.now_ns += NS_PER_US;
        begin(&r, i);
        WEIR_ASSERT(pool_arrive(t.pool, &r, t.now_ns) == POOL_ADMIT);
        pool_first(t.pool, &r, t.now_ns);
        pool_end(t.pool, &r, &ok, t.now_ns);
    }
    ns = ns_each(began_ns);
    free(t.pool);
    return ns;
}

/* Every place is taken: one ends, one of those that wait goes, one comes to wait. */
static double with_queue(size_t n_upstreams, size_t queued)
{
    static const struct pool_report ok = {.outcome = OUTCOME_OK, .status = 200, .complete = true};
    size_t n = n_upstreams * STREAMS_EACH + queued, next = 0;
    struct pool_request *all = calloc(n, sizeof *all), **sent = calloc(n, sizeof(void *));
    size_t n_sent = 0, turn = 0;
    struct table t;
    uint64_t began_ns;
    double ns;

    WEIR_ASSERT(all != NULL && sent != NULL);
    table_init(&t, n_upstreams);
    for (; next < n; next++) {
        begin(&all[next], next);
        if (pool_arrive(t.pool, &all[next], t.now_ns) == POOL_ADMIT) {
            pool_first(t.pool, &all[next], t.now_ns);
            sent[n_sent++] = &all[next];
        }
    }
    WEIR_ASSERT(t.pool->queue.length == queued);
    began_ns = cpu_ns();
    for (uint64_t i = 0; i < CYCLES; i++) {
        struct pool_request *r = sent[turn], *woken;
        t.now_ns += 100;
        pool_end(t.pool, r, &ok, t.now_ns);
        woken = pool_next_woken(t.pool);
        WEIR_ASSERT(woken != NULL && woken->state == REQUEST_SENT);
        pool_first(t.pool, woken, t.now_ns);
        sent[turn] = woken;
        turn = (turn + 1) % n_sent;
        begin(r, i);
        WEIR_ASSERT(pool_arrive(t.pool, r, t.now_ns) == POOL_WAIT);
    }
    ns = ns_each(began_ns);
    free(all);
    free(sent);
    free(t.pool);
    return ns;
}

/* A tick of a pool in which so many are pending. */
static double tick_ns(size_t n_upstreams, size_t pending)
{
    struct table t;
    struct pool_request *r = calloc(pending, sizeof *r);
    uint64_t began_ns;
    double ns;

    WEIR_ASSERT(r != NULL);
    table_init(&t, n_upstreams);
    for (size_t i = 0; i < pending; i++) {
        begin(&r[i], i);
        (void)pool_arrive(t.pool, &r[i], t.now_ns);
    }
    began_ns = cpu_ns();
    for (uint64_t i = 0; i < CYCLES / 100; i++)
        pool_tick(t.pool, t.events, t.now_ns += NS_PER_US);
    ns = 100 * ns_each(began_ns);
    free(r);
    free(t.pool);
    return ns;
}

int command_bench(void)
{
    static const size_t upstreams[] = {1, 8, 64};

    (void)printf("ns for arrive + first + end, and for a tick\n");
    (void)printf("| upstreams | nobody waits | 10 wait | 1000 wait | tick, all places pending |\n");
    (void)printf("|---|---|---|---|---|\n");
    for (int i = 0; i < 3; i++)
        (void)printf("| %zu | %.0f | %.0f | %.0f | %.0f |\n", upstreams[i], with_room(upstreams[i]),
                     with_queue(upstreams[i], 10), with_queue(upstreams[i], QUEUED_MAX),
                     tick_ns(upstreams[i], upstreams[i] * STREAMS_EACH));
    return 0;
}
