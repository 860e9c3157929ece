/* SPDX-License-Identifier: Apache-2.0 */
/* What decisions cost, and how that grows with upstreams, queue and streams. */
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/conf/settings.h"
#include "weir/decide/pool.h"

enum { UPSTREAMS_DEFAULT = 3 };

struct bed {
    struct decide_conf conf;
    struct pool *pool;
    uint32_t max_streams[POOL_UPSTREAMS_MAX];
    uint64_t events[POOL_UPSTREAMS_MAX];
    struct pool_request *standing; /* that fill queue or slots */
    size_t n_standing;
    uint64_t now_ns, users;
};

static struct decide_conf default_conf(void)
{
    struct decide_conf conf = conf_decide_defaults(false);

    conf.queue.max_length = 4096;
    conf.users.fair_share = 1;
    return conf;
}

static struct bed *make_bed(size_t upstreams, uint32_t max_streams)
{
    struct bed *b = calloc(1, sizeof *b);
    size_t bytes = pool_bytes(upstreams);
    void *mem = aligned_alloc(64, (bytes + 63) / 64 * 64);

    WEIR_ASSERT(b != NULL && mem != NULL);
    memset(mem, 0, bytes);
    b->conf = default_conf();
    b->now_ns = 1000 * NS_PER_S;
    for (size_t i = 0; i < POOL_UPSTREAMS_MAX; i++)
        b->max_streams[i] = max_streams;
    b->pool =
        pool_init(mem, &b->conf, b->max_streams, upstreams, (struct hash_key){1, 2}, 42, b->now_ns);
    return b;
}

static struct pool_request next_request(struct bed *b)
{
    return (struct pool_request){
        .user = ++b->users, .class = CLASS_INTERACTIVE, .stream = true, .bytes = 1024};
}

static void end_good(struct bed *b, struct pool_request *r)
{
    struct pool_report good = {.outcome = OUTCOME_OK, .status = 200, .complete = true};

    pool_end(b->pool, r, &good, b->now_ns);
}

/* A request from arrival to its end, with all that the gate is told on the way. */
static void whole_request(struct bed *b)
{
    struct pool_request r = next_request(b);

    b->now_ns += 10 * NS_PER_US;
    if (pool_arrive(b->pool, &r, b->now_ns) == POOL_ADMIT) {
        pool_first(b->pool, &r, b->now_ns);
        end_good(b, &r);
    } else if (r.state == REQUEST_QUEUED) {
        pool_leave(b->pool, &r, b->now_ns);
    }
    while (pool_next_woken(b->pool) != NULL)
        continue;
}

static void run_requests(void *state, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        whole_request(state);
}

static void *begin_upstreams(int64_t size)
{
    return make_bed((size_t)size, 4096);
}

/* Streams that stay open while others come and go. */
static void *begin_streams(int64_t size)
{
    struct bed *b = make_bed(1, 65535);

    b->n_standing = (size_t)size;
    b->standing = calloc(b->n_standing + 1, sizeof b->standing[0]);
    WEIR_ASSERT(b->standing != NULL);
    for (size_t i = 0; i < b->n_standing; i++) {
        b->standing[i] = next_request(b);
        WEIR_ASSERT(pool_arrive(b->pool, &b->standing[i], b->now_ns) == POOL_ADMIT);
        pool_first(b->pool, &b->standing[i], b->now_ns);
    }
    return b;
}

/* One place, taken; the others wait. */
static void *begin_queue(int64_t size)
{
    struct bed *b = make_bed(1, 1);

    b->n_standing = (size_t)size + 1;
    b->standing = calloc(b->n_standing, sizeof b->standing[0]);
    WEIR_ASSERT(b->standing != NULL);
    for (size_t i = 0; i < b->n_standing; i++) {
        b->standing[i] = next_request(b);
        enum pool_verdict v = pool_arrive(b->pool, &b->standing[i], b->now_ns);
        WEIR_ASSERT(v == (i == 0 ? POOL_ADMIT : POOL_WAIT));
    }
    b->users += 1000000;
    return b;
}

/* Somebody comes, waits behind the others and leaves; time stands still, so that nobody expires. */
static void run_waiting(void *state, uint64_t n)
{
    struct bed *b = state;

    for (uint64_t i = 0; i < n; i++) {
        struct pool_request r = next_request(b);
        if (pool_arrive(b->pool, &r, b->now_ns) == POOL_WAIT)
            pool_leave(b->pool, &r, b->now_ns);
    }
}

static void *begin_open(int64_t size)
{
    struct bed *b = make_bed(UPSTREAMS_DEFAULT, 4096);
    const char *why;

    (void)size;
    for (size_t i = 0; i < UPSTREAMS_DEFAULT; i++)
        WEIR_ASSERT(pool_command(b->pool, i, OPERATOR_BREAKER_OPEN, 0, 0, b->now_ns, &why) ==
                    WEIR_OK);
    return b;
}

static void run_refused(void *state, uint64_t n)
{
    struct bed *b = state;

    for (uint64_t i = 0; i < n; i++) {
        struct pool_request r = next_request(b);
        b->now_ns += 10 * NS_PER_US;
        WEIR_ASSERT(pool_arrive(b->pool, &r, b->now_ns) == POOL_REFUSE);
    }
}

static void run_ticks(void *state, uint64_t n)
{
    struct bed *b = state;

    for (uint64_t i = 0; i < n; i++) {
        b->now_ns += 100 * NS_PER_MS;
        for (size_t u = 0; u < POOL_UPSTREAMS_MAX; u++)
            b->events[u] += 100;
        pool_tick(b->pool, b->events, b->now_ns);
    }
}

static void end_bed(void *state)
{
    struct bed *b = state;

    free(b->pool);
    free(b->standing);
    free(b);
}

#define REQUEST "a request through the gate (arrive, first, end)"
const struct micro_case micro_decide[] = {
    {"gate-upstreams", REQUEST ", by upstreams", 1, begin_upstreams, run_requests, end_bed},
    {"gate-upstreams", REQUEST ", by upstreams", 4, begin_upstreams, run_requests, end_bed},
    {"gate-upstreams", REQUEST ", by upstreams", 16, begin_upstreams, run_requests, end_bed},
    {"gate-upstreams", REQUEST ", by upstreams", 64, begin_upstreams, run_requests, end_bed},
    {"gate-streams", REQUEST ", by open streams", 0, begin_streams, run_requests, end_bed},
    {"gate-streams", REQUEST ", by open streams", 256, begin_streams, run_requests, end_bed},
    {"gate-streams", REQUEST ", by open streams", 4096, begin_streams, run_requests, end_bed},
    {"gate-queue", "come, wait, leave; by length of the queue", 0, begin_queue, run_waiting,
     end_bed},
    {"gate-queue", "come, wait, leave; by length of the queue", 64, begin_queue, run_waiting,
     end_bed},
    {"gate-queue", "come, wait, leave; by length of the queue", 1024, begin_queue, run_waiting,
     end_bed},
    {"gate-refusal", "a refusal (breakers open)", -1, begin_open, run_refused, end_bed},
    {"tick-upstreams", "the tick, by upstreams", 1, begin_upstreams, run_ticks, end_bed},
    {"tick-upstreams", "the tick, by upstreams", 16, begin_upstreams, run_ticks, end_bed},
    {"tick-upstreams", "the tick, by upstreams", 64, begin_upstreams, run_ticks, end_bed},
};
const int n_micro_decide = (int)(sizeof micro_decide / sizeof micro_decide[0]);
