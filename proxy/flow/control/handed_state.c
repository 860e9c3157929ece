/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what this process hands to the next one; reading is handed_read.c's. */
#include "control/handed_state.h"

#include <string.h>

#include "control/handed_priv.h"
#include "control/kept_file.h"
#include "weir/base/le.h"
#include "weir/decide/running.h"
#include "weir/decide/succession.h"

struct writer {
    struct buf *b;
    bool ok;
    uint32_t record; /* where the one that is being written begins */
};

static void put_bytes(struct writer *w, const void *p, size_t n)
{
    w->ok = w->ok && buf_append(w->b, slice_of(p, n), HANDED_STATE_MAX) == WEIR_OK;
}

static void put(struct writer *w, uint64_t x, size_t bytes)
{
    unsigned char at[8];

    le_put(at, x, bytes);
    put_bytes(w, at, bytes);
}

static void put_text(struct writer *w, const char *s)
{
    size_t n = strlen(s) < UINT16_MAX ? strlen(s) : UINT16_MAX;

    put(w, n, 2);
    put_bytes(w, s, n);
}

static void put_numbers(struct writer *w, const uint64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(w, x[i], 8);
}

static void begin(struct writer *w, enum handed_kind kind)
{
    w->record = w->b->len;
    put(w, kind, 2);
    put(w, HANDED_VERSION, 2);
    put(w, 0, 4);
}

static void end(struct writer *w)
{
    if (w->ok)
        le_put((unsigned char *)w->b->mem + w->b->at + w->record + 4,
               w->b->len - w->record - HANDED_HEAD, 4);
}

static void put_pool(struct writer *w, const struct control *c, const struct snapshot_pool *p)
{
    const struct pool_watch *watch = &c->pools[p->slot];
    uint64_t self[RUNNING_OF_POOL];

    pool_keep_self(gate_lock(p->gate), self);
    gate_unlock(p->gate);
    begin(w, HANDED_POOL);
    put_text(w, p->conf->name);
    put(w, (uint64_t)p->slot, 4);
    put_numbers(w, self, RUNNING_OF_POOL);
    for (int i = 0; i < SET_COUNT; i++) {
        put(w, watch->modes[i].on, 1);
        put(w, watch->modes[i].enforce, 1);
        put(w, watch->modes[i].uid, 4);
        put(w, watch->modes[i].until_ns, 8);
    }
    put(w, watch->incident_until_ns, 8);
    put_text(w, watch->incident == NULL ? "" : watch->incident);
    end(w);
}

static void put_upstream(struct writer *w, const struct control *c, const struct snapshot_pool *p,
                         const struct snapshot_upstream *u)
{
    const struct upstream_watch *watch = &c->upstreams[u->slot];
    struct running running;
    uint64_t limit;
    uint32_t places;

    pool_keep_running(gate_lock(p->gate), (size_t)u->place, &running);
    places = pool_places(gate_pool(p->gate), (size_t)u->place);
    gate_unlock(p->gate);
    begin(w, HANDED_UPSTREAM);
    put_text(w, p->conf->name);
    put_text(w, u->conf->name);
    put(w, kept_url(u->conf->url), 8);
    put(w, (uint64_t)u->slot, 4);
    put(w, places, 4);
    for (int i = 0; i < OVERRIDE_COUNT; i++) {
        put(w, watch->by[i].known, 1);
        put(w, watch->by[i].uid, 4);
    }
    memcpy(&limit, &watch->limit_value, sizeof limit);
    put(w, limit, 8);
    put_bytes(w, running.cause, sizeof running.cause);
    put(w, running.n, 4);
    put_numbers(w, running.number, running.n);
    end(w);
}

typedef bool next_fn(const struct pool *p, size_t *at, uint64_t *out, uint64_t now_ns);

/* A thousand at a time under the lock, so that requests need not wait for all of them. */
static void put_list(struct writer *w, const struct snapshot_pool *p, enum handed_kind kind,
                     next_fn *next, size_t each, uint64_t now_ns)
{
    enum { AT_ONCE = 1000 };
    static uint64_t list[AT_ONCE * RUNNING_OF_QUOTA]; /* the control thread's */
    size_t at = 0, n = AT_ONCE;

    begin(w, kind);
    put(w, (uint64_t)p->slot, 4);
    while (n == AT_ONCE) {
        const struct pool *pool = gate_lock(p->gate);

        for (n = 0; n < AT_ONCE && next(pool, &at, list + n * each, now_ns);)
            n++;
        gate_unlock(p->gate);
        put_numbers(w, list, n * each);
    }
    end(w);
}

static void put_learnt(struct writer *w, struct control *c)
{
    struct buf learnt = BUF_INIT;

    w->ok = w->ok && control_keep_write(c, &learnt);
    begin(w, HANDED_LEARNT);
    put_bytes(w, buf_slice(&learnt).p, learnt.len);
    end(w);
    buf_free(&learnt);
}

bool handed_state_write(struct control *c, struct buf *b)
{
    struct writer w = {.b = b, .ok = true};
    const struct snapshot *s = c->snapshot;
    uint64_t now = loop_refresh_now(c->loop);

    begin(&w, HANDED_KEY);
    put(&w, s->user_key.k0, 8);
    put(&w, s->user_key.k1, 8);
    end(&w);
    put_learnt(&w, c);
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        const struct snapshot_pool *p = &s->pools[k];

        put_pool(&w, c, p);
        for (size_t i = 0; i < p->n_upstreams; i++)
            put_upstream(&w, c, p, &p->upstreams[i]);
        put_list(&w, p, HANDED_USERS, pool_next_user, RUNNING_OF_USER, now);
        put_list(&w, p, HANDED_QUOTAS, pool_next_quota, RUNNING_OF_QUOTA, now);
        put_list(&w, p, HANDED_LEASES, pool_next_lease, RUNNING_OF_LEASE, now);
    }
    return w.ok;
}
