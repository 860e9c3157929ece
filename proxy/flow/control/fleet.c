/* SPDX-License-Identifier: Apache-2.0 */
/* A node of a fleet: its begin and end, its state among the events, its upstreams.  Control thread.
 */
#include "control/fleet.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/hash.h"
#include "weir/conf/settings.h"

/* --- what has to agree on all nodes: a sum over the lines of the settings, in any order */

struct agree {
    const char *pool, *upstream; /* of this one; NULL: of all pools */
    uint64_t sum;
};

static bool begins(const char **s, const char *prefix)
{
    size_t n = strlen(prefix);

    if (strncmp(*s, prefix, n) != 0)
        return false;
    *s += n;
    return true;
}

/* Of an upstream's pool all counts but its other upstreams. */
static bool counts(const struct agree *a, const char *key)
{
    char own[160];

    if (!begins(&key, "pools["))
        return false;
    if (a->pool == NULL)
        return true;
    (void)snprintf(own, sizeof own, "%s].", a->pool);
    if (!begins(&key, own))
        return false;
    if (!begins(&key, "upstreams["))
        return true;
    (void)snprintf(own, sizeof own, "%s].", a->upstream);
    return begins(&key, own);
}

static void add_line(const char *key, const char *value, const char *origin, void *arg)
{
    const struct hash_key k = {0x61677265, 0x65656d65};
    struct agree *a = arg;
    uint64_t both[2];

    (void)origin;
    if (!counts(a, key))
        return;
    both[0] = hash_keyed(k, slice_str(key));
    both[1] = hash_keyed(k, slice_str(value));
    a->sum += hash_keyed(k, slice_of(both, sizeof both));
}

static uint64_t agreed(const struct settings *s, const char *pool, const char *upstream)
{
    struct agree a = {.pool = pool, .upstream = upstream};

    conf_dump(s, add_line, &a);
    return a.sum;
}

/* --- upstreams */

static void add_upstream(struct control *c, size_t pool, size_t i, struct fleet_upstream *list,
                         size_t *n)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];
    const struct upstream_conf *u = &p->conf->upstreams[i];

    if (!u->shared)
        return;
    if (*n == FLEET_UPSTREAMS_MAX) {
        log_warn("fleet: %s/%s is not shared: %d upstreams are at most", p->conf->name, u->name,
                 FLEET_UPSTREAMS_MAX);
        return;
    }
    c->fleet.places[*n] = (struct fleet_at){pool, i};
    (void)snprintf(list[*n].name, sizeof list[*n].name, "%s/%s", p->conf->name, u->name);
    list[*n].max_streams = u->max_streams;
    list[*n].rules = agreed(c->snapshot->settings, p->conf->name, u->name);
    *n += 1;
}

static void set_upstreams(struct control *c)
{
    static struct fleet_upstream list[FLEET_UPSTREAMS_MAX]; /* control's alone */
    size_t n = 0;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        for (size_t i = 0; i < c->snapshot->pools[k].n_upstreams; i++)
            add_upstream(c, k, i, list, &n);
    }
    c->fleet.n_places = n;
    memset(c->fleet.plans, 0, sizeof c->fleet.plans);
    control_fleet_attach(c);
    fleet_set_upstreams(c->fleet.node, list, n, agreed(c->snapshot->settings, NULL, NULL));
    fleet_view(c->fleet.node, &c->fleet.view);
    if (c->fleet.view.leads)
        control_fleet_lead_on(c);
    else
        control_fleet_lead_no_more(c);
}

/* --- its state among the events */

/* An event, and a warning in the log. */
static void warn(struct control *c, const char *cause, const char *sentence)
{
    log_warn("%s", sentence);
    control_note(c, "", "", cause, "%s", sentence);
}

static void on_state(enum fleet_state state, const char *why, void *owner)
{
    struct control *c = owner;
    const struct fleet_conf *conf = &c->snapshot->settings->fleet;
    char sentence[400];

    control_fleet_join_no_more(c);
    control_fleet_limits_set(c);
    if (state == FLEET_JOINED) {
        control_say(c, "", "", "fleet_joined", "fleet %s: joined, as node %s", conf->name,
                    conf->node);
        return;
    }
    control_fleet_alone(c);
    (void)snprintf(sentence, sizeof sentence,
                   "fleet %s: alone: %s; requests go on by what this node knows (Redis: %s)",
                   conf->name, why, conf->redis);
    warn(c, "fleet_alone", sentence);
}

static void on_leader(bool self, const char *node, void *owner)
{
    control_say(owner, "", "", "fleet_leader", "fleet: %s%s leads", node,
                self ? " (this node)" : "");
}

static void on_mismatch(bool mismatch, const char *node, void *owner)
{
    char sentence[300];

    (void)snprintf(sentence, sizeof sentence,
                   mismatch
                       ? "fleet: the pools' settings are others than those of %s, which leads: "
                         "upstreams that differ are not pooled on this node (weirctl fleet)"
                       : "fleet: the pools' settings are again those of %s, which leads",
                   node);
    warn(owner, "fleet_mismatch", sentence);
}

static const struct fleet_shown *shown(void *owner)
{
    return control_shown(owner);
}

