/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over the nodes of a fleet, as they are shown.  Pure. */
#include <stdio.h>
#include <string.h>

#include "weir/fleet/shown.h"

/* How bad a breaker's state is: the numbers of the states have another order. */
static int badness(enum breaker_state s)
{
    switch (s) {
    case BREAKER_CLOSED:
        return 0;
    case BREAKER_DRAINED:
        return 1;
    case BREAKER_RAMPING:
        return 2;
    case BREAKER_HALF_OPEN:
        return 3;
    case BREAKER_OPEN:
        return 4;
    }
    return 0;
}

/* `by` < 0: the node's state is better than the worst so far, 0: the same, > 0: it is the worst. */
static void note(struct fleet_worst *w, int by, const char *node)
{
    if (by > 0 || w->nodes == 0) {
        w->nodes = 1;
        (void)snprintf(w->at, sizeof w->at, "%s", node);
    } else if (by == 0) {
        w->nodes++;
    }
}

/*
 * Of `n` things that begin with their name the one that is called so, from *at on, for nodes tell
 * them in one order; or a new one, or NULL where there is no place.
 */
static void *find(void *list, size_t size, size_t *n, size_t most, size_t *at, const char *name)
{
    char *all = list;

    for (size_t i = 0; i < *n; i++) {
        size_t k = (*at + i) % *n;

        if (strcmp(all + k * size, name) == 0) {
            *at = k + 1;
            return all + k * size;
        }
    }
    if (*n == most)
        return NULL;
    *at = *n + 1;
    memcpy(all + *n * size, name, strlen(name) + 1); /* both have the same room */
    return all + (*n)++ * size;
}

static bool add_pool(struct fleet_sum *s, size_t *at, const char *node,
                     const struct fleet_shown_pool *p)
{
    struct fleet_sum_pool *sum =
        find(s->pools, sizeof s->pools[0], &s->n_pools, FLEET_SUM_POOLS, at, p->name);

    if (sum == NULL)
        return false;
    note(&sum->worst, (int)p->state - (int)sum->state, node);
    if (sum->nodes++ == 0 || p->state > sum->state)
        sum->state = p->state;
    sum->waiting += p->waiting;
    sum->admitted += p->admitted;
    sum->refused += p->refused;
    sum->limited += p->limited;
    return true;
}

static bool add_upstream(struct fleet_sum *s, size_t *at, const char *node,
                         const struct fleet_shown_upstream *u)
{
    struct fleet_sum_upstream *sum = find(s->upstreams, sizeof s->upstreams[0], &s->n_upstreams,
                                          FLEET_SUM_UPSTREAMS, at, u->name);
    int by;

    if (sum == NULL)
        return false;
    by = badness(u->state) - badness(sum->state);
    note(&sum->worst, by, node);
    if (sum->nodes++ == 0 || by > 0)
        sum->state = u->state;
    sum->shared |= u->shared;
    sum->limit += u->limit;
    sum->held += u->held;
    sum->used += u->used;
    sum->pending += u->pending;
    sum->ok += u->ok;
    sum->failed += u->failed;
    sum->refused += u->refused;
    return true;
}

void fleet_sum_add(struct fleet_sum *s, const char *node, const struct fleet_shown *n)
{
    size_t at = 0;

    note(&s->worst, (int)n->state - (int)s->state, node);
    if (s->nodes++ == 0 || n->state > s->state)
        s->state = n->state;
    for (size_t i = 0; i < n->n_pools; i++) {
        s->cut |= !add_pool(s, &at, node, &n->pools[i]);
        s->waiting += n->pools[i].waiting;
        s->admitted += n->pools[i].admitted;
        s->refused += n->pools[i].refused;
    }
    at = 0;
    for (size_t i = 0; i < n->n_upstreams; i++) {
        s->cut |= !add_upstream(s, &at, node, &n->upstreams[i]);
        s->used += n->upstreams[i].used;
    }
}
