/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries by the hundred: the real pool in virtual time, services with times of their own, and a
 * new version that does as its peers do, or is worse in one way.  How often is the verdict false?
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "weir/base/assert.h"
#include "weir/conf/settings.h"
#include "world.h"

enum { UPSTREAMS_MAX = 8, USERS = 400, CANARY_AT = 1 };
#define CANARY_TIME S(1800)
#define CALM        S(60) /* before the canary begins */
#define CACHE_NS    S(300)

enum engine_kind { HOSTED, CACHED, THINKING };

struct canary_case {
    const char *name;
    enum engine_kind kind;
    size_t upstreams;
    double per_s;
    bool one_key; /* all users have one */
};

/* What is wrong with the new version. */
struct defect {
    const char *name;
    double fails; /* more of its requests than of the peers' */
    double first_times, pace_times;
};

static const struct canary_case cases[] = {
    {"hosted, 2 upstreams, 2/s", HOSTED, 2, 2, false},
    {"hosted, 4 upstreams, 10/s", HOSTED, 4, 10, false},
    {"cached, 2 upstreams, 5/s", CACHED, 2, 5, false},
    {"cached, 4 upstreams, 10/s", CACHED, 4, 10, false},
    {"cached, 4 upstreams, 10/s, one key", CACHED, 4, 10, true},
    {"thinking, 2 upstreams, 2/s", THINKING, 2, 2, false},
    {"thinking, 4 upstreams, 10/s", THINKING, 4, 10, false},
    {"hosted, 2 upstreams, 0.2/s", HOSTED, 2, 0.2, false},
};

static const struct defect defects[] = {
    {"none", 0, 1, 1},
    {"2 % more fail", 0.02, 1, 1},
    {"3 % more fail", 0.03, 1, 1},
    {"5 % more fail", 0.05, 1, 1},
    {"first token x 2", 0, 2, 1},
    {"pace x 1.5", 0, 1, 1.5},
};
#define PEERS_FAIL 0.01

struct
try {
    struct pool_request r;
    struct try *next_free;
    uint32_t user;
    double gap_s; /* between its tokens */
    bool fails;
};

struct trial {
    const struct canary_case *c;
    const struct defect *d;
    struct pool *pool;
    struct decide_conf conf;
    struct heap heap;
    struct rng rng;
    struct try *free;
    uint64_t now_ns, cached_ns[USERS][UPSTREAMS_MAX];
    uint64_t events[UPSTREAMS_MAX];
};

struct verdicts {
    uint32_t n, promoted, worse, breaker, no_time;
    double minutes[1024], requests[1024];
};

static struct try *new_try(struct trial *t)
{
    struct try *y = t->free;

    if (y == NULL)
        y = malloc(sizeof *y);
    else
        t->free = y->next_free;
    WEIR_ASSERT(y != NULL);
    memset(y, 0, sizeof *y);
    return y;
}

static void drop(struct trial *t, struct try *y)
{
    y->next_free = t->free;
    t->free = y;
}

/* Seconds to the first token, were it a peer's. */
static double first_s(struct trial *t, const struct try *y)
{
    uint64_t *cached = &t->cached_ns[y->user][y->r.upstream];
    bool hit = *cached > 0 && t->now_ns - *cached < CACHE_NS;

    *cached = t->now_ns;
    switch (t->c->kind) {
    case HOSTED:
        return client_lognormal(&t->rng, 0.6, 0.7);
    case CACHED:
        return hit ? client_lognormal(&t->rng, 0.12, 0.2) : client_lognormal(&t->rng, 1.2, 0.4);
    case THINKING:
        return client_lognormal(&t->rng, 4, 1.0);
    }
    WEIR_UNREACHABLE("kind of engine");
}

/* Others that run beside it slow it down. */
static double crowding(const struct trial *t, const struct try *y)
{
    return 1 + t->pool->upstream[y->r.upstream].streams / 60.0;
}

