/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the process: reload, drain, stop, log-level.  Control thread. */
#include <stdio.h>
#include <stdlib.h>

#include "call/call.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

static struct control_who who(const struct call *c, char line[COMMAND_LINE_MAX + 1])
{
    (void)snprintf(line, COMMAND_LINE_MAX + 1, "%.*s", (int)c->line.len, c->line.p);
    return (struct control_who){c->uid, line};
}

static void put_diagnostics(struct text *t, const struct conf_diagnostics *m)
{
    text_printf(t, "the running settings stay: %zu error%s in the file", m->n,
                m->n == 1 ? "" : "s");
    for (size_t i = 0; i < m->n; i++) {
        text_printf(t, "\n%s", m->list[i].file == NULL ? "" : m->list[i].file);
        if (m->list[i].line > 0)
            text_printf(t, ":%d", m->list[i].line);
        text_printf(t, ": %s", m->list[i].text);
    }
}

static void refuse_diagnostics(struct call *c, const struct conf_diagnostics *m)
{
    enum { ROOM = 64 * 1024 };
    char *mem = malloc(ROOM);
    struct text t;

    if (mem == NULL) {
        call_refuse(c, FAIL_REFUSED, "the running settings stay: the file has errors");
        return;
    }
    text_init(&t, mem, ROOM);
    put_diagnostics(&t, m);
    call_refuse(c, FAIL_REFUSED, mem);
    free(mem);
}

void run_reload(struct call *c, int param)
{
    char line[COMMAND_LINE_MAX + 1];
    struct control_who w = who(c, line);
    struct conf_diagnostics m = {0};
    struct buf notes = BUF_INIT;
    struct slice n;

    (void)param;
    if (!control_reload(c->a->control, &w, &m, &notes)) {
        refuse_diagnostics(c, &m);
    } else {
        n = buf_slice(&notes);
        call_done(c, "the settings are in force%s%.*s", n.len == 0 ? "" : "; ", (int)n.len, n.p);
    }
    conf_diagnostics_free(&m);
    buf_free(&notes);
}

void run_drain(struct call *c, int param)
{
    const struct settings *s = control_settings(c->a->control);
    char line[COMMAND_LINE_MAX + 1], delay[HUMAN_MAX];
    struct control_who w = who(c, line);

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
    struct control_who w = who(c, line);

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
