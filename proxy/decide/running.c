/* SPDX-License-Identifier: Apache-2.0 */
/* What a running process knows of an upstream, out of its structs as a row of numbers, and back. */
#include "weir/decide/running.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

/* WORD is a bool, PAST a time that has come, SOON one that may be to come. */
enum form { FORM_REAL, FORM_U8, FORM_U32, FORM_U64, FORM_WORD, FORM_PAST, FORM_SOON };

/* `n` of them, `step` bytes apart. */
struct running_row {
    size_t at;
    enum form form;
    unsigned n;
    size_t step;
    double most; /* of REAL, U8, U32; the least is 0 */
};

/* An operator's command ends 30 days from now at most. */
#define SOON_NS (UINT64_C(31) * 86400 * NS_PER_S)
#define MOST    1e9
#define U       struct upstream
#define ONE(field, form, most)                                                                     \
    {                                                                                              \
        offsetof(U, field), form, 1, 0, most                                                       \
    }
#define ROW(field, form, n, most)                                                                  \
    {                                                                                              \
        offsetof(U, field), form, n, sizeof(((U *)0)->field[0]), most                              \
    }
#define EACH(list, n, type, field, form, most)                                                     \
    {                                                                                              \
        offsetof(U, list) + offsetof(type, field), form, n, sizeof(type), most                     \
    }
#define WINDOW(w)                                                                                  \
    ONE(w.slice_ns, FORM_U64, 0), ONE(w.newest, FORM_U64, 0),                                      \
    {                                                                                              \
        offsetof(U, w.slice), FORM_U32, WINDOW_SLICES *WINDOW_COLUMNS, sizeof(uint32_t), MOST      \
    }
#define REFUSED(field, form, most)                                                                 \
    EACH(cooldown.entry, COOLDOWN_ENTRIES, struct cooldown_entry, field, form, most)