static void serve_try(struct trial *t, struct try *y)
{
    bool mine = y->r.upstream == CANARY_AT;
    double s = first_s(t, y) * crowding(t, y) * (mine ? t->d->first_times : 1);

    y->fails = rng_unit(&t->rng) < PEERS_FAIL + (mine ? t->d->fails : 0);
    y->gap_s =
        client_lognormal(&t->rng, 0.025, 0.3) * crowding(t, y) * (mine ? t->d->pace_times : 1);
    heap_push(&t->heap, t->now_ns + num_ns(s), EVENT_SERVED, y, 0, 0);
}

static void serve_woken(struct trial *t)
{
    struct pool_request *r;

    while ((r = pool_next_woken(t->pool)) != NULL) {
        struct try *y = LIST_OBJECT(r, struct try, r);
        if (r->state == REQUEST_SENT)
            serve_try(t, y);
        else
            drop(t, y);
    }
}

static void next_arrival(struct trial *t)
{
    double s = -log(1 - rng_unit(&t->rng)) / t->c->per_s;

    heap_push(&t->heap, t->now_ns + num_ns(s), EVENT_ARRIVAL, NULL, 0, 0);
}

static void arrive(struct trial *t)
{
    struct try *y = new_try(t);
    enum pool_verdict v;

    next_arrival(t);
    y->user = (uint32_t)(rng_next(&t->rng) % USERS);
    y->r.user = client_hash(t->c->one_key ? 1 : y->user + 1);
    y->r.class = CLASS_INTERACTIVE;
    y->r.stream = true;
    y->r.bytes = (uint64_t)client_lognormal(&t->rng, 4000, 1);
    v = pool_arrive(t->pool, &y->r, t->now_ns);
    if (v == POOL_ADMIT)
        serve_try(t, y);
    else if (v == POOL_REFUSE)
        drop(t, y);
}

/* Half of what fails does so at once, half is cut in its stream. */
static void first_token(struct trial *t, struct try *y)
{
    double tokens = client_lognormal(&t->rng, 200, 0.7);

    if (y->fails && rng_unit(&t->rng) < 0.5) {
        struct pool_report rep = {.outcome = OUTCOME_FAILED, .status = 502};
        pool_end(t->pool, &y->r, &rep, t->now_ns);
        drop(t, y);
        return;
    }
    pool_first(t->pool, &y->r, t->now_ns);
    heap_push(&t->heap, t->now_ns + num_ns(tokens * y->gap_s), EVENT_OUTCOME, y, 0, 0);
}

static void end_try(struct trial *t, struct try *y)
{
    struct pool_report rep = {
        .outcome = y->fails ? OUTCOME_FAILED : OUTCOME_OK,
        .status = 200,
        .complete = !y->fails,
        .pace_ns = num_ns(y->gap_s),
    };

    pool_end(t->pool, &y->r, &rep, t->now_ns);
    drop(t, y);
}

static void tick(struct trial *t)
{
    for (size_t i = 0; i < t->c->upstreams; i++)
        t->events[i] += 4 * t->pool->upstream[i].streams; /* tokens flow */
    pool_tick(t->pool, t->events, t->now_ns);
    heap_push(&t->heap, t->now_ns + MS(100), EVENT_TICK, NULL, 0, 0);
}

static void step(struct trial *t)
{
    struct event ev;

    WEIR_ASSERT(heap_pop(&t->heap, &ev));
    t->now_ns = ev.at_ns;
    if (ev.kind == EVENT_ARRIVAL)
        arrive(t);
    else if (ev.kind == EVENT_SERVED)
        first_token(t, ev.about);
    else if (ev.kind == EVENT_OUTCOME)
        end_try(t, ev.about);
    else
        tick(t);
    serve_woken(t);
}

