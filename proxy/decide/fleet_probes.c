/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends the probes of the fleet's half-open breaker: one request of one node, and when it was
 * good two more, each at another node.  A dead server hears one of all nodes.
 */
#include "breaker_priv.h"
#include "fleet_leader_priv.h"

#define UNUSED_NS  (2 * NS_PER_S)  /* nobody asked there */
#define UNKNOWN_NS (60 * NS_PER_S) /* it was sent, and its node says no more of it */

static struct leader_probe *probe_of(struct led *u, uint64_t node)
{
    for (int i = 0; i < FLEET_PROBES; i++)
        if (u->probe[i].node == node)
            return &u->probe[i];
    return NULL;
}

void led_note_probes(struct led *u, uint64_t node, const struct fleet_record *was,
                     const struct fleet_record *is)
{
    uint64_t good = counted(was->probes_good, is->probes_good);
    uint64_t bad = counted(was->probes_bad, is->probes_bad);
    uint64_t none = counted(was->probes_void, is->probes_void);
    struct leader_probe *p = probe_of(u, node);

    if (u->breaker.state != BREAKER_HALF_OPEN)
        return;
    u->news.probes_good += good > 0;
    u->news.probes_bad += bad > 0;
    if (p == NULL)
        return;
    p->sent = p->sent || is->probes_sent > was->probes_sent;
    if (good + bad + none > 0)
        p->node = 0;
}

static bool lives(const struct fleet_leader *f, uint64_t node)
{
    for (size_t m = 0; m < f->n_members; m++)
        if (f->members[m].node == node && member_lives(&f->members[m]))
            return true;
    return false;
}

static void take_back(struct fleet_leader *f, struct led *u, uint64_t now_ns)
{
    for (int i = 0; i < FLEET_PROBES; i++) {
        struct leader_probe *p = &u->probe[i];
        uint64_t age = now_ns - p->given_ns;
        if (p->node != 0 && (!lives(f, p->node) || age >= (p->sent ? UNKNOWN_NS : UNUSED_NS)))
            p->node = 0;
    }
}

/* The next in turn where somebody waits, else the next; one that has no probe, if there is one. */
static int pick(struct fleet_leader *f, size_t upstream)
{
    struct led *u = &f->led[upstream];
    int best = -1, best_rank = 0;

    for (size_t n = 1; n <= f->n_members; n++) {
        size_t m = (u->turn + n) % f->n_members;
        const struct tale *t = tale_of(f, m, upstream);
        int rank;
        if (!member_lives(&f->members[m]) || !t->known)
            continue;
        rank = 1 + (t->last.waiting > 0) + 2 * (probe_of(u, f->members[m].node) == NULL);
        if (rank > best_rank) {
            best = (int)m;
            best_rank = rank;
        }
    }
    return best;
}

static void give(struct fleet_leader *f, size_t upstream, struct leader_probe *p, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    int m = pick(f, upstream);

    if (m < 0)
        return;
    u->turn = (size_t)m;
    *p = (struct leader_probe){f->members[m].node, ++u->probe_number, now_ns, false};
}

static uint32_t wanted(const struct fleet_leader *f, const struct led *u)
{
    uint32_t left = f->conf->breaker.probes - u->breaker.good;

    if (u->breaker.good == 0)
        return 1;
    return left < FLEET_PROBES ? left : FLEET_PROBES;
}

static void give_out(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    uint32_t out = 0, want = wanted(f, u);

    for (int i = 0; i < FLEET_PROBES; i++)
        out += u->probe[i].node != 0;
    for (int i = 0; i < FLEET_PROBES && out < want; i++)
        if (u->probe[i].node == 0) {
            give(f, upstream, &u->probe[i], now_ns);
            out++;
        }
}

static void forget(struct led *u)
{
    for (int i = 0; i < FLEET_PROBES; i++)
        u->probe[i].node = 0;
}

void led_tick_probes(struct fleet_leader *f, size_t upstream, uint64_t now_ns)
{
    struct led *u = &f->led[upstream];
    struct breaker_rules rules = leader_rules(f, now_ns);

    if (u->news.probes_bad > 0) {
        forget(u);
        breaker_trip(&u->breaker, &rules, "probe_failed");
        return;
    }
    u->breaker.good += u->news.probes_good;
    if (u->breaker.good >= f->conf->breaker.probes) {
        forget(u);
        breaker_begin_ramp(&u->breaker, &rules);
        return;
    }
    take_back(f, u, now_ns);
    give_out(f, upstream, now_ns);
}