static const struct running_row rows[] = {
    ONE(breaker.state, FORM_U32, BREAKER_STATE_COUNT - 1),
    ONE(breaker.since_ns, FORM_PAST, 0),
    ONE(breaker.until_ns, FORM_SOON, 0),
    ONE(breaker.generation, FORM_U32, UINT32_MAX),
    ONE(breaker.trips, FORM_U32, UINT32_MAX),
    WINDOW(breaker.window),
    WINDOW(breaker.part[0]),
    WINDOW(breaker.part[1]),
    ONE(breaker.failed_in_row, FORM_U32, UINT32_MAX),
    ONE(breaker.cut_in_row, FORM_U32, UINT32_MAX),
    ROW(breaker.failed_of, FORM_U32, KINDS, UINT32_MAX),
    ROW(breaker.cut_of, FORM_U32, KINDS, UINT32_MAX),
    ONE(breaker.row, FORM_U32, UINT32_MAX),
    ONE(breaker.row_kinds, FORM_U8, UINT8_MAX),
    ONE(breaker.probe_kinds, FORM_U8, UINT8_MAX),
    ONE(breaker.probe_kind_ns, FORM_PAST, 0),
    ROW(breaker.ok_ns, FORM_PAST, BREAKER_PARTS, 0),
    ONE(breaker.content_ns, FORM_PAST, 0),
    ONE(breaker.good, FORM_U32, UINT32_MAX),
    ONE(breaker.ramp.share, FORM_REAL, 1),
    ONE(breaker.ramp.died_at, FORM_REAL, 1),
    ONE(breaker.ramp.rest_from_ns, FORM_PAST, 0),
    ONE(breaker.ramp.resting, FORM_WORD, 1),
    ONE(breaker.ramp.held, FORM_WORD, 1),
    ONE(breaker.ramp.on, FORM_U32, UINT32_MAX),
    ONE(breaker.ramp.late, FORM_U32, UINT32_MAX),
    ONE(breaker.ramp.fail, FORM_U32, UINT32_MAX),
    ONE(breaker.ramp.bad_steps, FORM_U32, UINT32_MAX),
    ONE(breaker.ramp.step_ns, FORM_PAST, 0),
    ONE(breaker.forced_open, FORM_WORD, 1),
    ONE(breaker.forced_closed, FORM_WORD, 1),
    ONE(breaker.by_hand, FORM_WORD, 1),
    ONE(breaker.health_bad, FORM_WORD, 1),
    ONE(breaker.vouched, FORM_WORD, 1),
    ONE(limiter.override, FORM_U32, 65535),
    ONE(limiter.gain, FORM_REAL, 8),
    ONE(limiter.proven, FORM_REAL, MOST),
    ROW(override_until_ns, FORM_SOON, OVERRIDE_COUNT, 0),
    ONE(cooldown.until_ns, FORM_SOON, 0),
    ONE(cooldown.latest_ns, FORM_SOON, 0),
    ONE(cooldown.refused.user, FORM_U64, 0),
    ONE(cooldown.refused.model, FORM_U64, 0),
    ONE(cooldown.refused.any_user, FORM_WORD, 1),
    ONE(cooldown.refused.any_model, FORM_WORD, 1),
    ONE(cooldown.refused_ns, FORM_PAST, 0),
    ONE(cooldown.refused_until_ns, FORM_SOON, 0),
    ONE(cooldown.users.key, FORM_U64, 0),
    ONE(cooldown.users.other, FORM_U64, 0),
    ONE(cooldown.users.at_ns, FORM_PAST, 0),
    ONE(cooldown.users.other_at_ns, FORM_PAST, 0),
    ONE(cooldown.models.key, FORM_U64, 0),
    ONE(cooldown.models.other, FORM_U64, 0),
    ONE(cooldown.models.at_ns, FORM_PAST, 0),
    ONE(cooldown.models.other_at_ns, FORM_PAST, 0),
    REFUSED(scope.user, FORM_U64, 0),
    REFUSED(scope.model, FORM_U64, 0),
    REFUSED(scope.any_user, FORM_WORD, 1),
    REFUSED(scope.any_model, FORM_WORD, 1),
    REFUSED(until_ns, FORM_SOON, 0),
    ONE(alive_ns, FORM_PAST, 0),
    ONE(last_stream_ns, FORM_PAST, 0),
    ONE(streamed, FORM_WORD, 1),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static uint64_t get(const void *at, enum form f)
{
    double x;
    uint64_t bits;

    switch (f) {
    case FORM_REAL:
        memcpy(&x, at, sizeof x);
        memcpy(&bits, &x, sizeof bits);
        return bits;
    case FORM_U8:
        return *(const uint8_t *)at;
    case FORM_U32:
        return *(const uint32_t *)at;
    case FORM_WORD:
        return *(const bool *)at;
    case FORM_U64:
    case FORM_PAST:
    case FORM_SOON:
        return *(const uint64_t *)at;
    }
    WEIR_UNREACHABLE("form");
}

static void set(void *at, enum form f, uint64_t x)
{
    switch (f) {
    case FORM_REAL:
        memcpy(at, &x, sizeof x);
        return;
    case FORM_U8:
        *(uint8_t *)at = (uint8_t)x;
        return;
    case FORM_U32:
        *(uint32_t *)at = (uint32_t)x;
        return;
    case FORM_WORD:
        *(bool *)at = x != 0;
        return;
    case FORM_U64:
    case FORM_PAST:
    case FORM_SOON:
        *(uint64_t *)at = x;
        return;
    }
    WEIR_UNREACHABLE("form");
}

static bool is_sound(uint64_t x, const struct running_row *row, uint64_t now_ns)
{
    double real;

    switch (row->form) {
    case FORM_REAL:
        memcpy(&real, &x, sizeof real);
        return real >= 0 && real <= row->most;
    case FORM_U8:
    case FORM_U32:
    case FORM_WORD:
        return (double)x <= row->most;
    case FORM_PAST:
        return x <= now_ns;
    case FORM_SOON:
        return x <= now_ns + SOON_NS;
    case FORM_U64:
        return true;
    }
    WEIR_UNREACHABLE("form");
}

void pool_keep_running(const struct pool *p, size_t upstream, struct running *out)
{
    const char *u = (const char *)&p->upstream[upstream];

    WEIR_ASSERT(upstream < p->n_upstreams);
    out->n = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < rows[i].n; k++) {
            WEIR_ASSERT(out->n < RUNNING_MAX);
            out->number[out->n++] = get(u + rows[i].at + k * rows[i].step, rows[i].form);
        }
    memcpy(out->cause, p->upstream[upstream].breaker.cause, sizeof out->cause);
}

static bool all_sound(const struct running *in, uint64_t now_ns)
{
    uint32_t n = 0;

    for (size_t i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < rows[i].n; k++, n++)
            if (n >= in->n || !is_sound(in->number[n], &rows[i], now_ns))
                return false;
    return n == in->n && memchr(in->cause, '\0', sizeof in->cause) != NULL;
}