static void begin(struct trial *t, const struct canary_case *c, const struct defect *d,
                  uint64_t seed)
{
    static uint32_t max_streams[UPSTREAMS_MAX];
    size_t bytes = pool_bytes(c->upstreams);
    void *mem = aligned_alloc(64, bytes);

    WEIR_ASSERT(mem != NULL && c->upstreams <= UPSTREAMS_MAX);
    memset(mem, 0, bytes);
    memset(t, 0, sizeof *t);
    for (int i = 0; i < UPSTREAMS_MAX; i++)
        max_streams[i] = 4096;
    t->c = c;
    t->d = d;
    t->now_ns = S(1000);
    t->conf = conf_decide_defaults(false);
    rng_seed(&t->rng, seed);
    t->pool = pool_init(mem, &t->conf, max_streams, c->upstreams, (struct hash_key){seed, 2}, seed,
                        t->now_ns);
    next_arrival(t);
    heap_push(&t->heap, t->now_ns + MS(100), EVENT_TICK, NULL, 0, 0);
}

static void finish(struct trial *t)
{
    struct event ev;

    while (heap_pop(&t->heap, &ev))
        free(ev.about);
    while (t->free != NULL) {
        struct try *y = t->free;
        t->free = y->next_free;
        free(y);
    }
    heap_fini(&t->heap);
    free(t->pool);
}

static void note(struct verdicts *v, const struct canary_view *w)
{
    v->promoted += w->state == CANARY_PROMOTED;
    v->worse += w->why == CANARY_IS_WORSE;
    v->breaker += w->why == CANARY_BREAKER_OPEN;
    v->no_time += w->why == CANARY_TIME_OVER;
    v->minutes[v->n] = num_s(w->changed_ns - w->begun_ns) / 60;
    v->requests[v->n] = w->counts[CANARY_SELF].finished;
    v->n++;
}

static void run_one(const struct canary_case *c, const struct defect *d, uint64_t seed,
                    struct verdicts *v)
{
    static struct trial t;
    struct canary_view w;
    const char *why = "";

    begin(&t, c, d, seed);
    while (t.now_ns < S(1000) + CALM)
        step(&t);
    while (pool_canary_start(t.pool, CANARY_AT, 1, CANARY_TIME, t.now_ns, &why) != WEIR_OK)
        step(&t);
    do {
        step(&t);
        pool_canary_view(t.pool, &w);
    } while (w.state == CANARY_RUNNING);
    note(v, &w);
    finish(&t);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *list, size_t n)
{
    qsort(list, n, sizeof *list, by_size);
    return list[n / 2];
}

/* The most of n that a rate allows, but for one run in a thousand (normal, a half more). */
static double most_of(double rate, double n)
{
    return rate * n + 3.1 * sqrt(rate * (1 - rate) * n) + 0.5;
}

/* Is the number of false verdicts what was stated? */
static bool is_as_stated(const struct defect *d, const struct verdicts *v)
{
    bool is_worse = d->fails > 0 || d->first_times > 1 || d->pace_times > 1;

    if (is_worse)
        return v->promoted <= most_of(CANARY_FALSE_PROMOTIONS, v->n);
    return v->worse + v->breaker <= most_of(CANARY_FALSE_ROLLBACKS, v->n);
}

static bool measure(const struct canary_case *c, const struct defect *d, uint64_t seed,
                    uint64_t count)
{
    struct verdicts v = {0};
    bool stated;

    for (uint64_t i = 0; i < count; i++)
        run_one(c, d, seed + i, &v);
    stated = is_as_stated(d, &v);
    (void)printf("%-36s %-16s %4u %4u %4u %4u %7.1f %7.0f%s\n", c->name, d->name, v.promoted,
                 v.worse, v.breaker, v.no_time, median(v.minutes, v.n), median(v.requests, v.n),
                 stated ? "" : "  MORE THAN STATED");
    (void)fflush(stdout);
    return stated;
}

int command_canary(uint64_t seed, uint64_t count, const char *only)
{
    bool good = true;

    if (count == 0 || count > sizeof((struct verdicts *)0)->minutes / sizeof(double))
        return 2;
    (void)printf("%-36s %-16s %4s %4s %4s %4s %7s %7s\n", "", "defect", "prom", "back", "brk",
                 "time", "min", "requests");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < sizeof defects / sizeof defects[0]; k++)
            if (only == NULL || strstr(cases[i].name, only) != NULL)
                good = measure(&cases[i], &defects[k], seed, count) && good;
    return !good;
}
