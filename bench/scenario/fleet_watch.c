/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes of a fleet say of themselves. */
#include "bench/scenario/fleet_watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/scenario/ask.h"
#include "bench/scenario/setup.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

static const struct timespec period = {.tv_sec = 1};

static bool has_label(struct slice labels, const char *text)
{
    return memmem(labels.p, labels.len, text, strlen(text)) != NULL;
}

void fleet_metric(struct slice line, struct fleet_node_sample *into)
{
    struct slice rest = line, name = next_part(&rest, '{'), labels = next_part(&rest, '}');
    double n;

    if (!slice_starts(name, SLICE_LIT("weir_fleet_")) ||
        real_parse(slice_trim(rest), &n) != WEIR_OK)
        return;
    if (slice_eq(name, SLICE_LIT("weir_fleet_calls_total"))) {
        into->calls += n;
    } else if (slice_eq(name, SLICE_LIT("weir_fleet_state"))) {
        into->joined = into->joined || (has_label(labels, "state=\"joined\"") && n > 0);
    } else if (slice_eq(name, SLICE_LIT("weir_fleet_permits"))) {
        if (has_label(labels, "kind=\"limit\""))
            into->limit = n;
        else if (has_label(labels, "kind=\"held\""))
            into->held = n;
        else if (has_label(labels, "kind=\"used\""))
            into->used = n;
    }
}

/* A node that is not there refuses the connection at once. */
static void look_at(const char *path, struct fleet_node_sample *out)
{
    struct admin a;
    struct grow g = {0};
    char why[200];

    if (path[0] == '\0' || access(path, F_OK) != 0)
        return;
    admin_init(&a, path);
    out->there = admin_read(&a, "metrics", &g, why, sizeof why) == WEIR_OK;
    for (struct slice rest = grow_slice(&g); rest.len > 0;)
        fleet_metric(next_part(&rest, '\n'), out);
    grow_free(&g);
    admin_close(&a);
}

static void look(struct fleet_watch *w)
{
    struct fleet_sample *s;

    if (w->n_samples == w->cap_samples) {
        w->cap_samples = w->cap_samples == 0 ? 64 : 2 * w->cap_samples;
        w->samples = realloc(w->samples, w->cap_samples * sizeof w->samples[0]);
        WEIR_ASSERT(w->samples != NULL);
    }
    s = &w->samples[w->n_samples];
    *s = (struct fleet_sample){.at_s = (double)(mono_now_ns() - w->start_ns) / 1e9};
    for (size_t i = 0; i < FLEET_NODES_MAX; i++)
        look_at(w->paths[i], &s->nodes[i]);
    w->n_samples++;
}

static void *look_on(void *arg)
{
    struct fleet_watch *w = arg;

    while (!atomic_load(&w->stop)) {
        look(w);
        (void)nanosleep(&period, NULL);
    }
    return NULL;
}

void fleet_watch_start(struct fleet_watch *w, const struct setup *s)
{
    *w = (struct fleet_watch){.start_ns = mono_now_ns(), .has_thread = true};
    /* those of nodes that are started later, too: each has its place in the folder */
    for (size_t i = 0; i < FLEET_NODES_MAX; i++)
        (void)snprintf(w->paths[i], sizeof w->paths[i], "%s/n%u.sock", s->folder, (unsigned)i + 1);
    WEIR_ASSERT(pthread_create(&w->thread, NULL, look_on, w) == 0);
}

void fleet_watch_stop(struct fleet_watch *w)
{
    atomic_store(&w->stop, true);
}

void fleet_watch_join(struct fleet_watch *w)
{
    if (!w->has_thread)
        return;
    fleet_watch_stop(w);
    (void)pthread_join(w->thread, NULL);
    w->has_thread = false;
}

void fleet_watch_free(struct fleet_watch *w)
{
    fleet_watch_join(w);
    free(w->samples);
    w->samples = NULL;
    w->n_samples = 0;
}

double fleet_calls(const struct fleet_watch *w, size_t node, double from_s, double to_s)
{
    const struct fleet_sample *first = NULL, *last = NULL;

    for (size_t i = 0; i < w->n_samples; i++) {
        const struct fleet_sample *s = &w->samples[i];
        if (!s->nodes[node].there || s->at_s < from_s || s->at_s > to_s)
            continue;
        first = first == NULL ? s : first;
        last = s;
    }
    if (first == last || last->nodes[node].calls < first->nodes[node].calls)
        return NAN;
    return (last->nodes[node].calls - first->nodes[node].calls) / (last->at_s - first->at_s);
}
