/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history on its way into the next process of a hot restart:
 *
 * - version, numbers of outcomes, causes of refusals and states (u8 each): others are not read
 * - points (u16), and the time of each (u64)
 * - pools (u16), each with its name, how many of the newest points it has (u16), and these
 * - upstreams (u16), each with its pool's and its own name, and the same
 */
#include "web/history_priv.h"
#include "weir/base/le.h"

enum {
    VERSION = 1,
    POOLS_MAX = 128,
    UPSTREAMS_MAX = 512,
    KEPT_MAX = 4 * 1024 * 1024, /* nobody is accepted while it is written and read */
    POINT_BYTES = 80,           /* of an upstream, about */
};
#define SECONDS_MAX UINT64_C(253402300799) /* the year 9999, the last that a date may show */
#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))

#define UPSTREAM(field, max) PACK_WHOLE(struct upstream_point, field, max)
#define POOL(field)          PACK_WHOLE(struct pool_point, field, UINT32_MAX)

static const struct pack_row upstream_rows[] = {
    UPSTREAM(state, BREAKER_STATE_COUNT - 1),
    PACK_REAL(struct upstream_point, share),
    PACK_REAL(struct upstream_point, limit_streams),
    PACK_REAL(struct upstream_point, limit_pending),
    PACK_REAL(struct upstream_point, p50_ms),
    PACK_REAL(struct upstream_point, p99_ms),
    UPSTREAM(inflight, UINT32_MAX),
    UPSTREAM(pending, UINT32_MAX),
};
static const struct pack_row pool_rows[] = {POOL(queued)};

static void put_head(struct packer *p)
{
    pack_number(p, VERSION, 1);
    pack_number(p, OUTCOME_COUNT, 1);
    pack_number(p, CAUSE_REFUSAL_COUNT, 1);
    pack_number(p, BREAKER_STATE_COUNT, 1);
}

static bool head_is_ours(struct unpacker *u)
{
    return unpack_number(u, 1) == VERSION && unpack_number(u, 1) == OUTCOME_COUNT &&
           unpack_number(u, 1) == CAUSE_REFUSAL_COUNT && unpack_number(u, 1) == BREAKER_STATE_COUNT;
}

static void put_counts(struct packer *p, const uint32_t *n, int count)
{
    unsigned char bytes[4 * (OUTCOME_COUNT + CAUSE_REFUSAL_COUNT)];

    for (int i = 0; i < count; i++)
        le_put(bytes + 4 * i, n[i], 4);
    pack_bytes(p, bytes, 4 * (size_t)count);
}

static void take_counts(struct unpacker *u, uint32_t *n, int count)
{
    for (int i = 0; i < count; i++)
        n[i] = (uint32_t)unpack_number(u, 4);
}

/* What is written, and from which tick on. */
struct keeping {
    const struct history *h;
    uint64_t from, pools, upstreams;
};

/* All there is; of very many upstreams the newest minutes. */
static struct keeping keeping(const struct history *h)
{
    struct keeping k = {.h = h};
    uint64_t most;

    for (const struct pool_series *s = h->pools; s != NULL; s = s->next)
        k.pools++;
    for (const struct upstream_series *s = h->upstreams; s != NULL; s = s->next)
        k.upstreams++;
    most = KEPT_MAX / (POINT_BYTES * (1 + k.pools + k.upstreams));
    if (most > HISTORY_POINTS)
        most = HISTORY_POINTS;
    k.from = h->tick > most ? h->tick - most + 1 : 1;
    return k;
}

static uint64_t first_kept(const struct keeping *k, uint64_t first)
{
    return first > k->from ? first : k->from;
}

static void put_pool(struct packer *p, const struct keeping *k, const struct pool_series *s)
{
    const struct history *h = k->h;
    uint64_t from = first_kept(k, s->first);

    pack_text(p, s->name);
    pack_number(p, h->tick + 1 - from, 2);
    for (uint64_t t = from; t <= h->tick; t++) {
        const struct pool_point *pt = &s->points[t % HISTORY_POINTS];

        pack_object(p, pt, pool_rows, COUNT(pool_rows));
        put_counts(p, pt->shed, CAUSE_REFUSAL_COUNT);
    }
}

