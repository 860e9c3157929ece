/* SPDX-License-Identifier: Apache-2.0 */
/* The places that requests go to: whose turn it is, and what attempts there came to. */
#include <stdlib.h>
#include <string.h>

#include "bench/load/load_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

void load_set_place(struct load *l, size_t place, const struct target *t, double weight)
{
    struct load_place *p;

    WEIR_ASSERT(place < LOAD_PLACES_MAX);
    p = &l->places[place];
    if (!p->used) {
        httpc_init(&p->client, l->loop, t, l->conf.tls);
        p->client.no_reuse = l->conf.no_reuse;
        p->used = true;
    }
    p->weight = weight;
    for (size_t i = 0; i < LOAD_PLACES_MAX; i++)
        l->places[i].credit = 0;
}

/* Smooth: with weights 2 and 1 it is a b a, a b a. */
size_t places_next(struct load *l)
{
    struct load_place *best = &l->places[0];
    double sum = 0;

    for (size_t i = 0; i < LOAD_PLACES_MAX; i++) {
        struct load_place *p = &l->places[i];
        sum += p->weight;
        p->credit += p->weight;
        if (p->weight > 0 && (best->weight <= 0 || p->credit > best->credit))
            best = p;
    }
    best->credit -= sum;
    return (size_t)(best - l->places);
}

struct place_bin *places_bin_at(struct load *l, size_t place, uint64_t at_ns)
{
    struct load_place *p = &l->places[place];
    size_t i = at_ns > l->start_ns ? (size_t)((at_ns - l->start_ns) / NS_PER_S) : 0;

    if (i >= p->cap_bins) {
        size_t cap = i + 256;
        p->bins = realloc(p->bins, cap * sizeof p->bins[0]);
        WEIR_ASSERT(p->bins != NULL);
        memset(p->bins + p->cap_bins, 0, (cap - p->cap_bins) * sizeof p->bins[0]);
        p->cap_bins = cap;
    }
    if (i >= p->n_bins)
        p->n_bins = i + 1;
    return &p->bins[i];
}

const struct place_bin *load_place_bins(const struct load *l, size_t place, size_t *n)
{
    *n = l->places[place].n_bins;
    return l->places[place].bins;
}

void places_connections(const struct load *l, uint64_t *made, uint64_t *failed, uint64_t *stale)
{
    *made = *failed = *stale = 0;
    for (size_t i = 0; i < LOAD_PLACES_MAX; i++) {
        *made += l->places[i].client.n_connects;
        *failed += l->places[i].client.n_connect_failures;
        *stale += l->places[i].client.n_stale;
    }
}

void places_free(struct load *l)
{
    for (size_t i = 0; i < LOAD_PLACES_MAX; i++) {
        if (l->places[i].used)
            httpc_fini(&l->places[i].client);
        free(l->places[i].bins);
    }
}