static const struct fleet_hooks hooks = {
    .on_state = on_state,
    .on_leader = on_leader,
    .on_mismatch = on_mismatch,
    .on_order = control_fleet_order,
    .ask = control_fleet_ask,
    .answer = control_fleet_answer,
    .plan = control_fleet_plan,
    .wants = control_fleet_wants,
    .leases = control_fleet_leases,
    .leases_answer = control_fleet_leases_answer,
    .shown = shown,
    .limits_want = control_fleet_limits_want,
    .limits_news = control_fleet_limits_news,
    .limits_answers = control_fleet_limits_answers,
    .limits_hot = control_fleet_limits_hot,
    .lead_begin = control_fleet_lead,
    .lead_hear = control_fleet_hear,
    .lead_goodbye = control_fleet_goodbye,
    .lead_decide = control_fleet_decide,
};

/* --- life */

static void warn_of_secret(const struct control *c)
{
    bool counts = false, leases = false;

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        counts |= c->snapshot->pools[i].counts;
        leases |= c->snapshot->pools[i].conf->decide.lease_ns > 0;
    }
    if ((counts || leases) && !c->snapshot->fleet->has_secret)
        log_warn("fleet: leases of users%s are each node's own: there is no fleet.secret_file",
                 counts ? ", and limits of users, models and classes," : "");
}

static bool begin(struct control *c)
{
    const struct settings *s = c->snapshot->settings;
    const struct fleet_setup setup = {.loop = c->loop,
                                      .resolver = c->resolver,
                                      .conf = &s->fleet,
                                      .means = c->snapshot->fleet,
                                      .hooks = &hooks,
                                      .owner = c};

    if (c->snapshot->fleet == NULL)
        return true;
    c->fleet.node = fleet_create(&setup);
    if (c->fleet.node == NULL)
        return false;
    snapshot_ref(c->snapshot); /* its settings and means are the node's */
    c->fleet.of = c->snapshot;
    set_upstreams(c);
    control_fleet_limits_set(c);
    if (c->snapshot->fleet->in_clear)
        log_warn("fleet: %s is another machine, and what is said to it is not encrypted (rediss:)",
                 s->fleet.redis);
    warn_of_secret(c);
    return true;
}

bool control_fleet_open(struct control *c)
{
    control_fleet_limits_open(c);
    return begin(c);
}

static bool is_same(const struct snapshot *a, const struct snapshot *b)
{
    const struct fleet_conf *x = &a->settings->fleet, *y = &b->settings->fleet;

    return fleet_means_equal(x, a->fleet, y, b->fleet) && strcmp(x->name, y->name) == 0 &&
           strcmp(x->node, y->node) == 0 && x->timeout_ns == y->timeout_ns;
}

void control_fleet_join(struct control *c)
{
    uint64_t from_ns = mono_now_ns();

    if (c->fleet.node == NULL)
        return;
    c->fleet.joining = true;
    loop_run(c->loop); /* to the first change of its state: joined, or alone */
    c->fleet.joining = false;
    fleet_view(c->fleet.node, &c->fleet.view);
    log_info("fleet: the start waited %.2f s for the first answer%s",
             (double)(mono_now_ns() - from_ns) / 1e9,
             c->fleet.view.state == FLEET_JOINED ? "" : ", which did not come");
}

void control_fleet_join_no_more(struct control *c)
{
    if (c->fleet.joining)
        loop_stop(c->loop);
}

/* Pools that the settings have no more: what runs there goes on by itself. */
static void forget_pools(struct control *c, const struct snapshot *old)
{
    bool kept[SNAPSHOT_POOLS_MAX + 1] = {false};

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        kept[c->snapshot->pools[i].slot] = true;
    control_fleet_detach(c, old, kept);
}

static void close_node(struct control *c)
{
    control_fleet_limits_drop(c, c->snapshot);
    control_fleet_limits_answers(NULL, 0, c); /* none comes any more */
    fleet_destroy(&c->fleet.node);
    snapshot_unref(c->fleet.of);
    c->fleet.of = NULL;
}

void control_fleet_reload(struct control *c, const struct snapshot *old)
{
    control_fleet_limits_drop(c, old);
    if (c->fleet.node != NULL && is_same(old, c->snapshot)) {
        forget_pools(c, old);
        set_upstreams(c);
        control_fleet_limits_set(c);
        return;
    }
    control_fleet_detach(c, old, NULL);
    close_node(c);
    if (!begin(c))
        log_error("out of memory: this node is in no fleet");
}

bool control_fleet_is_done(struct control *c)
{
    if (c->fleet.node == NULL)
        return true;
    fleet_leave(c->fleet.node);
    return fleet_has_left(c->fleet.node);
}

void control_fleet_close(struct control *c)
{
    if (c->fleet.node != NULL)
        control_fleet_detach(c, c->snapshot, NULL);
    close_node(c);
}

/* --- what is shown */

bool control_fleet_members(struct control *c, fleet_members_fn *fn, void *arg)
{
    return c->fleet.node != NULL && fleet_members(c->fleet.node, fn, arg);
}

const char *control_fleet_reach(const struct control *c, const struct control_who *who)
{
    struct fleet_view v;

    if (c->fleet.node == NULL)
        return "";
    if (who->here)
        return " (on this node only)";
    fleet_view(c->fleet.node, &v);
    return v.state == FLEET_JOINED
               ? " (on all nodes of the fleet)"
               : " (on this node; Redis does not answer, the others follow when it does)";
}
