/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of fields: put together, kept, restored, written as lines.  Pure. */
#include "weir/http/field_list.h"

#include <string.h>

#include "weir/base/assert.h"

/* How long a kept field is. */
struct kept_field {
    uint32_t name_len, value_len;
};

void field_list_init(struct field_list *l, struct http_field *at, size_t max, char *mem,
                     size_t room)
{
    l->at = at;
    l->n = 0;
    l->max = max;
    l->lines = SLICE_NONE;
    l->full = false;
    text_init(&l->made, mem, room);
}

struct text *field_begin(struct field_list *l, struct slice name)
{
    field_add(l, name, slice_of(l->made.at + l->made.len, 0));
    return &l->made;
}

void field_end(struct field_list *l)
{
    if (l->made.full)
        l->full = true;
    if (!l->full)
        l->at[l->n - 1].value.len = (size_t)(l->made.at + l->made.len - l->at[l->n - 1].value.p);
}

void field_add_copy(struct field_list *l, struct slice name, struct slice value)
{
    text_put(field_begin(l, name), value);
    field_end(l);
}

struct slice field_list_find(const struct field_list *l, struct slice name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (slice_eq_nocase(l->at[i].name, name))
            return l->at[i].value;
    }
    return SLICE_NONE;
}

size_t field_list_lines_len(const struct field_list *l)
{
    size_t n = 0;

    if (l->lines.len > 0)
        return l->lines.len;
    for (size_t i = 0; i < l->n; i++)
        n += l->at[i].name.len + l->at[i].value.len + 4;
    return n;
}

static char *put(char *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

/* The line's bytes are there: its length is in field_list_lines_len. */
static char *put_line(char *at, const struct http_field *f)
{
    at = put(at, f->name);
    *at++ = ':';
    *at++ = ' ';
    at = put(at, f->value);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

void field_list_lines(const struct field_list *l, struct text *to)
{
    size_t need = field_list_lines_len(l);
    char *at = to->at + to->len;

    if (need >= to->cap - to->len) {
        to->full = true;
        return;
    }
    if (l->lines.len > 0) {
        text_put(to, l->lines);
        return;
    }
    for (size_t i = 0; i < l->n; i++)
        at = put_line(at, &l->at[i]);
    to->len += need;
    to->at[to->len] = '\0';
}

/* Kept: how many there are, how long their names and values are, then all of them as lines. */
enum weir_status field_list_keep(const struct field_list *l, struct buf *to, size_t max)
{
    size_t index = sizeof(struct kept_field) * (l->n + 1), room;
    size_t need = index + field_list_lines_len(l);
    struct kept_field k = {(uint32_t)l->n, 0};
    enum weir_status rc;
    char *mem, *at;

    if (l->full)
        return WEIR_LIMIT;
    rc = buf_reserve(to, need, max, &mem, &room);
    if (rc != WEIR_OK)
        return rc;
    memcpy(mem, &k, sizeof k);
    at = mem + index;
    for (size_t i = 0; i < l->n; i++) {
        k = (struct kept_field){(uint32_t)l->at[i].name.len, (uint32_t)l->at[i].value.len};
        memcpy(mem + (i + 1) * sizeof k, &k, sizeof k);
        at = put_line(at, &l->at[i]);
    }
    buf_commit(to, need);
    return WEIR_OK;
}

static struct kept_field kept_at(struct slice kept, size_t i)
{
    struct kept_field k;

    WEIR_ASSERT(kept.len >= (i + 1) * sizeof k);
    memcpy(&k, kept.p + i * sizeof k, sizeof k);
    return k;
}

void field_list_restore(struct field_list *l, struct slice kept, size_t aside)
{
    size_t n = kept_at(kept, 0).name_len;
    struct slice rest = slice_from(kept, (n + 1) * sizeof(struct kept_field));
    struct slice lines = rest;

    WEIR_ASSERT(l->n == 0 && aside <= n);
    for (size_t i = 0; i < n; i++) {
        struct kept_field k = kept_at(kept, i + 1);
        size_t len = (size_t)k.name_len + k.value_len + 4;

        WEIR_ASSERT(rest.len >= len);
        field_add(l, slice_of(rest.p, k.name_len), slice_of(rest.p + k.name_len + 2, k.value_len));
        rest = slice_from(rest, len);
        if (i + 1 == aside)
            lines = rest;
    }
    if (l->full)
        return;
    l->at += aside;
    l->n -= aside;
    l->max -= aside;
    l->lines = lines;
}
