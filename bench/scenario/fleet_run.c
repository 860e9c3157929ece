/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet of a run, on the run's loop. */
#include "bench/scenario/fleet_run.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/assert.h"

static const struct timeval await_every = {0, 50000};

/* Tells the loads who serves, and with what weight. */
static void spread(struct run *p)
{
    const struct fleet *f = p->setup.fleet;

    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        for (size_t k = 0; k < f->n; k++) {
            const struct fleet_node *n = &f->nodes[k];
            if (n->port != 0)
                load_set_place(p->loads[i], k, &n->target, n->serves ? n->weight : 0);
        }
    }
}

static void on_await(evutil_socket_t fd, short what, void *arg)
{
    struct run *p = arg;

    (void)fd, (void)what;
    if (fleet_await(p->setup.fleet))
        (void)event_add(p->await, &await_every);
    else
        spread(p);
}

void fleet_run_start(struct run *p)
{
    if (p->setup.fleet == NULL)
        return;
    p->await = event_new(p->loop, -1, 0, on_await, p);
    WEIR_ASSERT(p->await != NULL);
    for (size_t i = 0; i < FLEET_NODES_MAX && p->scenario->weights_text[0] != '\0'; i++)
        p->setup.fleet->nodes[i].weight = p->scenario->weights[i];
    spread(p);
    fleet_watch_start(&p->fleet_watch, &p->setup);
}

void fleet_run_step(struct run *p, const struct fleet_step *step, char *why, size_t why_size)
{
    if (p->setup.fleet == NULL || step->verb == FLEET_NOTHING)
        return;
    if (fleet_do(&p->setup, step, &p->wish, why, why_size) != WEIR_OK)
        (void)fprintf(stderr, "%s: %s\n", p->target, why);
    spread(p);
    if (step->verb == FLEET_NODE_START)
        (void)event_add(p->await, &await_every);
}

void fleet_run_over(struct run *p)
{
    if (p->await == NULL)
        return;
    event_del(p->await);
    fleet_watch_stop(&p->fleet_watch);
}

/* As watch_read_sheds of one weir; of nodes that are no more, too. */
static void sheds_of_refusals(struct run *p)
{
    for (size_t i = 0; i < p->refusals.n_counts; i++) {
        const struct refusal_count *c = &p->refusals.counts[i];
        watch_add_shed(&p->watch, c->cause, c->n);
    }
}

void fleet_run_sum_up(struct run *p)
{
    const struct fleet *f = p->setup.fleet;

    if (f == NULL)
        return;
    fleet_watch_join(&p->fleet_watch);
    p->fleet = (struct fleet_seen){.n = f->n, .watch = &p->fleet_watch};
    for (size_t i = 0; i < p->scenario->n_loads; i++)
        fleet_seen_add(&p->fleet, p->loads[i]);
    for (size_t i = 0; i < f->n; i++)
        refusals_read(f->nodes[i].log_path, p->watch.start_wall_ns, &p->refusals);
    sheds_of_refusals(p);
}

void fleet_run_free(struct run *p)
{
    if (p->await == NULL)
        return;
    event_free(p->await);
    fleet_watch_free(&p->fleet_watch);
    fleet_seen_free(&p->fleet);
}
