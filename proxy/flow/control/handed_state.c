/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what this process hands to the next one; reading is handed_read.c's. */
#include "control/handed_state.h"

#include <string.h>

#include "control/handed_priv.h"
#include "control/kept_file.h"
#include "weir/base/le.h"
#include "weir/base/pack.h"
#include "weir/decide/running.h"
#include "weir/decide/succession.h"

struct writer {
    struct packer to;
    size_t record; /* where the one that is being written begins */
};

static void begin(struct writer *w, enum handed_kind kind)
{
    w->record = w->to.b->len;
    pack_number(&w->to, kind, 2);
    pack_number(&w->to, HANDED_VERSION, 2);
    pack_number(&w->to, 0, 4);
}

static void end(struct writer *w)
{
    struct buf *b = w->to.b;

    if (w->to.ok)
        le_put((unsigned char *)b->mem + b->at + w->record + 4, b->len - w->record - HANDED_HEAD,
               4);
}

static void put_pool(struct writer *w, const struct control *c, const struct snapshot_pool *p)
{
    const struct pool_watch *watch = &c->pools[p->slot];
    uint64_t self[RUNNING_OF_POOL];

    pool_keep_self(gate_lock(p->gate), self);
    gate_unlock(p->gate);
    begin(w, HANDED_POOL);
    pack_text(&w->to, p->conf->name);
    pack_number(&w->to, (uint64_t)p->slot, 4);
    pack_numbers(&w->to, self, RUNNING_OF_POOL);
    for (int i = 0; i < SET_COUNT; i++) {
        pack_number(&w->to, watch->modes[i].on, 1);
        pack_number(&w->to, watch->modes[i].enforce, 1);
        pack_number(&w->to, watch->modes[i].by.uid, 4);
        pack_number(&w->to, watch->modes[i].until_ns, 8);
    }
    pack_number(&w->to, watch->incident_until_ns, 8);
    pack_text(&w->to, watch->incident == NULL ? "" : watch->incident);
    end(w);
}

static void put_upstream(struct writer *w, const struct control *c, const struct snapshot_pool *p,
                         const struct snapshot_upstream *u)
{
    const struct upstream_watch *watch = &c->upstreams[u->slot];
    struct running running;
    uint32_t places;

    pool_keep_running(gate_lock(p->gate), (size_t)u->place, &running);
    places = pool_places(gate_pool(p->gate), (size_t)u->place);
    gate_unlock(p->gate);
    begin(w, HANDED_UPSTREAM);
    pack_text(&w->to, p->conf->name);
    pack_text(&w->to, u->conf->name);
    pack_number(&w->to, kept_url(u->conf->url), 8);
    pack_number(&w->to, (uint64_t)u->slot, 4);
    pack_number(&w->to, places, 4);
    for (int i = 0; i < OVERRIDE_COUNT; i++) {
        pack_number(&w->to, watch->by[i].known, 1);
        pack_number(&w->to, watch->by[i].uid, 4);
    }
    pack_real(&w->to, watch->limit_value);
    pack_bytes(&w->to, running.cause, sizeof running.cause);
    pack_number(&w->to, running.n, 4);
    pack_numbers(&w->to, running.number, running.n);
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
    pack_number(&w->to, (uint64_t)p->slot, 4);
    while (n == AT_ONCE) {
        const struct pool *pool = gate_lock(p->gate);

        for (n = 0; n < AT_ONCE && next(pool, &at, list + n * each, now_ns);)
            n++;
        gate_unlock(p->gate);
        pack_numbers(&w->to, list, n * each);
    }
    end(w);
}

static void put_learnt(struct writer *w, struct control *c)
{
    struct buf learnt = BUF_INIT;

    w->to.ok = w->to.ok && control_keep_write(c, &learnt);
    begin(w, HANDED_LEARNT);
    pack_bytes(&w->to, buf_slice(&learnt).p, learnt.len);
    end(w);
    buf_free(&learnt);
}

/* What is too long, or for which there is no memory, is left out: it is not needed to go on. */
static void put_seen(struct writer *w, struct control *c, enum handed_kind kind,
                     void (*write)(struct control *c, struct packer *p))
{
    struct buf seen = BUF_INIT;
    struct packer p = {&seen, HANDED_SEEN_MAX, true};

    write(c, &p);
    if (p.ok && w->to.b->len + HANDED_HEAD + seen.len <= HANDED_STATE_MAX) {
        begin(w, kind);
        pack_bytes(&w->to, buf_slice(&seen).p, seen.len);
        end(w);
    }
    buf_free(&seen);
}

bool handed_state_write(struct control *c, struct buf *b)
{
    struct writer w = {.to = {b, HANDED_STATE_MAX, true}};
    const struct snapshot *s = c->snapshot;
    uint64_t now = loop_refresh_now(c->loop);

    begin(&w, HANDED_KEY);
    pack_number(&w.to, s->user_key.k0, 8);
    pack_number(&w.to, s->user_key.k1, 8);
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
    put_seen(&w, c, HANDED_EVENTS, handed_events_write);
    put_seen(&w, c, HANDED_REFUSALS, handed_refusals_write);
    put_seen(&w, c, HANDED_ADMIN, handed_admin_write);
    return w.to.ok;
}
