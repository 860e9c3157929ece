/* SPDX-License-Identifier: Apache-2.0 */
/* pools[].limits as rules of quotas.  Control's thread; immutable once made. */
#include <stdlib.h>
#include <string.h>

#include "snapshot/limits.h"
#include "weir/base/text.h"

/* Whom it is about, and nothing else: counts are known by it over reloads and hot restarts. */
static uint64_t id_of(const struct snapshot *s, const struct limit_conf *c)
{
    uint64_t user = hash_keyed(s->user_key, slice_str(c->user));
    uint64_t model = hash_keyed(s->user_key, slice_str(c->model));
    uint64_t parts[4] = {user, model, c->class, c->shared};

    return hash_keyed(s->user_key, slice_of((const char *)parts, sizeof parts)) | 1;
}

static void set_rule(const struct snapshot *s, const struct limit_conf *c, struct quota_rule *r)
{
    size_t n = strlen(c->model);

    *r = (struct quota_rule){
        .id = id_of(s, c),
        .user = c->user[0] == '\0' ? 0 : snapshot_user(s, slice_str(c->user)),
        .model_begins = n > 0 && c->model[n - 1] == '*',
        .class = c->class == CLASS_COUNT ? QUOTA_CLASS_ANY : (int)c->class,
        .shared = c->shared,
        .limits = c->limits,
    };
    n -= r->model_begins;
    memcpy(r->model, c->model, n < sizeof r->model ? n : sizeof r->model);
    r->model_len = (uint8_t)n;
}

static void set_rules(const struct snapshot *s, struct snapshot_pool *p)
{
    for (size_t i = 0; i < p->conf->n_limits; i++)
        set_rule(s, &p->conf->limits[i], &p->limits[i]);
}

bool snapshot_limits_make(const struct snapshot *s, struct snapshot_pool *p)
{
    p->limits = calloc(p->conf->n_limits + 1, sizeof *p->limits);
    if (p->limits != NULL)
        set_rules(s, p);
    p->counts = quota_is_needed(&p->conf->decide.users.limits, p->conf->n_limits);
    return p->limits != NULL;
}

void snapshot_rekey(struct snapshot *s, struct hash_key key)
{
    if (s->fleet != NULL && s->fleet->has_secret)
        return; /* the fleet's key, which the process before this one had as well */
    s->user_key = key;
    for (size_t i = 0; i < s->settings->n_pools; i++) {
        struct gate_rules rules = snapshot_gate_rules(&s->pools[i]);

        set_rules(s, &s->pools[i]);
        gate_set_limits(s->pools[i].gate, &rules);
    }
}

struct gate_rules snapshot_gate_rules(const struct snapshot_pool *p)
{
    return (struct gate_rules){&p->conf->decide, p->limits, p->conf->n_limits};
}

uint64_t snapshot_user(const struct snapshot *s, struct slice identity)
{
    return hash_keyed(s->user_key, identity) | 1;
}
