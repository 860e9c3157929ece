/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's hand: every command that changes something.  Control thread. */
#include <stdio.h>
#include <string.h>

#include "call/target.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

enum { WHY_MAX = 400 };

/* " for 30 min, until 03:42:10Z"; "" where there is no end. */
static const char *deadline(uint64_t for_ns, char out[96])
{
    char span[HUMAN_MAX], until[HUMAN_MAX];
    uint64_t now = wall_now_ns();

    out[0] = '\0';
    if (for_ns != 0)
        (void)snprintf(out, 96, " for %s, until %s", human_duration(span, for_ns),
                       human_time(until, now + for_ns, now));
    return out;
}

static const char *const order_says[] = {
    [OPERATOR_BREAKER_OPEN] = "breaker held open",
    [OPERATOR_BREAKER_CLOSE] = "breaker forced closed, its trip rules are off",
    [OPERATOR_BREAKER_AUTO] = "breaker given back to the rules",
    [OPERATOR_RAMP_START] = "ramp begun",
    [OPERATOR_RAMP_HOLD] = "share frozen where it is",
    [OPERATOR_RAMP_RESUME] = "share goes on by the rules",
    [OPERATOR_RAMP_SET] = "share put and held",
    [OPERATOR_RAMP_FINISH] = "share put to 100 %",
    [OPERATOR_RAMP_ABORT] = "ramp aborted, breaker open",
    [OPERATOR_DRAIN] = "drained: nothing new goes there, what runs goes on",
    [OPERATOR_UNDRAIN] = "taken in again, through the ramp",
    [OPERATOR_LIMIT_STREAMS] = "limit of open streams set",
};

static double command_value(enum pool_command o, uint64_t number)
{
    return o == OPERATOR_RAMP_SET ? (double)number / 100 : (double)number;
}

static void command_number(enum pool_command o, uint64_t number, char out[32])
{
    out[0] = '\0';
    if (o == OPERATOR_RAMP_SET)
        (void)snprintf(out, 32, " at %u %%", (unsigned)number);
    else if (o == OPERATOR_LIMIT_STREAMS)
        (void)snprintf(out, 32, " to %u", (unsigned)number);
}

void run_operator(struct call *c, int param)
{
    enum pool_command o = (enum pool_command)param;
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], name[160], until[96], number[32];
    struct control_who w = call_who(c, line);
    struct target t;

    if (!target_find(c, &t))
        return;
    if (!control_command(c->a->control, &w, t.pool, t.upstream, o,
                         command_value(o, c->args->number), c->args->for_ns, why, sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    command_number(o, c->args->number, number);
    call_done(c, "%s: %s%s%s%s", target_name(c, &t, name), order_says[o], number,
              deadline(c->args->for_ns, until), control_fleet_reach(c->a->control, &w));
}

void run_limit_auto(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], name[160];
    struct control_who w = call_who(c, line);
    struct target t;

    (void)param;
    if (!target_find(c, &t))
        return;
    if (!control_command(c->a->control, &w, t.pool, t.upstream, OPERATOR_LIMIT_STREAMS, 0, 0, why,
                         sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    call_done(c, "%s: limit given back to the rules%s", target_name(c, &t, name),
              control_fleet_reach(c->a->control, &w));
}

static enum pool_rule_set rule_set(struct slice name)
{
    static const char *const names[SET_COUNT] = {
        [SET_BREAKER] = "breaker",
        [SET_LIMITER] = "limiter",
        [SET_RAMP] = "ramp",
        [SET_QUEUE] = "queue",
    };
    int i = 0;

    while (i < SET_COUNT - 1 && !slice_eq(name, slice_str(names[i])))
        i++;
    return (enum pool_rule_set)i;
}

/* Does an operator command override this rule now?  Not where it says what the settings say
 * already. */
static bool mode_is_ordered(struct call *c, size_t pool, struct slice rule)
{
    const struct pool_status *p = &control_status(c->a->control)->pools[pool];
    const struct slice mark = SLICE_LIT("mode ");

    for (int i = 0; i < p->n_overrides; i++) {
        struct slice what = slice_str(p->overrides[i].what);
        if (slice_starts(what, mark) && slice_starts(slice_from(what, mark.len), rule))
            return true;
    }
    return false;
}

void run_mode(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], until[96];
    struct control_who w = call_who(c, line);
    struct slice rule = c->args->choices[0], mode = c->args->choices[1];
    bool enforce = slice_eq(mode, SLICE_LIT("enforce"));
    struct target t;

    (void)param;
    if (!target_find(c, &t))
        return;
    if (!control_mode(c->a->control, &w, t.pool, rule_set(rule), enforce, c->args->for_ns, why,
                      sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    call_done(c, "%.*s: the %.*s %s%s%s", (int)c->args->pool.len, c->args->pool.p, (int)rule.len,
              rule.p,
              enforce ? "enforces" : "only looks on: it decides and counts, and refuses nothing",
              mode_is_ordered(c, t.pool, rule) ? deadline(c->args->for_ns, until)
                                               : ", as the settings say",
              control_fleet_reach(c->a->control, &w));
}

void run_incident(struct call *c, int set)
{
    char line[COMMAND_LINE_MAX + 1], why[WHY_MAX], until[96], text[COMMAND_TEXT_MAX + 1];
    char shown[4 * sizeof text];
    struct control_who w = call_who(c, line);
    struct target t;
    struct text as_shown;

    if (!target_find(c, &t))
        return;
    (void)snprintf(text, sizeof text, "%.*s", (int)c->args->text.len, c->args->text.p);
    if (!control_incident(c->a->control, &w, t.pool, set ? text : NULL, c->args->for_ns, why,
                          sizeof why)) {
        call_refuse(c, FAIL_REFUSED, why);
        return;
    }
    text_init(&as_shown, shown, sizeof shown);
    text_shown(&as_shown, slice_str(text));
    if (set)
        call_done(c, "%.*s: users now read \"%s\"%s%s", (int)c->args->pool.len, c->args->pool.p,
                  shown, deadline(c->args->for_ns, until), control_fleet_reach(c->a->control, &w));
    else
        call_done(c, "%.*s: the incident text is gone%s", (int)c->args->pool.len, c->args->pool.p,
                  control_fleet_reach(c->a->control, &w));
}
