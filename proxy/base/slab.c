/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"

enum { CHUNK_BYTES = 64 * 1024, ALIGN = 16 };

struct chunk {
    struct chunk *next;
    char pad[ALIGN - sizeof(struct chunk *)];
    char mem[];
};

static size_t per_chunk(const struct slab *s)
{
    size_t n = CHUNK_BYTES / s->size;

    return n == 0 ? 1 : n;
}

void slab_init(struct slab *s, size_t object_size, uint32_t max)
{
    *s = (struct slab){.size = (object_size + ALIGN - 1) & ~(size_t)(ALIGN - 1), .max = max};
}

void slab_fini(struct slab *s)
{
    struct chunk *c = s->chunks;

    while (c != NULL) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
    *s = (struct slab){0};
}

static void push_free(struct slab *s, void *object)
{
    memcpy(object, &s->free_list, sizeof s->free_list);
    s->free_list = object;
}

static void add_chunk(struct slab *s)
{
    size_t n = per_chunk(s);
    struct chunk *c = malloc(sizeof *c + n * s->size);

    if (c == NULL)
        return;
    c->next = s->chunks;
    s->chunks = c;
    memset(c->mem, 0, n * s->size);
    for (size_t i = n; i > 0; i--)
        push_free(s, c->mem + (i - 1) * s->size);
}

void *slab_take(struct slab *s)
{
    void *object;

    if (s->out >= s->max)
        return NULL;
    if (s->free_list == NULL)
        add_chunk(s);
    object = s->free_list;
    if (object == NULL)
        return NULL;
    memcpy(&s->free_list, object, sizeof s->free_list);
    memset(object, 0, sizeof s->free_list); /* the rest is zero already */
    s->out++;
    return object;
}

void slab_give(struct slab *s, void *object)
{
    WEIR_ASSERT(object != NULL && s->out > 0);
    s->out--;
    memset(object, 0, s->size); /* a stale pointer finds no magic */
    push_free(s, object);
}
