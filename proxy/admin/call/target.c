/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a command names; says what there is where it names nothing. */
#include "call/target.h"

#include <stdio.h>

static void list_pools(struct text *t, const struct settings *s)
{
    for (size_t i = 0; i < s->n_pools; i++)
        text_printf(t, "%s%s", i == 0 ? "" : ", ", s->pools[i].name);
}

static void list_upstreams(struct text *t, const struct pool_conf *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++)
        text_printf(t, "%s%s/%s", i == 0 ? "" : ", ", p->name, p->upstreams[i].name);
}

static bool no_pool(struct call *c, const struct settings *s)
{
    char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    list_pools(&t, s);
    call_fail(c, FAIL_NOT_FOUND, "there is no pool \"%.*s\"; there is: %s", (int)c->args->pool.len,
              c->args->pool.p, mem);
    return false;
}

static bool no_upstream(struct call *c, const struct pool_conf *p)
{
    char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    list_upstreams(&t, p);
    call_fail(c, FAIL_NOT_FOUND, "pool %s has no upstream \"%.*s\"; there is: %s", p->name,
              (int)c->args->upstream.len, c->args->upstream.p, mem);
    return false;
}

bool target_find(struct call *c, struct target *out)
{
    const struct settings *s = control_settings(c->a->control);
    struct target t = TARGET_ALL;

    for (size_t i = 0; i < s->n_pools; i++) {
        if (slice_eq(c->args->pool, slice_str(s->pools[i].name)))
            t.pool = i;
    }
    if (t.pool == SIZE_MAX)
        return no_pool(c, s);
    for (size_t i = 0; i < s->pools[t.pool].n_upstreams; i++) {
        if (slice_eq(c->args->upstream, slice_str(s->pools[t.pool].upstreams[i].name)))
            t.upstream = i;
    }
    if (c->args->upstream.len > 0 && t.upstream == SIZE_MAX)
        return no_upstream(c, &s->pools[t.pool]);
    *out = t;
    return true;
}

const char *target_name(const struct call *c, const struct target *t, char out[160])
{
    const struct pool_conf *p = &control_settings(c->a->control)->pools[t->pool];

    if (t->upstream == SIZE_MAX)
        (void)snprintf(out, 160, "%s", p->name);
    else
        (void)snprintf(out, 160, "%s/%s", p->name, p->upstreams[t->upstream].name);
    return out;
}
