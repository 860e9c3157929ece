/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's protocol (sd_notify(3)).  A sign of life is sent only while all workers give one of
 * their own: a control thread that still turns is no service.
 */
#include "service.h"

#include <stdlib.h>
#include <string.h>

#ifdef WEIR_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "weir/base/clock.h"
#include "weir/base/log.h"

#define LINE_EACH_NS    (5 * NS_PER_S) /* the state is told at once, its numbers so often */
#define WATCHDOG_MIN_NS (4 * NS_PER_S)

#ifdef WEIR_HAVE_SYSTEMD
static uint64_t watchdog_ns(void)
{
    uint64_t us;

    return sd_watchdog_enabled(0, &us) > 0 ? us * 1000 : 0;
}

/* With the time, as systemd 253 wants it of Type=notify-reload; older ones read past it. */
void service_notify(const char *what)
{
    if (strcmp(what, "READY") == 0)
        (void)sd_notify(0, "READY=1");
    else if (strcmp(what, "STOPPING") == 0)
        (void)sd_notify(0, "STOPPING=1");
    else if (strcmp(what, "RELOADING") == 0)
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                         (unsigned long long)(mono_now_ns() / 1000));
}

void service_moved(int pid)
{
    (void)sd_notifyf(0, "MAINPID=%d", pid);
}

static void tell_line(const char *line)
{
    (void)sd_notifyf(0, "STATUS=%s", line);
}

static void tell_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}
#else
static uint64_t watchdog_ns(void)
{
    return 0;
}

void service_notify(const char *what)
{
    (void)what;
}

void service_moved(int pid)
{
    (void)pid;
}

static void tell_line(const char *line)
{
    (void)line;
}

static void tell_alive(void)
{
}
#endif

void service_begin(struct service *s, bool successor)
{
    if (successor)
        (void)unsetenv("WATCHDOG_PID");
    *s = (struct service){.watchdog_ns = watchdog_ns()};
    if (s->watchdog_ns != 0 && s->watchdog_ns < WATCHDOG_MIN_NS) {
        log_warn(
            "the service manager waits %llu ms for a sign of life (WatchdogSec); weir gives one "
            "a second and finds a hanging worker in 2 s: 4 s is the least that makes sense",
            (unsigned long long)(s->watchdog_ns / NS_PER_MS));
    }
}

static void second_line(struct service *s, struct control *c, uint64_t now_ns)
{
    char line[SERVICE_LINE_MAX];
    size_t same;

    control_say_state(c, line, sizeof line);
    same = strcspn(line, ":");
    if (strcmp(line, s->line) == 0 ||
        (strncmp(line, s->line, same) == 0 && now_ns - s->line_ns < LINE_EACH_NS))
        return;
    memcpy(s->line, line, sizeof line);
    s->line_ns = now_ns;
    tell_line(line);
}

void service_second(struct service *s, struct control *c)
{
    second_line(s, c, mono_now_ns());
    if (s->watchdog_ns != 0 && control_workers_live(c, s->watchdog_ns / 2))
        tell_alive();
}
