/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the process: drain, stop, log-level.  Control thread. */
#include "call/call.h"
#include "socket/socket.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

/* --- upgrade: the answer comes when the next weir has taken over, or has not */

static void on_upgraded(bool done, const char *sentence, void *arg)
{
    static const struct command_args args = {.row = &command_rows[COMMAND_UPGRADE]};
    struct socket_hold *hold = arg;
    struct call c;

    if (!socket_hold_take(&hold, &c))
        return;
    c.args = &args;
    c.line = SLICE_LIT("upgrade");
    if (done)
        call_done(&c, "%s", sentence);
    else
        call_refuse(&c, FAIL_REFUSED, sentence);
    socket_answered(&c);
}

void run_upgrade(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1];
    struct control_who w = call_who(c, line);
    struct socket_hold *hold = socket_hold(c);
    struct call unused;
    const char *why = "there is no memory for the answer";

    (void)param;
    if (hold != NULL && control_upgrade(c->a->control, &w, on_upgraded, hold, &why))
        return;
    if (hold != NULL)
        (void)socket_hold_take(&hold, &unused);
    c->state = CALL_ANSWERED;
    call_fail(c, FAIL_REFUSED, "%s", why);
}

/* --- its end */

void run_drain(struct call *c, int param)
{
    const struct settings *s = control_settings(c->a->control);
    char line[COMMAND_LINE_MAX + 1], delay[HUMAN_MAX];
    struct control_who w = call_who(c, line);

    (void)param;
    control_drain(c->a->control, &w);
    call_done(c,
              "draining: not ready from now, nothing new %s%s; the process ends when the last "
              "stream has",
              s->drain_delay_ns == 0 ? "" : "in ",
              s->drain_delay_ns == 0 ? "either" : human_duration(delay, s->drain_delay_ns));
}

void run_stop(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1];
    struct control_who w = call_who(c, line);

    (void)param;
    control_stop(c->a->control, &w);
    call_done(c, "stopping");
}

void run_log_level(struct call *c, int param)
{
    enum log_level next = LOG_LEVEL_DEBUG;

    (void)param;
    while (next < LOG_LEVEL_ERROR &&
           !slice_eq(c->args->choices[0], slice_str(log_level_name(next))))
        next++;
    if (next < log_get_level()) /* the line that tells of the change is not lost by it */
        log_set_level(next);
    call_done(c, "the event log says what is %s and above", log_level_name(next));
    log_set_level(next);
}
