/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the old process of a hot restart has seen, and the next one is asked about: events, the last
 * refusals for `why`, what the admin side remembers.  Writer and reader of each stand together.
 */
#include <stdio.h>
#include <stdlib.h>

#include "control/handed_priv.h"
#include "weir/base/text.h"
#include "weir/decide/cooldown.h"

enum { REFUSALS_MAX = 2048 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Nobody's bytes go to a terminal as they are. */
static void clean(char *out, size_t room)
{
    char was[256];
    struct text t;

    (void)snprintf(was, sizeof was, "%s", out);
    text_init(&t, out, room);
    text_shown(&t, slice_str(was));
}

/* --- events */

#define EVENT(field, max) PACK_WHOLE(struct control_event, field, max)

static const struct pack_row event_rows[] = {
    EVENT(seq, UINT64_MAX / 2),
    EVENT(at_wall_ns, UINT64_MAX),
    EVENT(times, UINT32_MAX),
    EVENT(first_wall_ns, UINT64_MAX),
    EVENT(from, BREAKER_STATE_COUNT - 1),
    EVENT(to, BREAKER_STATE_COUNT - 1),
    EVENT(requests, UINT32_MAX),
    EVENT(failed, UINT32_MAX),
    EVENT(consecutive, UINT32_MAX),
    EVENT(window_ns, UINT64_MAX),
    PACK_REAL(struct control_event, share),
    PACK_TEXT(struct control_event, cause),
    PACK_TEXT(struct control_event, sentence),
};

void handed_events_write(struct control *c, struct packer *p)
{
    const struct journal *l = &c->events;

    control_take_pool_events(c);
    pack_number(p, l->seq, 8);
    for (size_t i = 0; i < l->n; i++) {
        pack_text(p, l->at[i].pool);
        pack_text(p, l->at[i].upstream);
        pack_object(p, &l->at[i], event_rows, COUNT(event_rows));
    }
}

/* Events point at names that live as long as the process; "": the settings have none of it. */
static void name_event(const struct control *c, struct slice pool, struct slice upstream,
                       struct control_event *e)
{
    const struct snapshot_pool *p = snapshot_pool_named(c->snapshot, pool);
    const struct snapshot_upstream *u = p == NULL ? NULL : snapshot_upstream_named(p, upstream);

