/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include <stdint.h>

#include "weir/flow/run.h"

/*
 * What the service manager (systemd, NOTIFY_SOCKET) hears: ready, reloading, ending, the state in a
 * line, and that the threads are alive.  Nothing where there is none.  Control's thread.
 */
enum { SERVICE_LINE_MAX = 120 };
struct service {
    uint64_t watchdog_ns; /* how long it waits for a sign of life; 0 = it does not */
    uint64_t line_ns;     /* when the line was sent */
    char line[SERVICE_LINE_MAX];
};

/*
 * Reads the environment; before the workers.  `successor`: of a hot restart, whose environment
 * names the process before it (WATCHDOG_PID).
 */
void service_begin(struct service *s, bool successor);
/* `what` as in control_start.notify. */
void service_notify(const char *what);
/* The service goes on under this number. */
void service_moved(int pid);
/* Once a second. */
void service_second(struct service *s, struct control *c);

#endif
