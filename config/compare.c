/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two settings differ in, key by key.  The keys of elements that have a name hold it, so that
 * their order in the file does not matter; others are compared place by place.
 */
#include <stdlib.h>

#include "conf_priv.h"
#include "weir/conf/compare.h"

struct line {
    char *key, *value, *from;
};
struct lines {
    struct line *list;
    size_t n, room;
    bool failed; /* no memory */
};

static void collect(const char *key, const char *value, const char *origin, void *arg)
{
    struct lines *l = arg;
    struct line *grown, *line;

    if (l->failed)
        return;
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 256 : 2 * l->room;

        grown = realloc(l->list, room * sizeof *grown);
        if (grown == NULL) {
            l->failed = true;
            return;
        }
        l->list = grown;
        l->room = room;
    }
    line = &l->list[l->n++];
    *line = (struct line){strdup(key), strdup(value), strdup(origin)};
    l->failed = line->key == NULL || line->value == NULL || line->from == NULL;
}

static void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->list[i].key);
        free(l->list[i].value);
        free(l->list[i].from);
    }
    free(l->list);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

static const struct line *find(const struct lines *sorted, const struct line *like)
{
    return sorted->n == 0 ? NULL : bsearch(like, sorted->list, sorted->n, sizeof *like, by_key);
}

static bool is_default(const struct line *l)
{
    return strcmp(l->from, "default") == 0;
}

/* Of an element that came or went, what was set is said and what was left alone is not. */
static void tell(const struct lines *from, const struct lines *sorted, bool gone,
                 void (*fn)(const struct conf_change *change, void *arg), void *arg)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct line *l = &from->list[i], *other = find(sorted, l);
        struct conf_change c = {.key = l->key, .is = l->value, .from = l->from};

        if (gone) {
            c = (struct conf_change){.key = l->key, .was = l->value, .from = l->from};
            if (other == NULL && !is_default(l))
                fn(&c, arg);
        } else if (other == NULL ? !is_default(l) : strcmp(other->value, l->value) != 0) {
            c.was = other == NULL ? NULL : other->value;
            fn(&c, arg);
        }
    }
}

/* The same lines in the order of their keys; they stay l's. */
static struct lines sorted(const struct lines *l)
{
    struct lines s = {.n = l->n, .list = malloc((l->n + 1) * sizeof *s.list)};

    s.failed = l->failed || s.list == NULL; /* of a line that failed, parts are missing */
    if (!s.failed) {
        memcpy(s.list, l->list, l->n * sizeof *s.list);
        qsort(s.list, s.n, sizeof *s.list, by_key);
    }
    return s;
}

bool conf_compare(const struct settings *now, const struct settings *next,
                  void (*fn)(const struct conf_change *change, void *arg), void *arg)
{
    struct lines was = {0}, is = {0}, was_sorted, is_sorted;
    bool ok;

    conf_dump(now, collect, &was);
    conf_dump(next, collect, &is);
    was_sorted = sorted(&was);
    is_sorted = sorted(&is);
    ok = !was.failed && !is.failed && !was_sorted.failed && !is_sorted.failed;
    if (ok) {
        tell(&is, &was_sorted, false, fn, arg);
        tell(&was, &is_sorted, true, fn, arg);
    }
    free(was_sorted.list);
    free(is_sorted.list);
    lines_free(&was);
    lines_free(&is);
    return ok;
}
