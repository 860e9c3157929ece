/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of fields: put together, kept, restored, written as lines.  Pure. */
#include "weir/http/field_list.h"

#include <string.h>

#include "weir/base/assert.h"

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

static char *put_line(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    *at++ = ':';
    *at++ = ' ';
    at = put(at, value);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

/* As a line, so that those that are made one behind the other are written at once. */
void field_add_copy(struct field_list *l, struct slice name, struct slice value)
{
    char *at = l->made.at + l->made.len;
    size_t need = name.len + value.len + 4;

    if (need >= l->made.cap - l->made.len) {
        l->full = true;
        return;
    }
    *put_line(at, name, value) = '\0';
    l->made.len += need;
    field_add(l, slice_of(at, name.len), slice_of(at + name.len + 2, value.len));
}

/* Does it stand as "name: value" where it came from? */
static bool is_line(const struct http_field *f)
{
    const char *colon = f->name.p + f->name.len;

    return f->value.p == colon + 2 && colon[0] == ':' && colon[1] == ' ';
}

/* Is b the line behind the line a? */
static bool follows(const struct http_field *a, const struct http_field *b)
{
    const char *end = a->value.p + a->value.len;

    return b->name.p == end + 2 && end[0] == '\r' && end[1] == '\n' && is_line(b);
}

/* The bytes are there: their number is in field_list_lines_len.  Lines that were received one
 * behind the other are copied at once. */
static char *put_lines(char *at, const struct http_field *f, size_t n)
{
    for (size_t i = 0, next; i < n; i = next) {
        next = i + 1;
        if (!is_line(&f[i])) {
            at = put_line(at, f[i].name, f[i].value);
            continue;
        }
        while (next < n && follows(&f[next - 1], &f[next]))
            next++;
        at = put(at, slice_of(f[i].name.p,
                              (size_t)(f[next - 1].value.p + f[next - 1].value.len - f[i].name.p)));
        *at++ = '\r';
        *at++ = '\n';
    }
    return at;
}

void field_list_lines(const struct field_list *l, struct text *to)
{
    size_t need = field_list_lines_len(l);

    if (need >= to->cap - to->len) {
        to->full = true;
        return;
    }
    if (l->lines.len > 0) {
        text_put(to, l->lines);
        return;
    }
    (void)put_lines(to->at + to->len, l->at, l->n);
    to->len += need;
    to->at[to->len] = '\0';
}

enum weir_status field_list_keep(const struct field_list *l, struct buf *to, size_t max)
{
    size_t need = field_list_lines_len(l), room;
    enum weir_status rc;
    char *mem;

    if (l->full)
        return WEIR_LIMIT;
    rc = buf_reserve(to, need, max, &mem, &room);
    if (rc != WEIR_OK)
        return rc;
    (void)put_lines(mem, l->at, l->n);
    buf_commit(to, need);
    return WEIR_OK;
}

/* Adds the field that the first of the lines is, and takes it from them. */
static void read_line(struct field_list *l, struct slice *lines)
{
    const char *colon = memchr(lines->p, ':', lines->len);
    const char *end = memchr(colon, '\r', (size_t)(lines->p + lines->len - colon));

    field_add(l, slice_of(lines->p, (size_t)(colon - lines->p)),
              slice_of(colon + 2, (size_t)(end - colon - 2)));
    *lines = slice_from(*lines, (size_t)(end + 2 - lines->p));
}

void field_list_restore(struct field_list *l, struct slice kept, size_t aside)
{
    WEIR_ASSERT(l->n == 0 && aside <= l->max);
    for (size_t i = 0; i < aside; i++)
        read_line(l, &kept);
    l->at += aside;
    l->n = 0;
    l->max -= aside;
    l->lines = kept;
}

void field_list_read(struct field_list *l)
{
    struct slice lines = l->lines, rest = lines;

    if (l->n > 0)
        return;
    while (rest.len > 0 && !l->full)
        read_line(l, &rest);
    l->lines = lines;
}
