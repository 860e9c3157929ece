/* SPDX-License-Identifier: Apache-2.0 */
/* All upstreams of the settings, tried at once; a table in the order of the file. */
#include "weir/flow/online.h"

#include <stdlib.h>

#include "online/probe.h"
#include "weir/base/clock.h"

struct online {
    struct loop *loop;
    struct resolver *resolver;
    struct snapshot *snapshot;
    struct slot_book *slots;
    struct probe **probes;
    size_t n, left;
};

static void on_done(struct probe *p, void *arg)
{
    struct online *o = arg;

    (void)p;
    if (--o->left == 0)
        loop_stop(o->loop);
}

static size_t count_upstreams(const struct snapshot *s)
{
    size_t n = 0;

    for (size_t k = 0; k < s->settings->n_pools; k++)
        n += s->pools[k].n_upstreams;
    return n;
}

static bool begin_all(struct online *o, const struct online_ask *ask)
{
    o->probes = calloc(count_upstreams(o->snapshot) + 1, sizeof(struct probe *));
    if (o->probes == NULL)
        return false;
    for (size_t k = 0; k < o->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &o->snapshot->pools[k];

        for (size_t i = 0; i < p->n_upstreams; i++) {
            struct probe *one =
                probe_create(o->loop, o->resolver, p, &p->upstreams[i], ask, on_done, o);

            if (one == NULL)
                return false;
            o->probes[o->n++] = one;
            o->left++;
        }
    }
    return true;
}

static void print_row(FILE *out, const char *pool, const char *upstream, enum probe_step step,
                      const struct probe_finding *f)
{
    static const char *const steps[PROBE_STEPS] = {"name", "connect", "tls", "answer", "generate"};
    char name[160];

    (void)snprintf(name, sizeof name, "%s/%s", pool, upstream);
    (void)fprintf(out, "%-24s %-9s %-5s %7.1f ms  %s\n", name, steps[step],
                  f->result == PROBE_GOOD ? "ok" : "FAILS", (double)f->ns / (double)NS_PER_MS,
                  f->text);
}

/* Returns whether a step failed. */
static bool print_upstream(FILE *out, const struct snapshot_pool *p, size_t i,
                           const struct probe *one)
{
    bool failed = false;

    for (enum probe_step s = 0; s < PROBE_STEPS; s++) {
        const struct probe_finding *f = probe_finding(one, s);

        if (f->result == PROBE_NOT_TRIED)
            continue;
        print_row(out, p->conf->name, p->upstreams[i].conf->name, s, f);
        failed = failed || f->result == PROBE_BAD;
    }
    return failed;
}

static int print_all(const struct online *o, FILE *out)
{
    size_t at = 0;
    int failed = 0;

    for (size_t k = 0; k < o->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &o->snapshot->pools[k];

        for (size_t i = 0; i < p->n_upstreams; i++)
            failed += print_upstream(out, p, i, o->probes[at++]);
    }
    if (failed == 0)
        (void)fprintf(out, "every upstream can be used as it stands\n");
    else
        (void)fprintf(out, "%d of %zu upstreams cannot be used as it stands\n", failed, o->n);
    return failed;
}

static void close_all(struct online *o)
{
    for (size_t i = 0; i < o->n; i++)
        probe_destroy(&o->probes[i]);
    free((void *)o->probes);
    resolver_destroy(&o->resolver);
    if (o->snapshot != NULL)
        snapshot_unref(o->snapshot);
    loop_destroy(&o->loop);
    if (o->slots != NULL)
        slot_book_free(o->slots);
    free(o->slots);
}

int flow_check_online(struct settings **s, const struct online_ask *ask, FILE *out, char *why,
                      size_t room)
{
    struct online o = {.loop = loop_create(), .slots = calloc(1, sizeof *o.slots)};
    int failed = -1;

    (void)snprintf(why, room, "out of memory");
    if (o.loop != NULL && o.slots != NULL) {
        o.resolver = resolver_create(o.loop);
        if (o.resolver != NULL)
            o.snapshot = snapshot_create(s, NULL, o.slots, why, room, mono_now_ns());
    }
    if (o.snapshot != NULL && begin_all(&o, ask)) {
        if (o.left > 0)
            loop_run(o.loop);
        failed = print_all(&o, out);
    }
    close_all(&o);
    return failed;
}
