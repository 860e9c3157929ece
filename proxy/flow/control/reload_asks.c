/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks for a reload, and how often one is made: the first at once, those of the next moment
 * together.  A hundred a second cost what four do, and each who asked hears of a reading that began
 * after it had asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/control_priv.h"

enum { REST_MS = 250, TEXT_MAX = 120 };

struct ask {
    struct list node;
    unsigned uid;
    char text[TEXT_MAX];
    control_reloaded_fn *fn; /* NULL: nobody waits for the answer */
    void *arg;
};

static struct ask *first_of(struct list *asks)
{
    return LIST_OBJECT(asks->next, struct ask, node);
}

static void answer(struct list *asks, const struct conf_diagnostics *m, struct slice notes)
{
    while (!list_empty(asks)) {
        struct ask *a = first_of(asks);

        list_remove(&a->node);
        if (a->fn != NULL)
            a->fn(m, notes, a->arg);
        free(a);
    }
}

static void say_who(struct list *asks)
{
    struct ask *first = first_of(asks);
    char more[40] = "";
    unsigned n = 0;

    LIST_EACH(node, asks)
    n++;
    if (n > 1)
        (void)snprintf(more, sizeof more, ", and %u more who asked", n - 1);
    log_info("reload by uid %u: %s%s: reading the settings anew", first->uid, first->text, more);
}

static void reload_for_all(struct control *c)
{
    struct conf_diagnostics m = {0};
    struct buf notes = BUF_INIT;
    struct list asks; /* who asks from now on comes next time */
    unsigned uid = first_of(&c->reloads.asks)->uid;

    list_init(&asks);
    while (!list_empty(&c->reloads.asks)) {
        struct list *node = c->reloads.asks.next;

        list_remove(node);
        list_push_back(&asks, node);
    }
    c->reloads.by_signal = false;
    say_who(&asks);
    control_reload_now(c, &m, &notes);
    if (m.n == 0)
        control_say(c, "", "", "reload", "the settings were read anew (uid %u)", uid);
    c->reloads.ended_ns = loop_refresh_now(c->loop);
    answer(&asks, &m, buf_slice(&notes));
    conf_diagnostics_free(&m);
    buf_free(&notes);
}

static void on_rest(void *arg)
{
    struct control *c = arg;

    if (list_empty(&c->reloads.asks))
        return;
    if (c->upgrade.state == UPGRADE_STARTING || c->upgrade.state == UPGRADE_SWITCHING)
        loop_timer_at(&c->reloads.rest, loop_now_ns(c->loop) + REST_MS * NS_PER_MS);
    else
        reload_for_all(c);
}

bool control_reload(struct control *c, const struct control_who *who, control_reloaded_fn *fn,
                    void *arg)
{
    struct ask *a = calloc(1, sizeof *a);
    uint64_t now = loop_refresh_now(c->loop), due;

    if (a == NULL)
        return false;
    a->uid = who->uid;
    a->fn = fn;
    a->arg = arg;
    (void)snprintf(a->text, sizeof a->text, "%s", who->text);
    list_push_back(&c->reloads.asks, &a->node);
    due = c->reloads.ended_ns == 0 ? now : c->reloads.ended_ns + REST_MS * NS_PER_MS;
    loop_timer_at(&c->reloads.rest, due > now ? due : now);
    return true;
}

void control_reload_by_signal(struct control *c)
{
    struct control_who who = {.uid = (unsigned)getuid(), .text = "SIGHUP"};

    if (c->reloads.by_signal || c->upgrade.state == UPGRADE_DONE)
        return; /* the settings in force are those of the process that took over */
    c->reloads.by_signal = true;
    if (!control_reload(c, &who, NULL, NULL))
        log_error("the reload that SIGHUP asked for is not made: out of memory");
}

void control_reloads_begin(struct control *c)
{
    list_init(&c->reloads.asks);
    loop_timer_init(&c->reloads.rest, c->loop, on_rest, c);
}

void control_reloads_end(struct control *c)
{
    struct conf_diagnostics m = {0};

    loop_timer_stop(&c->reloads.rest);
    control_refuse_reload(&m, "", "weir ends");
    answer(&c->reloads.asks, &m, SLICE_NONE);
    conf_diagnostics_free(&m);
}
