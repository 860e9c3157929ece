/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of connections by client address: hash chains behind one lock. */
#include "snapshot/addresses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/base/hash.h"

enum { CHAINS = 4096 };

struct entry {
    struct entry *next;
    uint64_t key;
    uint32_t n;
};

struct addresses {
    pthread_mutex_t lock;
    struct hash_key hash;
    _Atomic uint32_t most, most_in_all, refs; /* most: 0 = no bound */
    uint32_t n;
    struct entry *chains[CHAINS];
};

static uint64_t key_of(const struct addresses *a, const struct net_addr *peer)
{
    switch (peer->u.sa.sa_family) {
    case AF_INET:
        return hash_keyed(a->hash, slice_of(&peer->u.in.sin_addr, 4));
    case AF_INET6:
        if (IN6_IS_ADDR_V4MAPPED(&peer->u.in6.sin6_addr)) /* of a listener that takes both */
            return hash_keyed(a->hash, slice_of(&peer->u.in6.sin6_addr.s6_addr[12], 4));
        return hash_keyed(a->hash, slice_of(&peer->u.in6.sin6_addr, 8)); /* a host has a /64 */
    default:
        return 0; /* unix peers are one address */
    }
}

struct addresses *addresses_create(uint32_t per_address, uint32_t in_all)
{
    struct addresses *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    WEIR_ASSERT(pthread_mutex_init(&a->lock, NULL) == 0);
    a->hash = hash_key_random();
    addresses_set(a, per_address, in_all);
    a->refs = 1;
    return a;
}

void addresses_set(struct addresses *a, uint32_t per_address, uint32_t in_all)
{
    a->most = per_address;
    a->most_in_all = in_all;
}

void addresses_ref(struct addresses *a)
{
    if (a != NULL)
        (void)atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
}

void addresses_unref(struct addresses **ap)
{
    struct addresses *a = *ap;

    *ap = NULL;
    if (a == NULL || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < CHAINS; i++) {
        while (a->chains[i] != NULL) {
            struct entry *e = a->chains[i];
            a->chains[i] = e->next;
            free(e);
        }
    }
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

static struct entry **find(struct addresses *a, uint64_t key)
{
    struct entry **at = &a->chains[key % CHAINS];

    while (*at != NULL && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

static bool enter_locked(struct addresses *a, uint64_t key)
{
    struct entry **at;

    if (a->most_in_all != 0 && a->n >= a->most_in_all)
        return false;
    at = find(a, key);
    if (*at == NULL)
        *at = calloc(1, sizeof **at);
    if (*at == NULL)
        return false;
    (*at)->key = key;
    if (a->most != 0 && (*at)->n >= a->most)
        return false;
    (*at)->n++;
    a->n++;
    return true;
}

bool address_enter(struct addresses *a, const struct net_addr *peer)
{
    uint64_t key;
    bool in;

    if (a == NULL)
        return true;
    key = key_of(a, peer);
    WEIR_ASSERT(pthread_mutex_lock(&a->lock) == 0);
    in = enter_locked(a, key);
    WEIR_ASSERT(pthread_mutex_unlock(&a->lock) == 0);
    return in;
}

bool addresses_full(struct addresses *a)
{
    bool full;

    if (a == NULL)
        return false;
    WEIR_ASSERT(pthread_mutex_lock(&a->lock) == 0);
    full = a->most_in_all != 0 && a->n >= a->most_in_all;
    WEIR_ASSERT(pthread_mutex_unlock(&a->lock) == 0);
    return full;
}

void address_leave(struct addresses *a, const struct net_addr *peer)
{
    struct entry **at;

    if (a == NULL)
        return;
    WEIR_ASSERT(pthread_mutex_lock(&a->lock) == 0);
    at = find(a, key_of(a, peer));
    a->n--;
    if (*at != NULL && --(*at)->n == 0) {
        struct entry *e = *at;
        *at = e->next;
        free(e);
    }
    WEIR_ASSERT(pthread_mutex_unlock(&a->lock) == 0);
}
