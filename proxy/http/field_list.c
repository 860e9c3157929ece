/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of fields: put together, kept, restored, written as lines.  Pure. */
#include "weir/http/field_list.h"

#include <string.h>

#include "weir/base/assert.h"

/* Before each kept field: how long its name and value are. */
struct kept_field {
    uint32_t name_len, value_len;
};

void field_list_init(struct field_list *l, struct http_field *at, size_t max, char *mem,
                     size_t room)
{
    l->at = at;
    l->n = 0;
    l->max = max;
    l->full = false;
    text_init(&l->made, mem, room);
}

void field_add(struct field_list *l, struct slice name, struct slice value)
{
    struct http_field *f;

    if (l->n == l->max) {
        l->full = true;
        return;
    }
    f = &l->at[l->n++];
    f->name = name;
    f->value = value;
    f->id = FIELD_OTHER;
    f->hop = false;
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

    for (size_t i = 0; i < l->n; i++)
        n += l->at[i].name.len + l->at[i].value.len + 4;
    return n;
}

void field_list_lines(const struct field_list *l, struct text *to)
{
    for (size_t i = 0; i < l->n; i++) {
        text_put(to, l->at[i].name);
        text_str(to, ": ");
        text_put(to, l->at[i].value);
        text_str(to, "\r\n");
    }
}

static size_t kept_len(const struct field_list *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += sizeof(struct kept_field) + l->at[i].name.len + l->at[i].value.len;
    return n;
}

static char *put(char *at, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(at, bytes, n);
    return at + n;
}

enum weir_status field_list_keep(const struct field_list *l, struct buf *to, size_t max)
{
    size_t need = kept_len(l), room;
    enum weir_status rc;
    char *at;

    if (l->full)
        return WEIR_LIMIT;
    rc = need == 0 ? WEIR_OK : buf_reserve(to, need, max, &at, &room);
    if (rc != WEIR_OK || need == 0)
        return rc;
    for (size_t i = 0; i < l->n; i++) {
        const struct http_field *f = &l->at[i];
        struct kept_field k = {(uint32_t)f->name.len, (uint32_t)f->value.len};

        at = put(at, &k, sizeof k);
        at = put(at, f->name.p, f->name.len);
        at = put(at, f->value.p, f->value.len);
    }
    buf_commit(to, need);
    return WEIR_OK;
}

void field_list_restore(struct field_list *l, struct slice kept)
{
    while (kept.len > 0) {
        struct kept_field k;
        struct slice rest;

        WEIR_ASSERT(kept.len >= sizeof k);
        memcpy(&k, kept.p, sizeof k);
        rest = slice_from(kept, sizeof k);
        WEIR_ASSERT(rest.len >= (size_t)k.name_len + k.value_len);
        field_add(l, slice_of(rest.p, k.name_len), slice_of(rest.p + k.name_len, k.value_len));
        kept = slice_from(rest, (size_t)k.name_len + k.value_len);
    }
}
