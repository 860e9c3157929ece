/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What evidence does to a breaker: windows and rows by kind of request, whose 500s count, who gave
 * up, probes.  Which evidence counts as what is the table in evidence.c.
 */
#include <string.h>

#include "breaker_priv.h"
#include "weir/base/assert.h"

#define BLAME_NS (60 * NS_PER_S) /* 500s of one user so far apart are strangers */

/* A share is judged by what was sent under it, not by what the one before still had under way. */
static bool tells_of_share(const struct breaker *b, const struct evidence *e)
{
    return b->state == BREAKER_RAMPING && e->sent_ns >= b->ramp.step_ns;
}

void breaker_probe_sent(struct breaker *b, const struct breaker_rules *c, uint8_t kind,
                        uint64_t who)
{
    b->probes++;
    b->probe_others = b->probe_others || (b->probe_who != 0 && who != b->probe_who);
    if ((b->probe_kinds & (1u << kind)) != 0)
        b->probe_kind_ns = c->now_ns;
}

/* Sent before the last death: it counts in the window that operators read, and decides nothing. */
static bool is_stale(const struct breaker *b, const struct evidence *e)
{
    return e->generation != b->generation;
}

static bool is_probe(const struct breaker *b, const struct evidence *e)
{
    return b->state == BREAKER_HALF_OPEN && e->probe && !is_stale(b, e);
}

void breaker_begin_ramp(struct breaker *b, const struct breaker_rules *c)
{
    ramp_begin(&b->ramp, c->ramp->start, c->now_ns);
    b->ramp.on = b->good; /* they are the first evidence for the first share */
    breaker_follow(b, c, BREAKER_RAMPING, "probes_good");
    b->began_ramp = true;
}

static void good_probe(struct breaker *b, const struct breaker_rules *c)
{
    if (++b->good >= c->breaker->probes)
        breaker_begin_ramp(b, c);
}

static void count(struct breaker *b, const struct breaker_rules *c, uint8_t kind, unsigned column)
{
    window_add(&b->window, column, c->now_ns);
    window_add(&b->part[kind != KIND_GENERATION], column, c->now_ns);
}

static void take_ok_back(struct breaker *b, const struct breaker_rules *c, uint8_t kind)
{
    window_take_back(&b->window, OUTCOME_OK, c->now_ns);
    window_take_back(&b->part[kind != KIND_GENERATION], OUTCOME_OK, c->now_ns);
}

static struct breaker_blamed *blamed(struct breaker *b, uint64_t who)
{
    for (int i = 0; i < BREAKER_BLAMED_MAX; i++)
        if (b->blamed[i].who == who && who != 0)
            return &b->blamed[i];
    return NULL;
}

static void end_row(struct breaker *b, const struct evidence *e)
{
    struct breaker_blamed *own = blamed(b, e->who);

    b->failed_in_row = 0;
    b->row_kinds = 0;
    b->row++;
    b->failed_of[e->kind] = 0;
    if (e->kind == KIND_GENERATION)
        memset(b->failed_of, 0, sizeof b->failed_of);
    if (own != NULL)
        own->who = 0;
}

void breaker_first(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                   enum lateness l)
{
    count(b, c, e->kind, OUTCOME_OK);
    suspects_ok(&b->suspects[e->kind != KIND_GENERATION], e->who, c->now_ns);
    b->ok_ns[e->kind != KIND_GENERATION] = c->now_ns;
    if (l == LATE_NOW)
        count(b, c, e->kind, WINDOW_LATE);
    else if (l == ON_TIME)
        count(b, c, e->kind, WINDOW_ON_TIME);
    if (is_stale(b, e))
        return;
    end_row(b, e);
    if (tells_of_share(b, e) && l == LATE_NOW)
        b->ramp.late++;
    else if (tells_of_share(b, e) && l != LATE_BEFORE)
        b->ramp.on++;
    if (is_probe(b, e) && l == LATE_NOW)
        breaker_trip(b, c, "probe_late");
    else if (is_probe(b, e))
        good_probe(b, c);
}

void breaker_late(struct breaker *b, const struct breaker_rules *c, const struct evidence *e)
{
    count(b, c, e->kind, WINDOW_LATE);
    if (is_stale(b, e))
        return;
    if (tells_of_share(b, e))
        b->ramp.late++;
    if (is_probe(b, e))
        breaker_trip(b, c, "probe_late");
}

uint64_t breaker_blamed_since(const struct breaker *b, uint64_t who, uint64_t now_ns)
{
    const struct breaker_blamed *own = blamed((struct breaker *)b, who);

    return own != NULL && now_ns - own->first_ns < BLAME_NS ? own->first_ns : now_ns;
}

static struct breaker_blamed *oldest_blamed(struct breaker *b)
{
    struct breaker_blamed *old = &b->blamed[0];

    for (int i = 1; i < BREAKER_BLAMED_MAX; i++)
        if (b->blamed[i].who == 0 || (old->who != 0 && b->blamed[i].first_ns < old->first_ns))
            old = &b->blamed[i];
    return old;
}

/*
 * One client's bad request, sent again and again, must not take the upstream from those who are
 * well there.  True: this 500 is in the row already.  Without others to be well, each counts.
 */
static bool user_is_blamed(struct breaker *b, const struct breaker_rules *c,
                           const struct evidence *e)
{
    struct breaker_blamed *own = blamed(b, e->who);

    if (e->who == 0)
        return false;
    if (own == NULL || c->now_ns - own->first_ns >= BLAME_NS) {
        if (own == NULL)
            own = oldest_blamed(b);
        *own = (struct breaker_blamed){.who = e->who, .first_ns = c->now_ns, .row = b->row};
        return false;
    }
    if (own->row == b->row && e->others_well)
        return true;
    own->row = b->row;
    return false;
}

