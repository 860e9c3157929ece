/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators' commands to the fleet and from it.  A command from elsewhere is carried out by the
 * same functions as one that is typed here, with the same checks; Redis is a stranger.  Control
 * thread.
 */
#include <stdio.h>

#include "control/fleet.h"

#define AT_ONCE_NS    (10 * NS_PER_S) /* a command that happens once: who joins later is not told */
#define TAKEN_BACK_NS FLEET_ORDER_MOST_NS /* what was taken back may be known for so long */

enum command_kind {
    KIND_HOLDS, /* until its end, or until it is taken back */
    KIND_ONCE,
    KIND_BACK, /* takes back */
};

static const struct {
    enum fleet_topic topic;
    enum command_kind kind;
    const char *says;
} commands[] = {
    [OPERATOR_BREAKER_OPEN] = {FLEET_BREAKER, KIND_HOLDS, "breaker open"},
    [OPERATOR_BREAKER_CLOSE] = {FLEET_BREAKER, KIND_HOLDS, "breaker close"},
    [OPERATOR_BREAKER_AUTO] = {FLEET_BREAKER, KIND_BACK, "breaker auto"},
    [OPERATOR_RAMP_START] = {FLEET_RAMP, KIND_ONCE, "ramp start"},
    [OPERATOR_RAMP_HOLD] = {FLEET_RAMP, KIND_HOLDS, "ramp hold"},
    [OPERATOR_RAMP_RESUME] = {FLEET_RAMP, KIND_BACK, "ramp resume"},
    [OPERATOR_RAMP_SET] = {FLEET_RAMP, KIND_HOLDS, "ramp set"},
    [OPERATOR_RAMP_FINISH] = {FLEET_RAMP, KIND_ONCE, "ramp finish"},
    [OPERATOR_RAMP_ABORT] = {FLEET_RAMP, KIND_ONCE, "ramp abort"},
    [OPERATOR_DRAIN] = {FLEET_DRAIN, KIND_HOLDS, "drain"},
    [OPERATOR_UNDRAIN] = {FLEET_DRAIN, KIND_BACK, "undrain"},
    [OPERATOR_LIMIT_STREAMS] = {FLEET_LIMIT, KIND_HOLDS, "limit streams"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* --- out */

static bool is_for_all(const struct control *c, const struct control_who *who)
{
    return c->fleet.node != NULL && !who->here && who->node == NULL;
}

static void tell(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                 struct fleet_order *o)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];

    (void)snprintf(o->pool, sizeof o->pool, "%s", p->conf->name);
    if (upstream != SIZE_MAX)
        (void)snprintf(o->upstream, sizeof o->upstream, "%s", p->conf->upstreams[upstream].name);
    o->uid = who->uid;
    if (!fleet_publish(c->fleet.node, o))
        log_warn("fleet: too many commands are in force: this one holds on this node only");
}

static uint64_t ends(const struct control *c, enum command_kind kind, uint64_t until_ns)
{
    uint64_t now = loop_now_ns(c->loop);

    if (kind == KIND_ONCE)
        return now + AT_ONCE_NS;
    return kind == KIND_BACK ? now + TAKEN_BACK_NS : until_ns;
}

void control_fleet_tell_command(struct control *c, const struct control_who *who, size_t pool,
                                size_t upstream, enum pool_command o, double value,
                                uint64_t until_ns)
{
    bool gives_back = o == OPERATOR_LIMIT_STREAMS && value <= 0;
    struct fleet_order order = {.topic = commands[o].topic, .verb = o, .value = value};

    if (!is_for_all(c, who))
        return;
    order.ends_ns = ends(c, gives_back ? KIND_BACK : commands[o].kind, until_ns);
    tell(c, who, pool, upstream, &order);
}

void control_fleet_tell_mode(struct control *c, const struct control_who *who, size_t pool,
                             enum pool_rule_set set, bool enforce, uint64_t until_ns)
{
    struct fleet_order order = {
        .topic = FLEET_MODE, .verb = set, .value = enforce, .ends_ns = until_ns};

    if (is_for_all(c, who))
        tell(c, who, pool, SIZE_MAX, &order);
}

