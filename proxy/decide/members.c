/* SPDX-License-Identifier: Apache-2.0 */
/* The upstreams of a running pool: which come, which go, and that the others do not notice. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

void pool_name(struct pool *p, size_t upstream, uint32_t id)
{
    WEIR_ASSERT(upstream < p->n_upstreams);
    p->upstream[upstream].id = id;
}

static bool is_empty(const struct upstream *u)
{
    return u->inflight == 0 && u->pending == 0 && u->system == 0;
}

bool pool_is_empty(const struct pool *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (!is_empty(&p->upstream[i]))
            return false;
    }
    return p->queue.length == 0 && list_empty(&p->woken) && list_empty(&p->asking);
}

int pool_place_of(const struct pool *p, uint32_t id)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (p->upstream[i].id == id && p->upstream[i].membership != MEMBER_GONE)
            return (int)i;
    }
    return -1;
}

/* Where this very upstream was, if its requests still run there: its counts stay exact. */
static int old_place(const struct pool *p, uint32_t id)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream *u = &p->upstream[i];
        if (u->membership == MEMBER_GONE && u->id == id && !is_empty(u))
            return (int)i;
    }
    return -1;
}

static int free_place(struct pool *p, size_t room)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (p->upstream[i].membership == MEMBER_GONE && is_empty(&p->upstream[i]))
            return (int)i;
    }
    return p->n_upstreams < room ? (int)p->n_upstreams++ : -1;
}

int pool_reserve(struct pool *p, uint32_t id, size_t room, uint32_t max_streams,
                 uint32_t *reservation, uint64_t now_ns)
{
    int place = old_place(p, id);

    if (place < 0) {
        place = free_place(p, room);
        if (place < 0)
            return -1;
        upstream_init(p, (size_t)place, id, max_streams, now_ns);
    }
    p->upstream[place].membership = MEMBER_RESERVED;
    p->upstream[place].counts_anew = true;
    p->upstream[place].reservation = *reservation = ++p->reservations;
    return place;
}

double pool_known_of_peers(const struct pool *p, size_t except)
{
    double sum = 0, n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (i == except || p->upstream[i].membership != MEMBER)
            continue;
        sum += p->upstream[i].breaker.known_good;
        n++;
    }
    return n > 0 ? sum / n : 0;
}

/* What an operator has said of it meanwhile, or before it was taken out, stands. */
static bool is_commanded(const struct breaker *b)
{
    return b->state == BREAKER_DRAINED || b->forced_open || b->forced_closed;
}

void pool_join(struct pool *p, size_t upstream, uint32_t reservation, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[upstream];
    struct breaker_rules rules = pool_rules(p, now_ns);

    WEIR_ASSERT(upstream < p->n_upstreams);
    if (u->membership != MEMBER_RESERVED || u->reservation != reservation)
        return;
    u->membership = MEMBER;
    u->breaker.known_good = pool_known_of_peers(p, upstream);
    if (!is_commanded(&u->breaker))
        breaker_ramp_from(&u->breaker, &rules, p->conf->ramp.start, "added");
    pool_serve_queue(p, now_ns);
}

void pool_set_members(struct pool *p, const struct decide_conf *conf, const struct pool_member *m,
                      size_t n, uint64_t now_ns)
{
    uint32_t max_streams[POOL_UPSTREAMS_MAX] = {0};
    bool listed[POOL_UPSTREAMS_MAX] = {false};

    WEIR_ASSERT(p->n_upstreams <= POOL_UPSTREAMS_MAX);
    for (size_t i = 0; i < p->n_upstreams; i++)
        max_streams[i] = p->upstream[i].limiter.most;
    for (size_t i = 0; i < n; i++) {
        max_streams[m[i].place] = m[i].max_streams;
        listed[m[i].place] = true;
    }
    pool_set_conf(p, conf, max_streams, now_ns);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (!listed[i])
            pool_take_out(p, i, now_ns);
    }
    pool_serve_queue(p, now_ns);
}

/* Who waits is looked at: with the last upstream that would have taken it, a request may go, too.
 */
void pool_take_out(struct pool *p, size_t upstream, uint64_t now_ns)
{
    WEIR_ASSERT(upstream < p->n_upstreams);
    p->upstream[upstream].membership = MEMBER_GONE;
    if (pool_has_canary(p, (int)upstream))
        canary_end(&p->canary, CANARY_ROLLED_BACK, CANARY_TAKEN_OUT, now_ns);
    pool_serve_queue(p, now_ns);
}
