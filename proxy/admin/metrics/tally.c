/* SPDX-License-Identifier: Apache-2.0 */
/* Counts transitions of breakers.  Control thread. */
#include "metrics/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/log.h"

struct tally {
    struct tally_row rows[TALLY_MAX];
    size_t n;
    bool complained;
};

struct tally *tally_create(void)
{
    return calloc(1, sizeof(struct tally));
}

void tally_destroy(struct tally **t)
{
    free(*t);
    *t = NULL;
}

static bool fits(const struct tally_row *r, const struct control_event *e)
{
    return r->from == e->from && r->to == e->to && strcmp(r->cause, e->cause) == 0 &&
           strcmp(r->upstream, e->upstream) == 0 && strcmp(r->pool, e->pool) == 0;
}

static struct tally_row *find(struct tally *t, const struct control_event *e)
{
    struct tally_row *r;

    for (size_t i = 0; i < t->n; i++) {
        if (fits(&t->rows[i], e))
            return &t->rows[i];
    }
    if (t->n == TALLY_MAX)
        return NULL;
    r = &t->rows[t->n++];
    (void)snprintf(r->pool, sizeof r->pool, "%s", e->pool);
    (void)snprintf(r->upstream, sizeof r->upstream, "%s", e->upstream);
    (void)snprintf(r->cause, sizeof r->cause, "%s", e->cause);
    r->from = e->from;
    r->to = e->to;
    return r;
}

void tally_count(struct tally *t, const struct control_event *e)
{
    struct tally_row *r;

    if (e->from == e->to)
        return;
    r = find(t, e);
    if (r != NULL) {
        r->n++;
    } else if (!t->complained) {
        t->complained = true;
        log_warn("admin: more than %d kinds of transitions: the metric counts no new ones",
                 TALLY_MAX);
    }
}

size_t tally_rows(const struct tally *t, const struct tally_row **rows)
{
    *rows = t->rows;
    return t->n;
}

#define ROW(field, max) PACK_WHOLE(struct tally_row, field, max)
#define TEXT(field)     PACK_TEXT(struct tally_row, field)

static const struct pack_row kept[] = {
    TEXT(pool),
    TEXT(upstream),
    TEXT(cause),
    ROW(from, BREAKER_STATE_COUNT - 1),
    ROW(to, BREAKER_STATE_COUNT - 1),
    ROW(n, UINT64_MAX),
};

void tally_keep(const struct tally *t, struct packer *p)
{
    pack_number(p, t->n, 2);
    for (size_t i = 0; i < t->n; i++)
        pack_object(p, &t->rows[i], kept, sizeof kept / sizeof kept[0]);
}

void tally_restore(struct tally *t, struct unpacker *u)
{
    uint64_t n = unpack_at_most(u, 2, TALLY_MAX);

    for (t->n = 0; t->n < n; t->n++) {
        unpack_object(u, &t->rows[t->n], kept, sizeof kept / sizeof kept[0]);
        if (u->bad)
            return;
    }
}