    e->pool = p == NULL ? "" : c->names.pools[p->slot];
    e->upstream = u == NULL ? "" : c->names.upstreams[u->slot];
}

void handed_events_read(struct control *c, struct unpacker *u)
{
    struct control_event *list = calloc(EVENTS_KEPT, sizeof *list);
    uint64_t newest = unpack_at_most(u, 8, UINT64_MAX / 2);
    size_t n = 0;

    while (list != NULL && !u->bad && u->rest.len > 0 && n < EVENTS_KEPT) {
        struct slice pool = unpack_text(u), upstream = unpack_text(u);
        struct control_event *e = &list[n];

        unpack_object(u, e, event_rows, COUNT(event_rows));
        u->bad = u->bad || e->seq > newest || (n > 0 && e->seq <= list[n - 1].seq);
        if (u->bad)
            break;
        clean(e->cause, sizeof e->cause);
        clean(e->sentence, sizeof e->sentence);
        name_event(c, pool, upstream, e);
        n++;
    }
    journal_put_before(&c->events, list, n, n == 0 ? 0 : list[n - 1].seq);
    free(list);
}

/* --- refusals */

#define RECORD(field, max) PACK_WHOLE(struct request_record, field, max)

static const struct pack_row record_rows[] = {
    RECORD(at_wall_ns, UINT64_MAX),
    PACK_TEXT(struct request_record, id),
    PACK_TEXT(struct request_record, upstream_id),
    PACK_TEXT(struct request_record, client),
    RECORD(user, UINT64_MAX),
    RECORD(class, CLASS_COUNT - 1),
    RECORD(decision, DECISION_COUNT - 1),
    RECORD(cause, CAUSE_COUNT - 1),
    RECORD(outcome, OUTCOME_COUNT - 1),
    RECORD(has_outcome, 1),
    RECORD(numbers.rule, RULE_COUNT - 1),
    RECORD(numbers.observed, RULE_COUNT - 1),
    RECORD(numbers.inflight, UINT32_MAX),
    RECORD(numbers.pending, UINT32_MAX),
    PACK_REAL(struct request_record, numbers.limit_streams),
    PACK_REAL(struct request_record, numbers.limit_pending),
    PACK_REAL(struct request_record, numbers.share),
    PACK_REAL(struct request_record, numbers.doubt),
    RECORD(numbers.shown, 1),
    RECORD(numbers.whose, COOLDOWN_OF_ALL),
    RECORD(numbers.on, UINT32_MAX),
    RECORD(numbers.late, UINT32_MAX),
    RECORD(numbers.overtaken, UINT32_MAX),
    RECORD(numbers.alone, UINT32_MAX),
    RECORD(numbers.queued, UINT32_MAX),
    RECORD(numbers.waited_ns, UINT64_MAX),
    RECORD(numbers.user_places, UINT32_MAX),
    RECORD(numbers.user_most, UINT32_MAX),
    RECORD(numbers.retry_after_ms, UINT32_MAX),
    RECORD(limit.used, UINT64_MAX),
    RECORD(limit.most, UINT64_MAX),
    RECORD(limit.wait_ms, UINT32_MAX),
    RECORD(limit.rule, UINT8_MAX),
    RECORD(limit.limit, QUOTA_LIMITS - 1),
    RECORD(status, 999),
    RECORD(client_retry, UINT32_MAX),
    RECORD(retries, UINT32_MAX),
    RECORD(queue_ns, UINT64_MAX),
    RECORD(connect_ns, UINT64_MAX),
    RECORD(ttft_ns, UINT64_MAX),
    RECORD(duration_ns, UINT64_MAX),
    RECORD(events, UINT32_MAX),
    RECORD(bytes_in, UINT64_MAX),
    RECORD(bytes_out, UINT64_MAX),
    PACK_REAL(struct request_record, pace_ns),
    PACK_TEXT(struct request_record, method),
};

/* The upstream that the numbers are about is one of theirs: it matters only that there is one. */
static void put_refusal(struct packer *p, const struct request_record *r)
{
    pack_number(p, (uint16_t)r->pool, 2);
    pack_number(p, (uint16_t)r->upstream, 2);
    pack_number(p, r->numbers.upstream >= 0, 1);
    pack_object(p, r, record_rows, COUNT(record_rows));
}

static const struct request_record *ago(const struct why_ring *w, uint32_t i)
{
    return &w->records[(w->next + w->size - 1 - i) % w->size];
}

void handed_refusals_write(struct control *c, struct packer *p)
{
    const struct why_ring *w = &c->why;
    uint32_t n = 0, i = 0;

    while (i < w->used && n < REFUSALS_MAX)
        n += ago(w, i++)->cause != CAUSE_NONE;
    while (i-- > 0) {
        if (ago(w, i)->cause != CAUSE_NONE)
            put_refusal(p, ago(w, i));
    }
}

static int16_t ours(const int16_t *slots, size_t n, uint64_t theirs)
{
    return theirs < n ? slots[theirs] : -1;
}

void handed_refusals_read(struct control *c, struct unpacker *u)
{
    while (!u->bad && u->rest.len > 0) {
        uint64_t pool = unpack_number(u, 2), upstream = unpack_number(u, 2);
        bool about = unpack_at_most(u, 1, 1) == 1;
        struct request_record r = {.route = -1};

        unpack_object(u, &r, record_rows, COUNT(record_rows));
        if (u->bad)
            return;
        clean(r.id, sizeof r.id);
        clean(r.upstream_id, sizeof r.upstream_id);
        clean(r.client, sizeof r.client);
        clean(r.method, sizeof r.method);
        r.pool = ours(c->handed.pool, COUNT(c->handed.pool), pool);
        r.upstream = ours(c->handed.upstream, COUNT(c->handed.upstream), upstream);
        r.numbers.upstream = about ? 0 : -1;
        r.method_len = (uint8_t)strlen(r.method);
        why_ring_add(&c->why, &r);
    }
}

/* --- the admin side */

void handed_admin_write(struct control *c, struct packer *p)
{
    if (c->start.admin_keep != NULL)
        p->ok = p->ok && c->start.admin_keep(p->b, c->start.arg);
}

void handed_admin_read(struct control *c, struct unpacker *u)
{
    if (c->start.admin_restore != NULL)
        c->start.admin_restore(u->rest, c->start.arg);
    (void)unpack_bytes(u, u->rest.len);
}
