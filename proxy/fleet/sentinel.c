/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Sentinels: a link to each, and what it said last.  A Sentinel makes a demoted master a
 * replica only some ten seconds after it has promoted another one; until then a connection to the
 * old one works, and what is written there is lost.  So they are asked while all is well, too.
 * Control thread.
 */
#include "sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "weir/base/clock.h"

#define ASK_NS   (1 * NS_PER_S)
#define FRESH_NS (3 * NS_PER_S)  /* an answer is a vote for so long, if there are newer ones */
#define CALM_NS  (10 * NS_PER_S) /* not asked where to connect to for so long: all was well */

struct sentinel {
    struct sentinels *all;
    struct fleet_means means; /* to reach this one */
    struct link *link;
    struct loop_timer timer;
    bool names; /* the rest is what it said last */
    struct net_addr named;
    uint64_t heard_ns;
    uint64_t changed_ns; /* when it began to name this one instead of the best; 0 = it did not */
};

struct sentinels {
    struct loop *loop;
    const char *master;
    struct sentinel list[FLEET_HOSTS_MAX];
    size_t n;
    bool agreed; /* best is whom most of them name */
    struct net_addr best;
    size_t turn; /* of those that as many name */
    uint64_t asked_ns;
    char why[160];
    void (*changed)(void *arg);
    void *arg;
};

/* --- the votes */

static bool is_fresh(const struct sentinel *s)
{
    return s->names && loop_now_ns(s->all->loop) - s->heard_ns < FRESH_NS;
}

/* Where no answer is fresh, what they said last has to do. */
static bool counts(const struct sentinel *s)
{
    bool any = false;

    for (size_t i = 0; i < s->all->n; i++)
        any = any || is_fresh(&s->all->list[i]);
    return any ? is_fresh(s) : s->names;
}

struct votes {
    const struct net_addr *addr; /* NULL: it does not vote, or somebody before it named the same */
    size_t n;
    uint64_t changed_ns;
};

static struct votes votes_of(const struct sentinels *s, size_t i)
{
    const struct net_addr *addr = &s->list[i].named;
    struct votes v = {0};

    for (size_t k = 0; k < s->n && counts(&s->list[i]); k++) {
        const struct sentinel *other = &s->list[k];

        if (!counts(other) || !net_addr_equal(&other->named, addr))
            continue;
        if (k < i)
            return (struct votes){0};
        v.addr = addr;
        v.n++;
        if (other->changed_ns > v.changed_ns)
            v.changed_ns = other->changed_ns;
    }
    return v;
}

static bool is_better(const struct sentinels *s, const struct votes *a, const struct votes *b)
{
    if (a->n != b->n || a->addr == NULL)
        return a->n > b->n;
    if (a->changed_ns != b->changed_ns)
        return a->changed_ns > b->changed_ns;
    return s->agreed && net_addr_equal(a->addr, &s->best);
}

/* Those with the most votes, the best one first; how many. */
static size_t elect(const struct sentinels *s, struct net_addr out[FLEET_HOSTS_MAX])
{
    struct votes first = {0};
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct votes v = votes_of(s, i);

        if (is_better(s, &v, &first))
            first = v;
    }
    if (first.addr != NULL)
        out[n++] = *first.addr;
    for (size_t i = 0; i < s->n; i++) {
        struct votes v = votes_of(s, i);

        if (v.addr != NULL && v.addr != first.addr && v.n == first.n)
            out[n++] = *v.addr;
    }
    return n;
}

static void count_votes(struct sentinels *s)
{
    struct net_addr top[FLEET_HOSTS_MAX];

    if (elect(s, top) == 0 || (s->agreed && net_addr_equal(&top[0], &s->best)))
        return;
    s->agreed = true;
    s->best = top[0];
    s->turn = 0;
    s->changed(s->arg);
}

bool sentinels_next(struct sentinels *s, struct net_addr *out, const char **why)
{
    struct net_addr top[FLEET_HOSTS_MAX];
    uint64_t now = loop_now_ns(s->loop);
    size_t n = elect(s, top);

    if (now - s->asked_ns >= CALM_NS)
        s->turn = 0;
    s->asked_ns = now;
    *why = s->why;
    if (n > 0)
        *out = top[s->turn++ % n];
    return n > 0;
}

/* --- one of them */

static bool take_named(const struct reply *r, struct net_addr *out)
{
    int64_t port;

    return reply_i64(reply_item(r, 1), &port) == WEIR_OK && port > 0 && port <= UINT16_MAX &&
           net_addr_make(reply_text(reply_item(r, 0)), (uint16_t)port, out) == WEIR_OK;
}

static void note(struct sentinels *s, const char *what, const char *why)
{
    (void)snprintf(s->why, sizeof s->why, "%s%.120s", what, why);
}

/* NULL: on_down follows. */
static void on_named(const struct reply *r, void *arg)
{
    struct sentinel *s = arg;
    struct net_addr named;

    if (r == NULL)
        return;
    loop_timer_at(&s->timer, loop_now_ns(s->all->loop) + ASK_NS);
    s->heard_ns = loop_now_ns(s->all->loop);
    if (!take_named(r, &named)) {
        s->names = false;
        note(s->all, "a Sentinel knows no such master, or it by its name only", "");
    } else {
        if (s->names && !net_addr_equal(&named, &s->named))
            s->changed_ns = net_addr_equal(&s->named, &s->all->best) ? s->heard_ns : 0;
        s->names = true;
        s->named = named;
    }
    count_votes(s->all);
}

static void ask(void *arg)
{
    struct sentinel *s = arg;
    const struct slice words[] = {SLICE_LIT("SENTINEL"), SLICE_LIT("get-master-addr-by-name"),
                                  slice_str(s->all->master)};

    (void)link_call(s->link, words, 3, on_named, s);
}

static void on_down(enum link_fault f, const char *why, void *owner)
{
    struct sentinel *s = owner;

    (void)f;
    note(s->all, "of the Sentinels: ", why);
}

static const struct link_events events = {.on_ready = ask, .on_down = on_down};

/* --- life */

static bool begin(struct sentinel *s, struct resolver *r, const struct fleet_means *m, size_t i,
                  uint64_t timeout_ns, uint64_t seed)
{
    s->means.hosts[0] = m->hosts[i];
    s->means.n_hosts = 1;
    s->means.tls = m->tls;
    loop_timer_init(&s->timer, s->all->loop, ask, s);
    s->link = link_create(s->all->loop, r, &s->means, timeout_ns, seed + i, &events, s);
    return s->link != NULL;
}

struct sentinels *sentinels_create(struct loop *l, struct resolver *r, const struct fleet_means *m,
                                   uint64_t timeout_ns, uint64_t seed, void (*changed)(void *arg),
                                   void *arg)
{
    struct sentinels *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->loop = l;
    s->master = m->master;
    s->changed = changed;
    s->arg = arg;
    note(s, "no Sentinel has answered yet", "");
    while (s != NULL && s->n < m->n_hosts) {
        struct sentinel *one = &s->list[s->n++];

        one->all = s;
        if (!begin(one, r, m, s->n - 1, timeout_ns, seed))
            sentinels_destroy(&s);
    }
    return s;
}

void sentinels_destroy(struct sentinels **sp)
{
    struct sentinels *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        loop_timer_stop(&s->list[i].timer);
        link_destroy(&s->list[i].link);
    }
    free(s);
}
