/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client connections of a worker, whatever they speak: let in, sent away, flushed, ended.
 * Owner and thread: their worker.
 */
#include "client/client_priv.h"

#include <stdlib.h>
#include <unistd.h>

enum { LOOKED_AT_MAX = 64 }; /* idle ones, for the one that may go */

/* The loop calls it at the end of a round.  HTTP/1 first: both gather in one memory. */
static void flush(void *worker)
{
    h1_flush(worker);
    h2_flush(worker);
}

static bool make_protocols(struct worker *w, struct clients *c)
{
    c->out = malloc(SCRATCH_BYTES);
    c->h1 = h1_create(w, c->max);
    c->h2 = h2_create(w, c->max);
    return c->out != NULL && c->h1 != NULL && c->h2 != NULL;
}

struct clients *clients_create(struct worker *w, uint32_t max, void (*gone)(struct worker *w))
{
    struct clients *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->gone = gone;
    c->max = max;
    list_init(&c->idle);
    list_init(&c->arrivals);
    slab_init(&c->waiting, arrival_bytes(), max);
    if (make_protocols(w, c))
        loop_on_flush(w->loop, flush, w);
    else
        clients_destroy(&c);
    return c;
}

void clients_destroy(struct clients **cp)
{
    struct clients *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    h1_destroy(&c->h1);
    h2_destroy(&c->h2);
    slab_fini(&c->waiting);
    free(c->out);
    free(c);
}

static bool open_h1(struct worker *w, int fd, const struct net_addr *peer, struct addresses *a)
{
    addresses_ref(a);
    if (h1_open(w, fd, peer, a))
        return true;
    addresses_unref(&a);
    return false;
}

bool clients_open(struct worker *w, int fd, const struct net_addr *peer, int listener)
{
    struct snapshot_listener *l = w->snapshot->by_slot[listener];

    if (arrival_is_needed(l))
        return arrival_open(w, fd, peer, listener);
    return open_h1(w, fd, peer, l->addresses);
}

/* --- making room */

static struct client_idle *longest_idle(const struct worker *w, const struct addresses *of)
{
    int looked = 0;

    LIST_EACH(n, &w->clients->idle)
    {
        struct client_idle *i = LIST_OBJECT(n, struct client_idle, node);

        if (i->may_go(i, of))
            return i;
        if (++looked == LOOKED_AT_MAX)
            break;
    }
    return NULL;
}

bool clients_can_make_room(const struct worker *w)
{
    return longest_idle(w, NULL) != NULL;
}

bool clients_make_room(struct worker *w, const struct addresses *of)
{
    struct client_idle *i = longest_idle(w, of);

    if (i != NULL)
        i->close(i);
    return i != NULL;
}

bool clients_let_in(struct worker *w, struct addresses *a, const struct net_addr *peer)
{
    if (address_enter(a, peer))
        return true;
    return addresses_full(a) && clients_make_room(w, a) && address_enter(a, peer);
}

/* --- all of them */

void clients_check_rates(struct worker *w)
{
    h1_check_rates(w);
    h2_check_rates(w);
}

void clients_lame_duck(struct worker *w)
{
    h1_lame_duck(w);
    h2_lame_duck(w);
}

void clients_end_idle(struct worker *w)
{
    h1_end_idle(w);
    h2_end_idle(w);
}

void clients_settings_changed(struct worker *w)
{
    h2_settings_changed(w);
}

void clients_close(struct worker *w)
{
    arrivals_close(w->clients);
    h1_close(w);
    h2_close(w);
}

size_t clients_bytes(void)
{
    return h1_bytes();
}

size_t clients_stream_bytes(void)
{
    return h2_bytes();
}
