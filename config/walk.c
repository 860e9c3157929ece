/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the settings table over a snapshot, in the order of the rows, lists element by element. The
 * depth is the table's own (listeners, tls, sni is the deepest), so the stack is a small array.
 */
#include "conf_priv.h"
#include "weir/base/assert.h"

void conf_walk_begin(struct conf_walk *w, struct settings *s)
{
    *w = (struct conf_walk){.depth = 0};
    w->frame[0] = (struct walk_frame){.table = &conf_root, .n_items = 1, .base = (char *)s};
}

static size_t count_of(const struct conf_row *row, const char *base)
{
    size_t n;

    memcpy(&n, base + row->at_n, sizeof n);
    return n;
}

static char *array_of(const struct conf_row *row, const char *base)
{
    char *array;

    memcpy(&array, base + row->at, sizeof array);
    return array;
}

/* Descends by the row just visited; the caller has filled in the list, if it is one. */
static bool enter(struct conf_walk *w)
{
    struct walk_frame *top = conf_walk_top(w);
    const struct conf_row *row = &top->table->rows[top->row - 1];
    struct walk_frame next = {.table = row->table, .n_items = 1, .base = top->base + row->at};

    if (row->type == CONF_LIST) {
        next.list = row;
        next.n_items = count_of(row, top->base);
        next.base = array_of(row, top->base);
    }
    if (next.n_items == 0)
        return false;
    WEIR_ASSERT(w->depth + 1 < CONF_DEPTH);
    w->frame[++w->depth] = next;
    return true;
}

static enum conf_walk_event leave(struct conf_walk *w)
{
    struct walk_frame *top = conf_walk_top(w);

    if (w->depth == 0)
        return WALK_END;
    if (top->item + 1 < top->n_items) {
        top->item++;
        top->row = 0;
        top->base += top->table->size;
        return WALK_ENTER;
    }
    w->depth--;
    return WALK_LEAVE;
}

enum conf_walk_event conf_walk_next(struct conf_walk *w)
{
    struct walk_frame *top = conf_walk_top(w);

    if (w->enter) {
        w->enter = false;
        if (enter(w))
            return WALK_ENTER;
    }
    if (top->row == top->table->n)
        return leave(w);
    w->enter = top->table->rows[top->row].table != NULL;
    top->row++;
    return WALK_ROW;
}

static const char *name_of(const struct walk_frame *f)
{
    const struct conf_row *first = &f->table->rows[0];
    const char *name;

    if (strcmp(first->key, "name") != 0)
        return NULL;
    memcpy(&name, f->base + first->at, sizeof name);
    return name != NULL && name[0] != '\0' && first->form->wrong(name, NULL, 0) == NULL ? name
                                                                                        : NULL;
}

void conf_walk_path(const struct conf_walk *w, const char *key, char out[CONF_PATH_MAX])
{
    struct text t;

    text_init(&t, out, CONF_PATH_MAX);
    for (int d = 1; d <= w->depth; d++) {
        const struct walk_frame *above = &w->frame[d - 1], *f = &w->frame[d];
        const char *name = f->list != NULL ? name_of(f) : NULL;

        text_printf(&t, "%s%s", d == 1 ? "" : ".", above->table->rows[above->row - 1].key);
        if (name != NULL)
            text_printf(&t, "[%s]", name);
        else if (f->list != NULL)
            text_printf(&t, "[%zu]", f->item);
    }
    if (key != NULL)
        text_printf(&t, "%s%s", w->depth == 0 ? "" : ".", key);
}