static void put_upstream(struct packer *p, const struct keeping *k, const struct upstream_series *s)
{
    const struct history *h = k->h;
    uint64_t from = first_kept(k, s->first);

    pack_text(p, s->pool);
    pack_text(p, s->name);
    pack_number(p, h->tick + 1 - from, 2);
    for (uint64_t t = from; t <= h->tick; t++) {
        const struct upstream_point *pt = &s->points[t % HISTORY_POINTS];

        pack_object(p, pt, upstream_rows, COUNT(upstream_rows));
        put_counts(p, pt->outcomes, OUTCOME_COUNT);
    }
}

void history_keep(const struct history *h, struct packer *p)
{
    struct keeping k = keeping(h);

    put_head(p);
    pack_number(p, h->tick + 1 - k.from, 2);
    for (uint64_t t = k.from; t <= h->tick; t++)
        pack_number(p, h->at_s[t % HISTORY_POINTS], 8);
    pack_number(p, k.pools, 2);
    for (const struct pool_series *s = h->pools; s != NULL; s = s->next)
        put_pool(p, &k, s);
    pack_number(p, k.upstreams, 2);
    for (const struct upstream_series *s = h->upstreams; s != NULL; s = s->next)
        put_upstream(p, &k, s);
}

static void take_pool(struct unpacker *u, struct history *h)
{
    char name[HISTORY_NAME_ROOM];
    struct pool_series *s;
    uint64_t n;

    unpack_string(u, name, sizeof name);
    n = unpack_at_most(u, 2, h->tick);
    s = u->bad ? NULL : history_pool(h, name);
    u->bad = s == NULL;
    for (uint64_t t = h->tick + 1 - n; t <= h->tick && !u->bad; t++) {
        struct pool_point *pt = &s->points[t % HISTORY_POINTS];

        unpack_object(u, pt, pool_rows, COUNT(pool_rows));
        take_counts(u, pt->shed, CAUSE_REFUSAL_COUNT);
    }
    if (s == NULL)
        return;
    s->first = h->tick + 1 - n;
    s->last = h->tick;
}

static void take_upstream(struct unpacker *u, struct history *h)
{
    char pool[HISTORY_NAME_ROOM], name[HISTORY_NAME_ROOM];
    struct upstream_series *s;
    uint64_t n;

    unpack_string(u, pool, sizeof pool);
    unpack_string(u, name, sizeof name);
    n = unpack_at_most(u, 2, h->tick);
    s = u->bad ? NULL : history_upstream(h, pool, name);
    u->bad = s == NULL;
    for (uint64_t t = h->tick + 1 - n; t <= h->tick && !u->bad; t++) {
        struct upstream_point *pt = &s->points[t % HISTORY_POINTS];

        unpack_object(u, pt, upstream_rows, COUNT(upstream_rows));
        take_counts(u, pt->outcomes, OUTCOME_COUNT);
    }
    if (s == NULL)
        return;
    s->first = h->tick + 1 - n;
    s->last = h->tick;
}

static void take_all(struct unpacker *u, struct history *h)
{
    uint64_t n;

    h->tick = unpack_at_most(u, 2, HISTORY_POINTS);
    for (uint64_t t = 1; t <= h->tick; t++)
        h->at_s[t % HISTORY_POINTS] = unpack_at_most(u, 8, SECONDS_MAX);
    n = unpack_at_most(u, 2, POOLS_MAX);
    for (uint64_t i = 0; i < n && !u->bad; i++)
        take_pool(u, h);
    n = unpack_at_most(u, 2, UPSTREAMS_MAX);
    for (uint64_t i = 0; i < n && !u->bad; i++)
        take_upstream(u, h);
}

void history_restore(struct history **hp, struct unpacker *u)
{
    struct history *h = head_is_ours(u) ? history_create() : NULL;

    if (h != NULL)
        take_all(u, h);
    if (h == NULL || u->bad) {
        history_destroy(&h);
        return;
    }
    history_destroy(hp);
    *hp = h;
}
