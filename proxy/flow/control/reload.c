/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the settings anew: a new snapshot beside the running one, listeners opened and closed by
 * address, upstreams watched by slot; then every worker swaps.  A diagnostic changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/export.h"
#include "control/fleet.h"
#include "weir/base/memory.h"

/* What reading a file and making everything of it may take, generously. */
enum { RELOAD_ROOM_BYTES = 16 * 1024 * 1024 };

static void on_not_live(const char *text, void *arg)
{
    struct buf *notes = arg;

    log_info("%s", text);
    if (buf_append(notes, slice_str(text), 64 * 1024) != WEIR_OK ||
        buf_append(notes, SLICE_LIT("\n"), 64 * 1024) != WEIR_OK)
        log_warn("the notes of the reload are cut");
}

static void complain(const struct conf_diagnostics *m)
{
    for (size_t i = 0; i < m->n; i++)
        log_error("reload: %s:%d: %s", m->list[i].file, m->list[i].line, m->list[i].text);
    log_error("reload: the settings in force stay");
}

void control_refuse_reload(struct conf_diagnostics *m, const char *file, const char *why)
{
    conf_diagnostic(m, file, 0, "%s", why);
}

/* --- listeners */

static const struct snapshot_listener *listener_at(const struct snapshot *s, int slot)
{
    return s->by_slot[slot];
}

static bool open_new_listeners(struct control *c, const struct snapshot *next, char *why,
                               size_t room)
{
    for (size_t i = 0; i < next->settings->n_listeners; i++) {
        int slot = next->listeners[i].slot;

        if (listener_at(c->snapshot, slot) != NULL)
            continue;
        if (!flow_bind_listener(next->settings, i, c->workers.listen_fds[slot], why, room))
            return false;
    }
    return true;
}

static void close_listener(struct control *c, int slot)
{
    for (int w = 0; w < c->workers.n; w++) {
        if (c->workers.listen_fds[slot][w] != -1)
            (void)close(c->workers.listen_fds[slot][w]);
        c->workers.listen_fds[slot][w] = -1;
    }
}

/* Of the ones that only the refused settings had. */
static void close_new_listeners(struct control *c, const struct snapshot *next)
{
    for (int slot = 0; slot < SNAPSHOT_LISTENERS_MAX; slot++) {
        if (listener_at(next, slot) != NULL && listener_at(c->snapshot, slot) == NULL)
            close_listener(c, slot);
    }
}

static void swap_listeners(struct control *c, const struct snapshot *old,
                           const struct snapshot *next, struct worker_change **changes)
{
    for (int slot = 0; slot < SNAPSHOT_LISTENERS_MAX; slot++) {
        bool had = listener_at(old, slot) != NULL, has = listener_at(next, slot) != NULL;

        if (had == has)
            continue;
        for (int w = 0; w < c->workers.n; w++)
            worker_change_listener(changes[w], slot, has ? c->workers.listen_fds[slot][w] : -1);
        for (int w = 0; w < c->workers.n; w++) /* one that is no more: the worker closes its own */
            control_lend_listener(c, slot, w);
    }
}

/* --- upstreams */

bool control_has_upstream(const struct snapshot *s, int slot)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        for (size_t i = 0; i < s->pools[k].n_upstreams; i++) {
            if (s->pools[k].upstreams[i].slot == slot)
                return true;
        }
    }
    return false;
}

static bool is_gone(const struct snapshot *old, const struct snapshot *next, int slot)
{
    return control_has_upstream(old, slot) && !control_has_upstream(next, slot);
}

static void close_idle(const struct control *c, const struct snapshot *old,
                       const struct snapshot *next, struct worker_change **changes)
{
    for (int slot = 0; slot < SNAPSHOT_UPSTREAMS_MAX; slot++) {
        for (int w = 0; w < c->workers.n && is_gone(old, next, slot); w++)
            worker_change_close_idle(changes[w], slot);
    }
}

static void swap_upstreams(struct control *c, const struct snapshot *old)
{
    for (int slot = 0; slot < SNAPSHOT_UPSTREAMS_MAX; slot++) {
        if (is_gone(old, c->snapshot, slot))
            control_unwatch_upstream(c, slot);
    }
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        for (size_t i = 0; i < c->snapshot->pools[k].n_upstreams; i++) {
            struct snapshot_pool *p = &c->snapshot->pools[k];
            bool known = control_has_upstream(old, p->upstreams[i].slot);

            if (!(known ? control_rewatch_upstream(c, p, i) : control_watch_upstream(c, p, i)))
                log_error("no memory to look after an upstream: tried again each second");
        }
    }
}

/* --- pools */

static bool has_gate(const struct snapshot *s, const struct gate *g)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        if (s->pools[k].gate == g)
            return true;
    }
    return false;
}