/* Its 500s are known, and others fare well. */
static bool is_known_to_fail(struct breaker *b, const struct breaker_rules *c,
                             const struct evidence *e)
{
    return e->others_well && e->who != 0 &&
           (b->probe_who == e->who || breaker_blamed_since(b, e->who, c->now_ns) < c->now_ns);
}

/* Most of its requests fail, and those of others do not. */
static bool fails_alone(struct breaker *b, const struct breaker_rules *c, const struct evidence *e)
{
    int part = e->kind != KIND_GENERATION;

    window_advance(&b->part[part], c->now_ns);
    return suspects_has(&b->suspects[part], e->who, c->breaker->error_rate, c->now_ns) &&
           breaker_others_fare_well(b, c, part);
}

bool breaker_is_own_fault(struct breaker *b, const struct breaker_rules *c,
                          const struct evidence *e)
{
    return is_known_to_fail(b, c, e) || fails_alone(b, c, e);
}

/* The first 500 of a half-open breaker is asked about once more, of somebody else; that user's
 * later ones say no more than it did, unless nobody else asked meanwhile. */
static bool is_put_down_to_user(struct breaker *b, const struct breaker_rules *c,
                                const struct evidence *e)
{
    bool again = b->probe_who == e->who && b->probe_others;

    if (!is_probe(b, e) || e->who == 0 || (b->probe_who != 0 && !again))
        return false;
    b->probe_who = e->who;
    b->probe_who_ns = c->now_ns;
    return true;
}

static void one_more_failed(struct breaker *b, uint8_t kind, bool of_all)
{
    b->failed_in_row++;
    b->failed_of[kind]++;
    b->row_kinds = (uint8_t)(b->row_kinds | (of_all ? KINDS_ANY : 1u << kind));
}

static void failure_counts(struct breaker *b, const struct breaker_rules *c,
                           const struct evidence *e, const char *cause)
{
    if (b->state == BREAKER_RAMPING)
        b->ramp.fail++;
    if (is_probe(b, e))
        breaker_trip(b, c, "probe_failed");
    else
        breaker_judge(b, c, e->kind, cause);
}

void breaker_failed(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                    enum outcome o, bool own)
{
    count(b, c, e->kind, o);
    if (own)
        suspects_failed(&b->suspects[e->kind != KIND_GENERATION], e->who, c->now_ns);
    if (is_stale(b, e))
        return;
    if (own && (breaker_is_own_fault(b, c, e) || is_put_down_to_user(b, c, e))) {
        breaker_probe_back(b, e);
        return;
    }
    if (!own || !user_is_blamed(b, c, e))
        one_more_failed(b, e->kind, o == OUTCOME_CONNECT_FAILED);
    failure_counts(b, c, e, "consecutive_failures");
}

void breaker_cut(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                 enum outcome o)
{
    take_ok_back(b, c, e->kind);
    count(b, c, e->kind, o);
    if (is_stale(b, e))
        return;
    b->cut_in_row++;
    b->cut_of[e->kind]++;
    failure_counts(b, c, e, "consecutive_failures");
}

/* Users who left so within the window, this one included; 0 if this one was counted already. */
static uint32_t users_gone(struct breaker *b, const struct breaker_rules *c, uint64_t who)
{
    struct breaker_gone *free = &b->gone[0];
    uint32_t n = 1;

    for (int i = 0; i < BREAKER_GONE_MAX; i++) {
        struct breaker_gone *g = &b->gone[i];
        bool lately = g->at_ns > 0 && c->now_ns - g->at_ns < c->breaker->window_ns;
        if (lately && g->who == who)
            return 0;
        n += lately;
        if (g->at_ns < free->at_ns)
            free = g;
    }
    *free = (struct breaker_gone){who, c->now_ns};
    return n;
}

void breaker_abandoned(struct breaker *b, const struct breaker_rules *c, const struct evidence *e)
{
    uint32_t users;

    if (is_stale(b, e) || b->ok_ns[e->kind != KIND_GENERATION] >= e->sent_ns)
        return; /* others got their first tokens meanwhile */
    users = users_gone(b, c, e->who);
    if (users < 2)
        return;
    for (uint32_t i = users == 2 ? 0 : 1; i < 2; i++) { /* with the second the first counts, too */
        count(b, c, e->kind, OUTCOME_STALLED);
        one_more_failed(b, e->kind, false);
    }
    failure_counts(b, c, e, "abandoned");
}

void breaker_refused(struct breaker *b, const struct breaker_rules *c, const struct evidence *e,
                     bool after_content, bool shut)
{
    if (after_content)
        take_ok_back(b, c, e->kind);
    count(b, c, e->kind, OUTCOME_REFUSED);
    if (shut)
        count(b, c, e->kind, WINDOW_SHUT);
    if (!is_stale(b, e))
        breaker_judge(b, c, e->kind, "consecutive_failures");
}

void breaker_client_error(struct breaker *b, const struct breaker_rules *c,
                          const struct evidence *e)
{
    count(b, c, e->kind, WINDOW_CLIENT_ERROR);
}

void breaker_neutral(struct breaker *b, const struct breaker_rules *c)
{
    window_add(&b->window, OUTCOME_NEUTRAL, c->now_ns);
}

void breaker_clean_end(struct breaker *b, const struct evidence *e)
{
    if (is_stale(b, e))
        return;
    b->cut_in_row = 0;
    b->cut_of[e->kind] = 0;
}

void breaker_probe_back(struct breaker *b, const struct evidence *e)
{
    if (!is_probe(b, e) || e->overdue)
        return;
    WEIR_ASSERT(b->probes > 0);
    b->probes--;
}
