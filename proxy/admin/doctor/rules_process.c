/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor looks for in the process, and at commands in force.  Pure. */
#include <stdio.h>

#include "doctor/doctor.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

enum { CERTIFICATE_DAYS = 10 };

bool doctor_fds(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_process *p = n->process;

    if (p->fds_most <= 0 || p->fds < 0.8 * p->fds_most)
        return false;
    SEEN(f, "%.0f of %.0f descriptors are open", p->fds, p->fds_most);
    ACT(f, "raise LimitNOFILE= of the unit (ulimit -n), or lower limits.connections");
    return true;
}

bool doctor_memory(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_process *p = n->process;

    if (p->memory_most <= 0 || p->memory < 0.75 * p->memory_most)
        return false;
    SEEN(f, "%.0f MiB of memory are in use, %.0f MiB are the most", p->memory / 1048576,
         p->memory_most / 1048576);
    ACT(f, "raise limits.memory where the machine has more, else lower limits.connections, "
           "limits.spool or limits.buffer");
    return true;
}

bool doctor_root(const struct doctor_numbers *n, struct finding *f)
{
    if (!n->process->is_root)
        return false;
    SEEN(f, "weir runs as root");
    ACT(f, "set user = \"weir\", or User= in the unit; ports below 1024 are bound before");
    return true;
}

bool doctor_sandbox(const struct doctor_numbers *n, struct finding *f)
{
    if (n->process->sandbox)
        return false;
    SEEN(f, "the sandbox is switched off");
    ACT(f, "take out sandbox = false and start again");
    return true;
}

bool doctor_clock(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_process *p = n->process;
    char ago[HUMAN_MAX];

    if (p->clock_jumps == 0)
        return false;
    SEEN(f, "the date jumped %u time%s since the start, the last time by %+.1f s, %s ago",
         p->clock_jumps, p->clock_jumps == 1 ? "" : "s", p->clock_jump_s,
         human_duration(ago, (uint64_t)(p->clock_jump_age_s * (double)NS_PER_S)));
    ACT(f, "look at the time service (chronyc tracking, timedatectl); a machine that was "
           "suspended jumps as well");
    return true;
}

bool doctor_certificate(const struct doctor_numbers *n, struct finding *f)
{
    double days = n->process->certificate_days;

    if (days == 0 || days >= CERTIFICATE_DAYS)
        return false;
    if (days < 0)
        SEEN(f, "a listener's certificate ended %.1f days ago", -days);
    else
        SEEN(f, "a listener's certificate ends in %.1f days", days);
    ACT(f, "put the new one in the same file, then weirctl reload");
    return true;
}

bool doctor_access_log(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_process *p = n->process;

    if (p->access_log_error[0] != '\0') {
        SEEN(f, "the access log cannot be written: %s", p->access_log_error);
        ACT(f, "make room or mend the rights of log.access, then send SIGUSR1");
        return true;
    }
    if (p->access_dropped == 0)
        return false;
    SEEN(f, "%llu lines of the access log were dropped since the start",
         (unsigned long long)p->access_dropped);
    ACT(f, "write log.access to a faster file, or to syslog");
    return true;
}

bool doctor_event_log(const struct doctor_numbers *n, struct finding *f)
{
    if (n->process->events_dropped == 0)
        return false;
    SEEN(f, "%llu lines of the event log were dropped since the start",
         (unsigned long long)n->process->events_dropped);
    ACT(f, "see who reads stderr, or lower log.level");
    return true;
}

bool doctor_state(const struct doctor_numbers *n, struct finding *f)
{
    if (n->process->state_error[0] == '\0')
        return false;
    SEEN(f, "the state file cannot be written: %s", n->process->state_error);
    ACT(f, "let weir's user write the folder of state.path");
    return true;
}

bool doctor_spans(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_process *p = n->process;

    if (!p->traces || (p->trace_error[0] == '\0' && p->spans_dropped == 0))
        return false;
    if (p->trace_error[0] != '\0')
        SEEN(f, "spans cannot be sent to the collector (%s), %llu were dropped", p->trace_error,
             (unsigned long long)p->spans_dropped);
    else
        SEEN(f, "%llu spans were dropped since the start", (unsigned long long)p->spans_dropped);
    ACT(f, "see that tracing.endpoint takes OTLP over HTTP as JSON, or lower tracing.sample");
    return true;
}

bool doctor_override(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_override *o = n->override;
    char left[HUMAN_MAX];

    if (o->left_s > 0)
        SEEN(f, "%s, commanded by %s, for another %s", o->what, o->by,
             human_duration(left, (uint64_t)(o->left_s * (double)NS_PER_S)));
    else
        SEEN(f, "%s, commanded by %s, without an end", o->what, o->by);
    ACT(f, "take it back when it is not meant any more (weirctl help: breaker auto, upstream "
           "undrain, ramp resume, limit auto, mode)");
    return true;
}
