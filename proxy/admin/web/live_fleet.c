/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an open live page is told of the fleet: once a second, in a large fleet less often, and only
 * while a page is open.  However many pages there are, the nodes are asked for once.  Control
 * thread.
 */
#include <stdlib.h>

#include "show/fleet_look.h"
#include "web/web_priv.h"
#include "weir/base/clock.h"

enum { NODES_SHOWN = 64 };

/* The answer may come when the endpoint is no more. */
struct live_ask {
    struct web *web;
};

static void frame(struct text *t, struct admin *a, const void *look)
{
    text_str(t, "event: fleet\ndata: ");
    show_fleet_look_json(t, a, look);
    text_str(t, "\n\n");
}

static void tell(struct web *w, const struct fleet_members *m)
{
    const struct fleet_look look = {.m = m, .most = NODES_SHOWN};

    web_tell(w, frame, &look);
}

static void on_members(const struct fleet_members *m, void *arg)
{
    struct live_ask *ask = arg;

    if (ask->web != NULL) {
        ask->web->ask = NULL;
        tell(ask->web, m);
    }
    free(ask);
}

static void ask(struct web *w, const struct fleet_view *f)
{
    uint64_t now = loop_now_ns(control_loop(w->a->control));
    uint64_t pause_ns = 2 * f->period_ns > NS_PER_S ? 2 * f->period_ns : 0;

    if (w->ask != NULL || now < w->ask_due_ns)
        return;
    w->ask_due_ns = now + pause_ns;
    w->ask = calloc(1, sizeof *w->ask);
    if (w->ask == NULL)
        return;
    w->ask->web = w;
    if (!control_fleet_members(w->a->control, on_members, w->ask)) {
        free(w->ask);
        w->ask = NULL;
    }
}

void live_fleet(struct web *w)
{
    const struct fleet_view *f;

    if (w->n_pages == 0)
        return;
    f = control_status(w->a->control)->fleet;
    if (f == NULL)
        return;
    if (f->state == FLEET_JOINED)
        ask(w, f);
    else
        tell(w, NULL);
}

void live_fleet_end(struct web *w)
{
    if (w->ask != NULL)
        w->ask->web = NULL;
    w->ask = NULL;
}