/* One of another length, or of a time to come, begins empty. */
static void mend_window(struct window *w, const struct window *fresh, uint64_t now_ns)
{
    if (w->slice_ns != fresh->slice_ns || w->newest > now_ns / fresh->slice_ns) {
        *w = *fresh;
        return;
    }
    for (unsigned c = 0; c < WINDOW_COLUMNS; c++) {
        w->sum[c] = 0;
        for (int s = 0; s < WINDOW_SLICES; s++)
            w->sum[c] += w->slice[s][c];
    }
    window_advance(w, now_ns);
}

/* What the numbers may not say together. */
static void mend(struct upstream *u, const struct upstream *fresh, uint64_t now_ns)
{
    struct breaker *b = &u->breaker;

    mend_window(&b->window, &fresh->breaker.window, now_ns);
    for (int i = 0; i < BREAKER_PARTS; i++)
        mend_window(&b->part[i], &fresh->breaker.part[i], now_ns);
    b->forced_closed = b->forced_closed && !b->forced_open;
    b->probes = b->good; /* those under way are the other process's */
    if (b->ramp.share <= 0)
        b->ramp.share = fresh->breaker.ramp.share;
    u->limiter.gain = u->limiter.gain < 1 ? 1 : u->limiter.gain;
}

bool pool_restore_running(struct pool *p, size_t upstream, const struct running *in,
                          uint64_t now_ns)
{
    struct upstream *u = &p->upstream[upstream], fresh = *u;
    const uint64_t *from = in->number;

    WEIR_ASSERT(upstream < p->n_upstreams && u->inflight == 0);
    if (!all_sound(in, now_ns))
        return false;
    for (size_t i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < rows[i].n; k++)
            set((char *)u + rows[i].at + k * rows[i].step, rows[i].form, *from++);
    memcpy(u->breaker.cause, in->cause, sizeof u->breaker.cause);
    mend(u, &fresh, now_ns);
    return true;
}

/* --- the pool, its users */

void pool_keep_self(const struct pool *p, uint64_t out[RUNNING_OF_POOL])
{
    out[0] = p->appoint_ns;
    out[1] = p->last_shed_ns;
}

bool pool_restore_self(struct pool *p, const uint64_t in[RUNNING_OF_POOL], uint64_t now_ns)
{
    if (in[0] > now_ns + SOON_NS || in[1] > now_ns)
        return false;
    p->appoint_ns = in[0];
    p->last_shed_ns = in[1];
    return true;
}

#define USER_NS (120 * NS_PER_S)

bool pool_next_user(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_USER],
                    uint64_t now_ns)
{
    for (; *at < USERS_SLOTS; ++*at) {
        const struct user_slot *s = &p->users.slot[*at];
        const uint64_t numbers[RUNNING_OF_USER] = {s->user, s->seen_ns, s->appoint_ns, s->placed_ns,
                                                   s->surplus_ns};

        if (s->user == 0 || now_ns > s->seen_ns + USER_NS)
            continue;
        memcpy(out, numbers, sizeof numbers);
        ++*at;
        return true;
    }
    return false;
}

bool pool_restore_user(struct pool *p, const uint64_t in[RUNNING_OF_USER], uint64_t now_ns)
{
    struct user_slot *s;
    bool sound = in[0] != 0 && in[1] <= now_ns && in[2] <= now_ns + SOON_NS && in[3] <= now_ns &&
                 in[4] <= now_ns;

    s = sound ? users_arrived(&p->users, in[0], now_ns) : NULL;
    if (s == NULL)
        return sound; /* its group is full: it begins anew */
    s->seen_ns = in[1];
    s->appoint_ns = in[2];
    s->placed_ns = in[3];
    s->surplus_ns = in[4];
    return true;
}

bool pool_next_lease(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_LEASE],
                     uint64_t now_ns)
{
    for (; *at < LEASE_SLOTS; ++*at) {
        const struct lease_slot *s = &p->leases.slot[*at];

        if (s->user == 0 || s->until_ns <= now_ns)
            continue;
        out[0] = s->user;
        out[1] = s->until_ns;
        ++*at;
        return true;
    }
    return false;
}

bool pool_restore_lease(struct pool *p, const uint64_t in[RUNNING_OF_LEASE], uint64_t now_ns)
{
    if (in[0] == 0 || in[1] > now_ns + SOON_NS)
        return false;
    lease_renew(&p->leases, in[0], in[1]);
    return true;
}