/* Requests of a pool that is no more still wait and run there. */
static void keep_old_pools(struct control *c, struct snapshot *old)
{
    for (size_t k = 0; k < old->settings->n_pools; k++) {
        if (has_gate(c->snapshot, old->pools[k].gate) || c->n_old_pools == SNAPSHOT_POOLS_MAX)
            continue;
        c->old_pools[c->n_old_pools++] = (struct old_pool){old, &old->pools[k]};
        snapshot_ref(old);
    }
}

/* --- the swap */

/* A reload that is ready: from here on nothing of it can fail. */
struct ready {
    struct snapshot *next;
    struct snapshot_swap *swap;
    struct worker_change *changes[WORKERS_MAX];
};

static void forget(struct control *c, struct ready *r)
{
    for (int w = 0; w < c->workers.n; w++)
        worker_change_destroy(&r->changes[w]);
    free(r->swap);
    control_forget_reload(c, &r->next);
}

/* On control's loop, when every worker has the snapshot. */
static void on_swapped(struct loop_message *m)
{
    struct snapshot_swap *swap = LIST_OBJECT(m, struct snapshot_swap, message);

    snapshot_join(swap->snapshot, mono_now_ns());
    snapshot_unref(swap->snapshot);
    free(swap);
}

static bool make_changes(struct control *c, struct ready *r)
{
    r->swap = calloc(1, sizeof *r->swap);
    if (r->swap == NULL || !control_keep_names(c, r->next))
        return false;
    for (int w = 0; w < c->workers.n; w++) {
        r->changes[w] = worker_change_create(c->workers.list[w], r->next);
        if (r->changes[w] == NULL)
            return false;
    }
    return true;
}

static void tell_workers(struct control *c, const struct snapshot *old, struct ready *r)
{
    r->swap->message.deliver = on_swapped;
    r->swap->snapshot = r->next;
    r->swap->left = c->workers.n;
    snapshot_ref(r->next);
    close_idle(c, old, r->next, r->changes);
    swap_listeners(c, old, r->next, r->changes);
    for (int w = 0; w < c->workers.n; w++)
        worker_change_give(&r->changes[w], r->swap, c->loop);
}

static void put_in_force(struct control *c, struct ready *r)
{
    struct snapshot *old = c->snapshot, *next = r->next;

    control_take_pool_events(c); /* their places may be other upstreams' soon */
    snapshot_commit(next, loop_refresh_now(c->loop));
    c->snapshot = next;
    keep_old_pools(c, old);
    tell_workers(c, old, r);
    swap_upstreams(c, old);
    export_reload(c, old);
    control_fleet_reload(c, old);
    log_set_level(next->settings->log.level);
    control_judge(c);
    control_publish(c);
    snapshot_unref(old); /* workers and exchanges have references of their own */
}

struct snapshot *control_prepare_reload(struct control *c, struct conf_diagnostics *m,
                                        void (*not_live)(const char *sentence, void *arg),
                                        void *arg)
{
    struct settings *s;
    struct snapshot *next;
    char why[600];

    if (!memory_is_there(RELOAD_ROOM_BYTES)) {
        control_refuse_reload(m, c->snapshot->settings->file,
                              "there is no memory to read the settings");
        return NULL;
    }
    s = c->start.reread(m, c->start.arg);
    if (s == NULL)
        return NULL;
    (void)conf_not_live(c->snapshot->settings, s, not_live, arg);
    s->workers = c->snapshot->settings->workers;
    next = snapshot_create(&s, c->snapshot, &c->slots, why, sizeof why, loop_refresh_now(c->loop));
    if (next == NULL) {
        control_refuse_reload(m, s->file, why);
        settings_destroy(&s);
    }
    return next;
}

void control_forget_reload(struct control *c, struct snapshot **next)
{
    snapshot_abandon(*next, loop_now_ns(c->loop));
    snapshot_unref(*next);
    *next = NULL;
}

static bool prepare_and_bind(struct control *c, struct ready *r, struct conf_diagnostics *m,
                             struct buf *notes)
{
    char why[600] = "there is no memory for the change";

    r->next = control_prepare_reload(c, m, on_not_live, notes);
    if (r->next == NULL)
        return false;
    if (make_changes(c, r) && open_new_listeners(c, r->next, why, sizeof why))
        return true;
    control_refuse_reload(m, r->next->settings->file, why);
    close_new_listeners(c, r->next);
    forget(c, r);
    return false;
}

static void tell_manager(struct control *c, const char *what)
{
    if (c->start.notify != NULL)
        c->start.notify(what, c->start.arg);
}

void control_reload_now(struct control *c, struct conf_diagnostics *m, struct buf *notes)
{
    struct ready r = {0};

    tell_manager(c, "RELOADING");
    if (prepare_and_bind(c, &r, m, notes))
        put_in_force(c, &r);
    else
        complain(m);
    tell_manager(c, "READY"); /* with the new settings or with the old ones */
}
