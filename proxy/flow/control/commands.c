/* SPDX-License-Identifier: Apache-2.0 */
/* Operator commands on the share, modes, incident texts; each noted among the events. */
#include <stdio.h>
#include <stdlib.h>

#include "control/control_priv.h"
#include "control/fleet.h"

/* In the list of events as far as it fits; the log has it whole, from admin. */
static void command_done(struct control *c, const struct control_who *who, size_t pool,
                         size_t upstream)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];

    control_note(c, c->names.pools[p->slot],
                 upstream == SIZE_MAX ? "" : c->names.upstreams[p->upstreams[upstream].slot],
                 "command", "command by uid %u%s%s: %s", who->uid, who->node == NULL ? "" : " at ",
                 who->node == NULL ? "" : who->node, who->text);
}

static uint64_t until(const struct control *c, uint64_t for_ns)
{
    return for_ns == 0 ? 0 : loop_now_ns(c->loop) + for_ns;
}

/* Which override a command lays; OVERRIDE_COUNT: none. */
static enum pool_override override_of(enum pool_command o)
{
    switch (o) {
    case OPERATOR_BREAKER_OPEN:
        return OVERRIDE_BREAKER_OPEN;
    case OPERATOR_BREAKER_CLOSE:
        return OVERRIDE_BREAKER_CLOSE;
    case OPERATOR_RAMP_HOLD:
    case OPERATOR_RAMP_SET:
        return OVERRIDE_RAMP_HOLD;
    case OPERATOR_DRAIN:
        return OVERRIDE_DRAIN;
    case OPERATOR_LIMIT_STREAMS:
        return OVERRIDE_LIMIT_STREAMS;
    case OPERATOR_BREAKER_AUTO:
    case OPERATOR_RAMP_START:
    case OPERATOR_RAMP_RESUME:
    case OPERATOR_RAMP_FINISH:
    case OPERATOR_RAMP_ABORT:
    case OPERATOR_UNDRAIN:
        return OVERRIDE_COUNT;
    }
    WEIR_UNREACHABLE("command");
}

static struct command_by by_of(const struct control_who *who)
{
    struct command_by by = {.uid = who->uid, .known = true};

    (void)snprintf(by.node, sizeof by.node, "%s", who->node == NULL ? "" : who->node);
    return by;
}

static void note_by(struct control *c, const struct control_who *who, const struct snapshot_pool *p,
                    size_t i, enum pool_command o, double value)
{
    struct upstream_watch *w = &c->upstreams[p->upstreams[i].slot];
    enum pool_override ov = override_of(o);

    if (ov == OVERRIDE_COUNT)
        return;
    w->by[ov] = by_of(who);
    if (ov == OVERRIDE_LIMIT_STREAMS)
        w->limit_value = value;
}

static bool command_one(struct control *c, const struct control_who *who,
                        const struct snapshot_pool *p, size_t i, enum pool_command o, double value,
                        uint64_t until_ns, char *why, size_t room)
{
    const char *reason = "";
    uint64_t now = loop_refresh_now(c->loop);
    struct pool *pool = gate_lock(p->gate);
    enum weir_status rc =
        pool_command(pool, (size_t)p->upstreams[i].place, o, value, until_ns, now, &reason);

    gate_unlock(p->gate);
    if (rc != WEIR_OK) {
        (void)snprintf(why, room, "%s/%s: %s", p->conf->name, p->conf->upstreams[i].name, reason);
        return false;
    }
    note_by(c, who, p, i, o, value);
    control_fleet_ramp(c, who, p, i, o, value, until_ns);
    control_fleet_tell_command(c, who, (size_t)p->index, i, o, value, until_ns);
    return true;
}

bool control_command(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                     enum pool_command o, double value, uint64_t for_ns, char *why, size_t room)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];
    size_t first = upstream == SIZE_MAX ? 0 : upstream, done = 0;
    size_t end = upstream == SIZE_MAX ? p->n_upstreams : upstream + 1;

    WEIR_ASSERT(end <= p->n_upstreams);
    for (size_t i = first; i < end; i++)
        done += command_one(c, who, p, i, o, value, until(c, for_ns), why, room);
    if (done > 0) /* of all a pool's upstreams, one that takes it is enough */
        command_done(c, who, pool, upstream);
    control_take_pool_events(c);
    control_judge(c);
    return done > 0;
}

