/* SPDX-License-Identifier: Apache-2.0 */
/* Canaries as operators see them: begun, ended by hand, and what each change says.  Control. */
#include <stdio.h>

#include "control/control_priv.h"
#include "weir/base/text.h"

static const struct snapshot_pool *pool_at(const struct control *c, size_t i)
{
    return &c->snapshot->pools[i];
}

static struct canary_view look(const struct snapshot_pool *p)
{
    struct canary_view v;

    pool_canary_view(gate_lock(p->gate), &v);
    gate_unlock(p->gate);
    return v;
}

/* --- what is said of it */

static void put_time(struct text *t, const char *name, const struct canary_view *v,
                     enum canary_measure m)
{
    double mine = v->counts[CANARY_SELF].typical[m], theirs = v->counts[CANARY_PEERS].typical[m];

    if (mine > 0 && theirs > 0)
        text_printf(t, ", %s %.1f ms (%.1f)", name, 1000 * mine, 1000 * theirs);
}

/* "3 of 560 failed (peers 5 of 551), first token 512.0 ms (491.3), pace 24.1 ms (24.0)" */
static void put_numbers(struct text *t, const struct canary_view *v)
{
    const struct canary_counts *mine = &v->counts[CANARY_SELF], *peers = &v->counts[CANARY_PEERS];

    text_printf(t, "%u of %u failed (peers %u of %u)", mine->failed, mine->finished, peers->failed,
                peers->finished);
    put_time(t, "first token", v, CANARY_FIRST);
    put_time(t, "pace", v, CANARY_PACE);
}

static void put_running(struct text *t, const struct canary_view *v)
{
    if (v->pause != CANARY_GOES_ON)
        text_printf(t, "canary: nothing is decided: %s", canary_pause_says(v->pause));
    else
        text_printf(t, "canary: %.0f %% of the requests by lot%s", 100 * v->share,
                    v->last ? ", its last step" : "");
}

static void put_ended(struct text *t, const struct canary_view *v)
{
    text_printf(t, "canary %s: %s; ", v->state == CANARY_PROMOTED ? "promoted" : "rolled back",
                canary_says(v->why, v->measure));
    put_numbers(t, v);
}

static const char *cause_of(const struct canary_view *v)
{
    if (v->state == CANARY_RUNNING)
        return v->pause == CANARY_GOES_ON ? "canary" : "canary_paused";
    return v->state == CANARY_PROMOTED ? "canary_promoted" : "canary_rolled_back";
}

/* One that a reload took out has a name as long as the process lives. */
static const char *name_of(struct control *c, const struct snapshot_pool *p,
                           const struct canary_view *v)
{
    const struct snapshot_upstream *u = snapshot_upstream_at(p, v->upstream);
    struct canary_watch *w = &c->pools[p->slot].canary;

    if (u != NULL && v->why != CANARY_TAKEN_OUT)
        w->upstream = c->names.upstreams[u->slot];
    return w->upstream == NULL ? "" : w->upstream;
}

static void say(struct control *c, const struct snapshot_pool *p, const struct canary_view *v)
{
    const char *upstream = name_of(c, p, v);
    char mem[192];
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (v->state == CANARY_RUNNING)
        put_running(&t, v);
    else
        put_ended(&t, v);
    control_say(c, c->names.pools[p->slot], upstream, cause_of(v), "%s/%s: %s", p->conf->name,
                upstream, mem);
}

#define PAUSE_SAID_NS (5 * NS_PER_S) /* a peer that cools down for a moment is no news */

/* A step, a pause that lasts, the end of one that was said, or the end of it all. */
static bool is_news(const struct control *c, const struct canary_watch *w,
                    const struct canary_view *v)
{
    if (v->state == CANARY_NONE || v->changes == w->changes)
        return false;
    if (v->state != CANARY_RUNNING || v->begun_ns != w->begun_ns)
        return true;
    if (v->pause != CANARY_GOES_ON)
        return loop_now_ns(c->loop) >= v->changed_ns + PAUSE_SAID_NS;
    return w->paused || v->share != w->share;
}

void control_watch_canaries(struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        const struct snapshot_pool *p = pool_at(c, i);
        struct canary_view v = look(p);
        struct canary_watch *w = &c->pools[p->slot].canary;

        if (!is_news(c, w, &v))
            continue;
        w->changes = v.changes;
        w->begun_ns = v.begun_ns;
        w->share = v.share;
        w->paused = v.pause != CANARY_GOES_ON;
        say(c, p, &v);
    }
}

bool control_has_canary(const struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        if (look(pool_at(c, i)).state == CANARY_RUNNING)
            return true;
    return false;
}

/* --- the operator's hand */

static bool done(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                 enum weir_status rc, const char *reason, char *why, size_t room)
{
    const struct snapshot_pool *p = pool_at(c, pool);
    struct canary_watch *w = &c->pools[p->slot].canary;

    if (rc != WEIR_OK) {
        (void)snprintf(why, room, "%s/%s: %s", p->conf->name, p->conf->upstreams[upstream].name,
                       reason);
        return false;
    }
    w->uid = who->uid;
    control_note(c, c->names.pools[p->slot], c->names.upstreams[p->upstreams[upstream].slot],
                 "command", "command by uid %u: %s", who->uid, who->text);
    control_take_pool_events(c);
    control_watch_canaries(c);
    control_judge(c);
    return true;
}

bool control_canary_start(struct control *c, const struct control_who *who, size_t pool,
                          size_t upstream, double most, uint64_t for_ns, char *why, size_t room)
{
    const struct snapshot_pool *p = pool_at(c, pool);
    uint64_t now = loop_refresh_now(c->loop);
    const char *reason = "";
    enum weir_status rc = pool_canary_start(
        gate_lock(p->gate), (size_t)p->upstreams[upstream].place, most, for_ns, now, &reason);

    gate_unlock(p->gate);
    return done(c, who, pool, upstream, rc, reason, why, room);
}

bool control_canary_end(struct control *c, const struct control_who *who, size_t pool,
                        size_t upstream, bool promote, char *why, size_t room)
{
    const struct snapshot_pool *p = pool_at(c, pool);
    uint64_t now = loop_refresh_now(c->loop);
    const char *reason = "";
    enum weir_status rc = pool_canary_end(gate_lock(p->gate), (size_t)p->upstreams[upstream].place,
                                          promote, now, &reason);

    gate_unlock(p->gate);
    return done(c, who, pool, upstream, rc, reason, why, room);
}

void control_view_canary(const struct control *c, const struct snapshot_pool *p,
                         struct canary_status *s)
{
    const struct canary_watch *w = &c->pools[p->slot].canary;

    s->v = look(p);
    s->upstream = w->upstream;
    s->uid = w->uid;
    s->begun_wall_ns = control_wall(c, s->v.begun_ns);
    s->until_wall_ns = control_wall(c, s->v.until_ns);
    s->changed_wall_ns = control_wall(c, s->v.changed_ns);
}
