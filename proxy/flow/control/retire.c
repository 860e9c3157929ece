/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old process, once another one has its listeners.  Its clients' connections stay for a while,
 * so that a request that is under way on one of them is answered; each is closed behind its next
 * answer.  Streams end in full, up to drain_timeout.
 */
#include "control/retire.h"

#include "weir/decide/succession.h"

#define LINGER_NS (10 * NS_PER_S) /* for a client that asks once more on a connection it has */

void retire_prepare(struct control *c)
{
    for (int i = 0; i < c->workers.n; i++)
        worker_pause(c->workers.list[i], true);
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct gate *g = c->snapshot->pools[k].gate;

        pool_hand_over(gate_lock(g));
        gate_unlock(g);
    }
}

void retire_take_back(struct control *c)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct gate *g = c->snapshot->pools[k].gate;

        pool_take_back(gate_lock(g), loop_now_ns(c->loop));
        gate_unlock(g);
    }
    for (int i = 0; i < c->workers.n; i++)
        worker_pause(c->workers.list[i], false);
}

void retire(struct control *c)
{
    uint64_t now = loop_now_ns(c->loop), patience = c->snapshot->settings->drain_timeout_ns;

    c->phase.draining = true;
    if (c->start.handed_over != NULL)
        c->start.handed_over(c->upgrade.pid, c->upgrade.taken[UPGRADE_ADMIN_SOCKET] > 0,
                             c->start.arg);
    for (int i = 0; i < c->workers.n; i++)
        worker_retire(c->workers.list[i], c->upgrade.taken);
    control_judge(c);
    loop_timer_at(&c->drain_timer, now + (patience < LINGER_NS ? patience : LINGER_NS));
}

static bool say(const struct control *c, enum handover_what what, int index, uint32_t places)
{
    struct handover_message m = handover_message(what);

    m.index = (uint32_t)index;
    m.number = places;
    return handover_send(c->upgrade.fd, &m, NULL, 0) == WEIR_OK;
}

static void give(struct control *c, const struct snapshot_pool *p, size_t i)
{
    size_t place = (size_t)p->upstreams[i].place;
    uint32_t n = pool_give_places(gate_lock(p->gate), place, c->phase.quitting);

    gate_unlock(p->gate);
    if (n == 0 || say(c, HANDOVER_GIVE, p->upstreams[i].slot, n))
        return;
    pool_take_places(gate_lock(p->gate), place, n, loop_now_ns(c->loop)); /* next time, then */
    gate_unlock(p->gate);
}

void upgrade_tick(struct control *c)
{
    if (c->upgrade.state != UPGRADE_DONE)
        return;
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];
        uint32_t wanted;

        for (size_t i = 0; i < p->n_upstreams; i++)
            give(c, p, i);
        wanted = pool_wants_places(gate_lock(p->gate));
        gate_unlock(p->gate);
        if (wanted > 0)
            (void)say(c, HANDOVER_WANT, p->slot, wanted); /* asked again at the next tick */
    }
}

static void take(struct control *c, const struct snapshot_pool *p, size_t i, uint32_t places)
{
    pool_take_places(gate_lock(p->gate), (size_t)p->upstreams[i].place, places,
                     loop_now_ns(c->loop));
    gate_unlock(p->gate);
}

void retire_lent(struct control *c, uint32_t upstream, uint32_t places)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];

        for (size_t i = 0; i < p->n_upstreams; i++) {
            if ((uint32_t)p->upstreams[i].slot == upstream)
                take(c, p, i, places);
        }
    }
}
