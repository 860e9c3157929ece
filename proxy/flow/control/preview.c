/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload would do: the file is read and everything made of it, as a reload does, compared
 * with what is in force and with what runs, and dropped again.
 */
#include <stdarg.h>
#include <stdio.h>

#include "control/control_priv.h"

struct preview {
    struct control *c;
    const struct reload_preview *to;
    const struct snapshot *now, *next;
};

static void say(const struct preview *v, const char *fmt, ...) WEIR_PRINTF(2, 3);

static void say(const struct preview *v, const char *fmt, ...)
{
    char sentence[600];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    v->to->effect(sentence, v->to->arg);
}

static const char *requests(uint32_t n, char out[40])
{
    if (n == 0)
        return "no request is under way there";
    (void)snprintf(out, 40,
                   n == 1 ? "the request there ends as it would"
                          : "the %u requests there end as they would",
                   n);
    return out;
}

/* --- upstreams */

static uint32_t inflight(const struct preview *v, const struct snapshot_pool *p, size_t i)
{
    struct upstream_view view;
    struct pool *pool = gate_lock(p->gate);

    pool_upstream_view(pool, p->upstreams[i].place, &view, loop_now_ns(v->c->loop));
    gate_unlock(p->gate);
    return view.inflight + view.system;
}

static void upstream_goes(const struct preview *v, const struct snapshot_pool *was, size_t i,
                          const struct snapshot_pool *is)
{
    const char *name = was->upstreams[i].conf->name;
    bool moved = snapshot_upstream_named(is, slice_str(name)) != NULL;
    char n[40];

    say(v, "%s/%s %s: nothing new goes to %s, %s", was->conf->name, name,
        moved ? "moves" : "is taken out", was->upstreams[i].conf->url,
        requests(inflight(v, was, i), n));
}

static void upstream_comes(const struct preview *v, const struct snapshot_pool *is, size_t i)
{
    const struct snapshot_upstream *u = &is->upstreams[i];

    if (is->conf->decide.ramp.enforce)
        say(v,
            "%s/%s is new at %s: it comes in by the ramp, from %.0f %% of what is known of its "
            "peers",
            is->conf->name, u->conf->name, u->conf->url, 100 * is->conf->decide.ramp.start);
    else
        say(v, "%s/%s is new at %s: it gets its part at once, for the ramp is only observed",
            is->conf->name, u->conf->name, u->conf->url);
}

static void upstream_stays(const struct preview *v, const struct snapshot_pool *is, size_t i,
                           const struct snapshot_pool *was)
{
    uint32_t most = is->upstreams[i].conf->max_streams, n;

    for (size_t k = 0; k < was->n_upstreams; k++) {
        if (was->upstreams[k].slot != is->upstreams[i].slot)
            continue;
        n = inflight(v, was, k);
        if (n > most)
            say(v,
                "%s/%s has %u requests and max_streams becomes %u: nothing new goes there until "
                "%u have ended",
                is->conf->name, is->upstreams[i].conf->name, n, most, n - most + 1);
    }
}

/* --- pools */

static const struct snapshot_pool *pool_of(const struct snapshot *s, const struct gate *g)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        if (s->pools[k].gate == g)
            return &s->pools[k];
    }
    return NULL;
}

static void pool_goes(const struct preview *v, const struct snapshot_pool *p)
{
    uint32_t n = 0;
    char text[40];

    for (size_t i = 0; i < p->n_upstreams; i++)
        n += inflight(v, p, i);
    say(v, "pool %s is taken out: %s, and what waits there is still served", p->conf->name,
        requests(n, text));
}

static void say_pools(const struct preview *v)
{
    for (size_t k = 0; k < v->now->settings->n_pools; k++) {
        const struct snapshot_pool *was = &v->now->pools[k], *is = pool_of(v->next, was->gate);

        if (is == NULL)
            pool_goes(v, was);
        for (size_t i = 0; is != NULL && i < was->n_upstreams; i++) {
            if (!control_has_upstream(v->next, was->upstreams[i].slot))
                upstream_goes(v, was, i, is);
        }
    }
    for (size_t k = 0; k < v->next->settings->n_pools; k++) {
        const struct snapshot_pool *is = &v->next->pools[k], *was = pool_of(v->now, is->gate);

        if (was == NULL)
            say(v, "pool %s is new, and knows nothing of its upstreams yet", is->conf->name);
        for (size_t i = 0; was != NULL && i < is->n_upstreams; i++) {
            if (control_has_upstream(v->now, is->upstreams[i].slot))
                upstream_stays(v, is, i, was);
            else
                upstream_comes(v, is, i);
        }
    }
}

/* --- listeners */

static void say_listeners(const struct preview *v)
{
    for (int slot = 0; slot < SNAPSHOT_LISTENERS_MAX; slot++) {
        const struct snapshot_listener *was = v->now->by_slot[slot], *is = v->next->by_slot[slot];

        if (was != NULL && is == NULL)
            say(v, "the listener %s closes: new connections are refused there, open ones stay",
                was->conf->address);
        else if (was == NULL && is != NULL)
            say(v, "the listener %s opens", is->conf->address);
        else if (was != NULL && was->tls != NULL && is->tls != NULL &&
                 !tls_server_same_certificates(was->tls, is->tls))
            say(v, "the listener %s shows new certificates to new connections", is->conf->address);
    }
}

static bool listeners_can_open(const struct preview *v, struct conf_diagnostics *m)
{
    char why[600];

    for (size_t i = 0; i < v->next->settings->n_listeners; i++) {
        if (v->now->by_slot[v->next->listeners[i].slot] == NULL &&
            !flow_probe_listener(v->next->settings, i, why, sizeof why)) {
            control_refuse_reload(m, v->next->settings->file, why);
            return false;
        }
    }
    return true;
}

static bool look(const struct preview *v, struct conf_diagnostics *m)
{
    if (!listeners_can_open(v, m))
        return false;
    if (!conf_compare(v->now->settings, v->next->settings, v->to->change, v->to->arg)) {
        control_refuse_reload(m, v->next->settings->file, "there is no memory to compare settings");
        return false;
    }
    say_pools(v);
    say_listeners(v);
    return true;
}

bool control_preview_reload(struct control *c, const struct reload_preview *p,
                            struct conf_diagnostics *m)
{
    struct snapshot *next = control_prepare_reload(c, m, p->effect, p->arg);
    struct preview v = {c, p, c->snapshot, next};
    bool ok;

    if (next == NULL)
        return false;
    ok = look(&v, m);
    control_forget_reload(c, &next);
    return ok;
}
