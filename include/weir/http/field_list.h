/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_FIELD_LIST_H
#define WEIR_HTTP_FIELD_LIST_H

#include "weir/base/buf.h"
#include "weir/http/head.h"

/*
 * The fields of a head on their way to whoever frames them, HTTP/1 or HTTP/2: slices into bytes of
 * somebody else (a received head, words of the program) or into `made`, for values that are put
 * together.  Framing, Connection and pseudo fields are never among them.  Both memories are the
 * caller's; `full` says that one of them was too small, and the list is not to be used.
 */
struct field_list {
    struct http_field *at;
    size_t n, max;
    struct text made;
    struct slice lines; /* all of the fields as HTTP/1 lines, where they are known; else NONE */
    bool full;
};

void field_list_init(struct field_list *l, struct http_field *at, size_t max, char *mem,
                     size_t room);

/* Borrows both: they live as long as the list is used. */
static inline void field_add(struct field_list *l, struct slice name, struct slice value)
{
    struct http_field *f = &l->at[l->n];

    if (l->n == l->max) {
        l->full = true;
        return;
    }
    l->n++;
    l->lines.len = 0;
    f->name = name;
    f->value = value;
    f->id = FIELD_OTHER;
    f->hop = false;
}
/* Copies both. */
void field_add_copy(struct field_list *l, struct slice name, struct slice value);
/* A value in pieces: what is written to the text between field_begin and field_end. */
struct text *field_begin(struct field_list *l, struct slice name);
void field_end(struct field_list *l);

/* How many bytes the fields take as HTTP/1 lines. */
size_t field_list_lines_len(const struct field_list *l);
/* The fields as HTTP/1 lines, "name: value" CR LF each. */
void field_list_lines(const struct field_list *l, struct text *to);

/*
 * The list as bytes that can be kept beyond the callback, at the end of `to`; WEIR_LIMIT above max
 * bytes, WEIR_NO_MEMORY.  And back, into an empty list: `kept` are exactly these bytes, which the
 * list borrows; as lines alone, for whoever writes HTTP/1, until field_list_read makes fields of
 * them.  The first `aside` fields are not part of the list that comes back, but are found before
 * its first.  Names have no ':', values no CR.
 */
enum weir_status field_list_keep(const struct field_list *l, struct buf *to,
                                 size_t max) WEIR_MUST_CHECK;
void field_list_restore(struct field_list *l, struct slice kept, size_t aside);
void field_list_read(struct field_list *l);

#endif
