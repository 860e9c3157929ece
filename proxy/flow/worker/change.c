/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's share of new settings: made on control's thread before the settings are in force, with
 * all the memory it takes, so that from there on nothing can fail; carried out and freed on the
 * worker's.
 */
#include <stdlib.h>

#include "client/client.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

struct worker_change {
    struct loop_message message;
    struct worker *w;
    struct snapshot_use *use;
    struct snapshot_swap *swap;
    struct loop *reply_to;
    struct {
        bool changes;
        int fd; /* -1: it ends */
    } listeners[SNAPSHOT_LISTENERS_MAX];
    bool close_idle[SNAPSHOT_UPSTREAMS_MAX];
};

static void put_in_force(struct worker_change *ch)
{
    struct worker *w = ch->w;
    struct snapshot_use *old = w->use;

    w->use = ch->use;
    ch->use = NULL;
    w->snapshot = w->use->snapshot;
    snapshot_use_retire(&old);
    clients_settings_changed(w);
    if (atomic_fetch_sub_explicit(&ch->swap->left, 1, memory_order_acq_rel) == 1)
        loop_post(ch->reply_to, &ch->swap->message);
}

static void swap_listener(struct worker *w, int slot, int fd)
{
    if (fd == -1)
        worker_unlisten(w, slot);
    else if (!worker_listen(w, slot, fd))
        log_error("worker %d: no memory to accept at a new listener: tried again each second",
                  w->index);
}

static void deliver(struct loop_message *m)
{
    struct worker_change *ch = LIST_OBJECT(m, struct worker_change, message);

    put_in_force(ch);
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if (ch->listeners[i].changes)
            swap_listener(ch->w, i, ch->listeners[i].fd);
    }
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++) {
        if (ch->close_idle[i])
            upstream_close_idle(ch->w, i);
    }
    free(ch);
}

struct worker_change *worker_change_create(struct worker *w, struct snapshot *next)
{
    struct worker_change *ch = calloc(1, sizeof *ch);

    if (ch == NULL)
        return NULL;
    ch->message.deliver = deliver;
    ch->w = w;
    ch->use = snapshot_use_create(next);
    if (ch->use == NULL)
        worker_change_destroy(&ch);
    return ch;
}

void worker_change_listener(struct worker_change *ch, int slot, int fd)
{
    ch->listeners[slot].changes = true;
    ch->listeners[slot].fd = fd;
}

void worker_change_close_idle(struct worker_change *ch, int slot)
{
    ch->close_idle[slot] = true;
}

void worker_change_give(struct worker_change **chp, struct snapshot_swap *swap,
                        struct loop *reply_to)
{
    struct worker_change *ch = *chp;

    *chp = NULL;
    ch->swap = swap;
    ch->reply_to = reply_to;
    loop_post(ch->w->loop, &ch->message);
}

void worker_change_destroy(struct worker_change **chp)
{
    struct worker_change *ch = *chp;

    *chp = NULL;
    if (ch == NULL)
        return;
    if (ch->use != NULL)
        snapshot_use_retire(&ch->use);
    free(ch);
}
