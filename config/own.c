/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot of the settings owns: its memory, freed at once with it, and where each value
 * came from.  A field is known by its address, which does not change: arrays are made at their
 * final size.
 */
#include <stdlib.h>

#include "conf_priv.h"
#include "weir/base/assert.h"

struct own_block {
    struct own_block *next;
    max_align_t bytes[];
};

void *conf_alloc(struct settings *s, size_t n, size_t size)
{
    struct conf_own *own = s->origins;
    struct own_block *b;

    WEIR_ASSERT(size == 0 || n <= (SIZE_MAX - sizeof *b) / size);
    b = calloc(1, sizeof *b + n * size);
    if (b == NULL) {
        own->failed = true;
        return NULL;
    }
    b->next = own->blocks;
    own->blocks = b;
    return b->bytes;
}

char *conf_copy(struct settings *s, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = conf_alloc(s, n, 1);

    return copy == NULL ? (char *)(uintptr_t) "" : memcpy(copy, text, n); /* never written to */
}

struct settings *conf_settings_new(void)
{
    struct settings *s = calloc(1, sizeof *s);
    struct conf_own *own = calloc(1, sizeof *own);

    if (s == NULL || own == NULL) {
        free(s);
        free(own);
        return NULL;
    }
    s->origins = own;
    return s;
}

bool conf_settings_failed(const struct settings *s)
{
    const struct conf_own *own = s->origins;

    return own->failed;
}

void settings_destroy(struct settings **s)
{
    struct conf_own *own;

    if (*s == NULL)
        return;
    own = (*s)->origins;
    for (struct own_block *b = own->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(own->origins);
    free(own);
    free(*s);
    *s = NULL;
}

static bool grow(struct conf_own *own)
{
    size_t room = own->room == 0 ? 64 : own->room * 2;
    struct conf_origin *more = realloc(own->origins, room * sizeof *more);

    if (more == NULL)
        return false;
    own->origins = more;
    own->room = room;
    return true;
}

void conf_origin_add(struct settings *s, const void *field, bool item, const char *file, int line)
{
    struct conf_own *own = s->origins;
    const char *last = own->n == 0 ? "" : own->origins[own->n - 1].file;

    /* The name has to outlive the text it came with; neighbours mostly share it. */
    file = strcmp(file, last) == 0 ? last : conf_copy(s, file);
    if (own->n == own->room && !grow(own)) {
        own->failed = true;
        return;
    }
    own->origins[own->n++] = (struct conf_origin){field, item, file, line};
}

static int compare_origins(const void *a, const void *b)
{
    const struct conf_origin *x = a, *y = b;
    uintptr_t p = (uintptr_t)x->field, q = (uintptr_t)y->field;

    if (p != q)
        return p < q ? -1 : 1;
    return (int)x->item - (int)y->item;
}

void conf_origins_sort(struct settings *s)
{
    struct conf_own *own = s->origins;

    if (own->n > 0)
        qsort(own->origins, own->n, sizeof own->origins[0], compare_origins);
}

const struct conf_origin *conf_origin_of(const struct settings *s, const void *field, bool item)
{
    const struct conf_own *own = s->origins;
    struct conf_origin key = {.field = field, .item = item};

    if (own->n == 0)
        return NULL;
    return bsearch(&key, own->origins, own->n, sizeof own->origins[0], compare_origins);
}