void control_fleet_tell_incident(struct control *c, const struct control_who *who, size_t pool,
                                 const char *text, uint64_t until_ns)
{
    struct fleet_order order = {.topic = FLEET_INCIDENT, .verb = text != NULL};

    if (!is_for_all(c, who))
        return;
    order.ends_ns = ends(c, text != NULL ? KIND_HOLDS : KIND_BACK, until_ns);
    (void)snprintf(order.text, sizeof order.text, "%s", text == NULL ? "" : text);
    tell(c, who, pool, SIZE_MAX, &order);
}

/* --- in */

/* Whom it is about, by index in the settings; upstream SIZE_MAX: all of the pool. */
static bool find(const struct control *c, const struct fleet_order *o, size_t *pool,
                 size_t *upstream)
{
    const struct snapshot_pool *p = snapshot_pool_named(c->snapshot, slice_str(o->pool));
    const struct snapshot_upstream *u;

    if (p == NULL)
        return false;
    *pool = (size_t)p->index;
    *upstream = SIZE_MAX;
    if (o->upstream[0] == '\0')
        return true;
    u = snapshot_upstream_named(p, slice_str(o->upstream));
    if (u != NULL)
        *upstream = (size_t)(u - p->upstreams);
    return u != NULL;
}

static uint64_t left_ns(const struct control *c, const struct fleet_order *o)
{
    uint64_t now = loop_now_ns(c->loop);

    return o->ends_ns <= now ? 1 : o->ends_ns - now;
}

static bool is_in_range(const struct fleet_order *o)
{
    if (o->verb >= COMMANDS || commands[o->verb].topic != o->topic)
        return false;
    return o->verb != OPERATOR_LIMIT_STREAMS || o->value <= 65535;
}

static void carry_out_command(struct control *c, const struct control_who *who,
                              const struct fleet_order *o, size_t pool, size_t upstream)
{
    enum pool_command command = (enum pool_command)o->verb;
    bool holds = commands[command].kind == KIND_HOLDS && o->ends_ns != 0;
    char why[400];

    if (control_command(c, who, pool, upstream, command, o->value, holds ? left_ns(c, o) : 0, why,
                        sizeof why))
        log_info("fleet: command by uid %u at %s: %s %s/%s", who->uid, who->node,
                 commands[command].says, o->pool, o->upstream);
    else
        log_info("fleet: command by uid %u at %s: %s %s/%s does nothing here: %s", who->uid,
                 who->node, commands[command].says, o->pool, o->upstream, why);
}

static void carry_out_for_pool(struct control *c, struct control_who *who,
                               const struct fleet_order *o, size_t pool)
{
    char why[400];

    if (o->topic == FLEET_MODE && o->verb < SET_COUNT) {
        (void)control_mode(c, who, pool, (enum pool_rule_set)o->verb, o->value > 0, left_ns(c, o),
                           why, sizeof why);
        log_info("fleet: command by uid %u at %s: mode %s: a rule %s", who->uid, who->node, o->pool,
                 o->value > 0 ? "enforces" : "looks on only");
    } else if (o->topic == FLEET_INCIDENT) {
        (void)control_incident(c, who, pool, o->verb != 0 ? o->text : NULL,
                               o->verb != 0 ? left_ns(c, o) : 0, why, sizeof why);
        log_info("fleet: command by uid %u at %s: incident %s %s", who->uid, who->node, o->pool,
                 o->verb != 0 ? "set" : "clear");
    }
}

bool control_fleet_order(const struct fleet_order *o, void *owner)
{
    struct control *c = owner;
    char words[80];
    struct control_who who = {.uid = o->uid, .text = words, .node = o->node};
    size_t pool, upstream;

    if (!find(c, o, &pool, &upstream))
        return false;
    (void)snprintf(words, sizeof words, "%s",
                   o->topic == FLEET_MODE || o->topic == FLEET_INCIDENT || !is_in_range(o)
                       ? fleet_topic_name(o->topic)
                       : commands[o->verb].says);
    if (o->topic == FLEET_MODE || o->topic == FLEET_INCIDENT)
        carry_out_for_pool(c, &who, o, pool);
    else if (upstream != SIZE_MAX && is_in_range(o))
        carry_out_command(c, &who, o, pool, upstream);
    return true;
}
