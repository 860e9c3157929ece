/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving alone who was refused, and nobody else. */
#include "weir/decide/cooldown.h"

#define UNSAID_MS    1000u /* it refused and did not say for how long */
#define ASKED_MAX_MS 60000u
#define JITTER_MAX   1.1             /* later than it asked, never earlier */
#define JOIN_NS      (5 * NS_PER_S)  /* refusals so near to each other have one reason */
#define LATELY_NS    (60 * NS_PER_S) /* well so lately: one of those who are served here */

static void note(struct latest_two *l, uint64_t key, uint64_t now_ns)
{
    if (l->at_ns > 0 && l->key != key) {
        l->other = l->key;
        l->other_at_ns = l->at_ns;
    }
    l->key = key;
    l->at_ns = now_ns;
}

static bool another_since(const struct latest_two *l, uint64_t key, uint64_t since_ns)
{
    return (l->at_ns > 0 && l->key != key && l->at_ns >= since_ns) ||
           (l->other_at_ns > 0 && l->other != key && l->other_at_ns >= since_ns);
}

void cooldown_well(struct cooldown *c, uint64_t user, uint64_t model, uint64_t now_ns)
{
    note(&c->users, user, now_ns);
    note(&c->models, model, now_ns);
    c->refused_ns = 0;
}

/* A model of 0 may be any. */
static bool covers(const struct cooldown_scope *s, uint64_t user, uint64_t model)
{
    return (s->any_user || s->user == user) && (s->any_model || s->model == model || model == 0);
}

static bool is_whole(const struct cooldown_scope *s)
{
    return s->any_user && s->any_model;
}

/* Was nobody outside of this scope well lately? */
static bool covers_known(const struct cooldown_scope *s, uint64_t now_ns, const struct cooldown *c)
{
    uint64_t since_ns = now_ns > LATELY_NS ? now_ns - LATELY_NS : 0;

    return (s->any_user || !another_since(&c->users, s->user, since_ns)) &&
           (s->any_model || !another_since(&c->models, s->model, since_ns));
}

static struct cooldown_scope scope_of(const struct cooldown_refusal *r)
{
    return (struct cooldown_scope){
        .user = r->user,
        .model = r->model,
        .any_user = r->by == COOLDOWN_BY_MODEL,
    };
}

static void join(struct cooldown_scope *a, const struct cooldown_scope *b)
{
    a->any_user = a->any_user || b->any_user || a->user != b->user;
    a->any_model = a->any_model || b->any_model || a->model != b->model;
}

static bool same(const struct cooldown_scope *a, const struct cooldown_scope *b)
{
    return a->any_user == b->any_user && a->any_model == b->any_model &&
           (a->any_user || a->user == b->user) && (a->any_model || a->model == b->model);
}

/* Of this scope, else the one that ends first: forgotten, it is asked again a little early. */
static struct cooldown_entry *entry_for(struct cooldown *c, const struct cooldown_scope *s)
{
    struct cooldown_entry *first = &c->entry[0];

    for (int i = 0; i < COOLDOWN_ENTRIES; i++) {
        struct cooldown_entry *e = &c->entry[i];
        if (e->until_ns > 0 && same(&e->scope, s))
            return e;
        if (e->until_ns < first->until_ns)
            first = e;
    }
    *first = (struct cooldown_entry){.scope = *s};
    return first;
}

static void later(uint64_t *at, uint64_t until_ns)
{
    if (until_ns > *at)
        *at = until_ns;
}

static void put(struct cooldown *c, const struct cooldown_scope *s, uint64_t until_ns)
{
    if (is_whole(s)) {
        later(&c->until_ns, until_ns);
        return;
    }
    later(&entry_for(c, s)->until_ns, until_ns);
    later(&c->latest_ns, until_ns);
}

static uint64_t asked_until(const struct cooldown_refusal *r, struct random *random,
                            uint64_t now_ns)
{
    uint32_t asked = r->retry_after_ms > 0 ? r->retry_after_ms : UNSAID_MS;

    if (asked > ASKED_MAX_MS)
        asked = ASKED_MAX_MS;
    return now_ns + (uint64_t)((double)(asked * NS_PER_MS) * random_between(random, 1, JITTER_MAX));
}

bool cooldown_refused(struct cooldown *c, const struct cooldown_refusal *r, struct random *random,
                      uint64_t now_ns)
{
    struct cooldown_scope s = scope_of(r);
    uint64_t until_ns = asked_until(r, random, now_ns);
    bool known_before = cooldown_of_known(c, now_ns) > 0;
    bool joins =
        c->refused_ns > 0 && (now_ns - c->refused_ns < JOIN_NS || now_ns < c->refused_until_ns);

    if (joins)
        join(&s, &c->refused);
    else
        c->refused_until_ns = 0;
    c->refused = s;
    c->refused_ns = now_ns;
    later(&c->refused_until_ns, until_ns);
    put(c, &s, until_ns);
    return !known_before && covers_known(&s, now_ns, c);
}

/* The entry that keeps them away for longer than the upstream's own does, or NULL. */
static const struct cooldown_entry *longest(const struct cooldown *c, uint64_t user, uint64_t model,
                                            uint64_t now_ns)
{
    const struct cooldown_entry *found = NULL;
    uint64_t until_ns = c->until_ns;

    for (int i = 0; i < COOLDOWN_ENTRIES && now_ns < c->latest_ns; i++) {
        const struct cooldown_entry *e = &c->entry[i];
        if (e->until_ns <= until_ns || !covers(&e->scope, user, model))
            continue;
        found = e;
        until_ns = e->until_ns;
    }
    return found;
}

uint64_t cooldown_until(const struct cooldown *c, uint64_t user, uint64_t model, uint64_t now_ns)
{
    const struct cooldown_entry *e = longest(c, user, model, now_ns);
    uint64_t until_ns = e != NULL ? e->until_ns : c->until_ns;

    return until_ns > now_ns ? until_ns : 0;
}

enum cooldown_whose cooldown_whose(const struct cooldown *c, uint64_t user, uint64_t model,
                                   uint64_t now_ns)
{
    const struct cooldown_entry *e = longest(c, user, model, now_ns);

    if (cooldown_until(c, user, model, now_ns) == 0)
        return COOLDOWN_OF_NOBODY;
    if (e == NULL)
        return COOLDOWN_OF_ALL;
    return e->scope.any_user ? COOLDOWN_OF_MODEL : COOLDOWN_OF_USER;
}

uint64_t cooldown_of_all(const struct cooldown *c, uint64_t now_ns)
{
    return c->until_ns > now_ns ? c->until_ns : 0;
}

uint64_t cooldown_of_known(const struct cooldown *c, uint64_t now_ns)
{
    uint64_t until_ns = c->until_ns;

    for (int i = 0; i < COOLDOWN_ENTRIES && now_ns < c->latest_ns; i++)
        if (c->entry[i].until_ns > until_ns && covers_known(&c->entry[i].scope, now_ns, c))
            until_ns = c->entry[i].until_ns;
    return until_ns > now_ns ? until_ns : 0;
}

bool cooldown_other_well(const struct cooldown *c, uint64_t user, uint64_t since_ns)
{
    return another_since(&c->users, user, since_ns);
}