bool control_mode(struct control *c, const struct control_who *who, size_t pool,
                  enum pool_rule_set set, bool enforce, uint64_t for_ns, char *why, size_t room)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];
    struct mode_override *m = &c->pools[p->slot].modes[set];
    bool as_configured;

    (void)why;
    (void)room;
    pool_set_mode(gate_lock(p->gate), set, -1);
    as_configured = pool_enforces(gate_pool(p->gate), set) == enforce;
    pool_set_mode(gate_pool(p->gate), set, as_configured ? -1 : enforce);
    gate_unlock(p->gate);
    *m = (struct mode_override){!as_configured, enforce, until(c, for_ns), by_of(who)};
    control_fleet_tell_mode(c, who, pool, set, enforce, m->until_ns);
    command_done(c, who, pool, SIZE_MAX);
    return true;
}

enum { COMMANDS_INCIDENT_MAX = 500 };

static bool tell_incident(const struct control *c, const struct snapshot_pool *p,
                          const struct pool_watch *w)
{
    bool told = true;

    for (int i = 0; i < c->workers.n; i++)
        told = worker_set_incident(c->workers.list[i], p->slot, w->incident) && told;
    return told;
}

void control_incidents_second(struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        struct pool_watch *w = &c->pools[c->snapshot->pools[i].slot];

        if (w->untold)
            w->untold = !tell_incident(c, &c->snapshot->pools[i], w);
    }
}

/* False: there is no memory for the text, and the one before stays. */
static bool set_incident(struct control *c, size_t pool, const char *text, uint64_t until_ns)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];
    struct pool_watch *w = &c->pools[p->slot];

    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        return false;
    free(w->incident);
    w->incident = copy;
    w->incident_until_ns = text == NULL ? 0 : until_ns;
    w->untold = !tell_incident(c, p, w);
    control_publish(c);
    return true;
}

void control_incident_restore(struct control *c, const struct snapshot_pool *p, struct slice text,
                              uint64_t until_ns)
{
    char kept[COMMANDS_INCIDENT_MAX + 1];

    if (text.len > COMMANDS_INCIDENT_MAX)
        return;
    (void)snprintf(kept, sizeof kept, "%.*s", (int)text.len, text.p);
    if (!set_incident(c, (size_t)p->index, kept, until_ns))
        log_error("%s: no memory for the incident text that was kept", p->conf->name);
}

bool control_incident(struct control *c, const struct control_who *who, size_t pool,
                      const char *text, uint64_t for_ns, char *why, size_t room)
{
    if (text != NULL && strlen(text) > COMMANDS_INCIDENT_MAX) {
        (void)snprintf(why, room, "the text has %zu bytes, at most %d are shown", strlen(text),
                       COMMANDS_INCIDENT_MAX);
        return false;
    }
    if (!set_incident(c, pool, text, until(c, for_ns))) {
        (void)snprintf(why, room, "there is no memory for the text");
        return false;
    }
    control_fleet_tell_incident(c, who, pool, text, until(c, for_ns));
    command_done(c, who, pool, SIZE_MAX);
    return true;
}

static void lapse_pool(struct control *c, size_t i, uint64_t now)
{
    const struct snapshot_pool *p = &c->snapshot->pools[i];
    struct pool_watch *w = &c->pools[p->slot];

    for (int m = 0; m < SET_COUNT; m++) {
        if (!w->modes[m].on || w->modes[m].until_ns == 0 || now < w->modes[m].until_ns)
            continue;
        w->modes[m].on = false;
        pool_set_mode(gate_lock(p->gate), (enum pool_rule_set)m, -1);
        gate_unlock(p->gate);
        control_say(c, c->names.pools[p->slot], "", "mode_lapsed",
                    "%s: a mode set by uid %u has lapsed: as configured again", p->conf->name,
                    w->modes[m].by.uid);
    }
    if (w->incident != NULL && w->incident_until_ns != 0 && now >= w->incident_until_ns) {
        (void)set_incident(c, i, NULL, 0);
        control_say(c, c->names.pools[p->slot], "", "incident_lapsed",
                    "%s: the incident text has lapsed", p->conf->name);
    }
}

/* Overrides of upstreams lapse in the pool's own tick. */
void control_lapse(struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        lapse_pool(c, i, loop_now_ns(c->loop));
}
