/* SPDX-License-Identifier: Apache-2.0 */
/* The events that are kept.  A plain array: they are few, and some are taken out of its middle. */
#include "control/journal.h"

#include <string.h>

static void remove_at(struct journal *l, size_t i)
{
    memmove(&l->at[i], &l->at[i + 1], (l->n - i - 1) * sizeof l->at[0]);
    l->n--;
}

struct control_event *journal_add(struct journal *l)
{
    struct control_event *e;

    if (l->n == EVENTS_KEPT)
        remove_at(l, 0);
    e = &l->at[l->n++];
    *e = (struct control_event){.seq = ++l->seq, .times = 1, .pool = "", .upstream = ""};
    return e;
}

void journal_put_before(struct journal *l, const struct control_event *older, size_t n,
                        uint64_t seq)
{
    size_t room = EVENTS_KEPT - l->n, some = n < room ? n : room;

    memmove(&l->at[some], &l->at[0], l->n * sizeof l->at[0]);
    memcpy(&l->at[0], older + (n - some), some * sizeof l->at[0]);
    l->n += some;
    l->seq += seq;
    for (size_t i = some; i < l->n; i++)
        l->at[i].seq += seq;
}

static bool is(const struct control_event *e, enum breaker_state from, enum breaker_state to)
{
    return e->from == from && e->to == to;
}

/* The newest change of state before `at` that is of the same upstream; -1 if there is none. */
static long before(const struct journal *l, size_t at)
{
    const struct control_event *of = &l->at[at];

    for (size_t i = at; i > 0; i--) {
        const struct control_event *e = &l->at[i - 1];
        if (e->from != e->to && strcmp(e->pool, of->pool) == 0 &&
            strcmp(e->upstream, of->upstream) == 0)
            return (long)i - 1;
    }
    return -1;
}

struct control_event *journal_fold(struct journal *l)
{
    struct control_event *e = &l->at[l->n - 1];
    long probing, failed;

    e->first_wall_ns = e->at_wall_ns;
    if (!is(e, BREAKER_HALF_OPEN, BREAKER_OPEN))
        return e;
    probing = before(l, l->n - 1);
    failed = probing <= 0 ? -1 : before(l, (size_t)probing);
    if (failed < 0 || !is(&l->at[probing], BREAKER_OPEN, BREAKER_HALF_OPEN) ||
        !is(&l->at[failed], BREAKER_HALF_OPEN, BREAKER_OPEN))
        return e;
    e->times = l->at[failed].times + 1;
    e->first_wall_ns = l->at[failed].first_wall_ns;
    remove_at(l, (size_t)probing);
    remove_at(l, (size_t)failed);
    return &l->at[l->n - 1];
}
