/* SPDX-License-Identifier: Apache-2.0 */
/* `canary ... start, promote, rollback`: the commands.  What is shown of it: show/canary.c. */
#include "call/target.h"
#include "weir/admin/human.h"

enum { WHY_MAX = 400 };

/* Of the pool that the command was about, as it is now. */
static const struct canary_status *canary_of(struct call *c, const struct target *t)
{
    return &control_status(c->a->control)->pools[t->pool].canary;
}

/* What its share leaves unseen. */
static const char *smaller_says(const struct canary_view *v)
{
    return v->most < v->natural
               ? "; at that share it carries less than its peers: what only shows under their load "
                 "is not seen"
               : "";
}

void run_canary_start(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], name[160], span[HUMAN_MAX];
    struct control_who w = call_who(c, line);
    double most = c->args->number == 0 ? 1 : (double)c->args->number / 100;
    const struct canary_view *v;
    struct target t;

    (void)param;
    if (!target_find(c, &t))
        return;
    if (!control_canary_start(c->a->control, &w, t.pool, t.upstream, most, c->args->for_ns, why,
                              sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    v = &canary_of(c, &t)->v;
    call_done(
        c,
        "%s: canary begun: %.0f %% of the requests by lot, step by step up to %.0f %%; within "
        "%s it is promoted or rolled back%s",
        target_name(c, &t, name), 100 * v->share,
        100 * (v->most < v->natural ? v->most : v->natural), human_duration(span, c->args->for_ns),
        smaller_says(v));
}

void run_canary_end(struct call *c, int promote)
{
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], name[160];
    struct control_who w = call_who(c, line);
    struct target t;

    if (!target_find(c, &t))
        return;
    if (!control_canary_end(c->a->control, &w, t.pool, t.upstream, promote != 0, why, sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    call_done(c, "%s: canary %s", target_name(c, &t, name),
              promote != 0 ? "promoted: it is an upstream like its peers"
                           : "rolled back: drained, what runs there goes on; upstream ... undrain "
                             "takes it in again");
}
