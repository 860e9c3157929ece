/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/text.h"

static _Atomic int level = LOG_LEVEL_INFO;

void log_set_level(enum log_level l)
{
    atomic_store_explicit(&level, (int)l, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&level, memory_order_relaxed);
}

const char *log_level_name(enum log_level l)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[l];
}

void log_write(enum log_level l, const char *fmt, ...)
{
    char line[2048], when[RFC3339_MAX], message[1800];
    struct text t;
    va_list ap;

    if (l < log_get_level())
        return;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    for (char *p = message; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?'; /* a stranger's bytes may not forge a line */
    }
    (void)rfc3339_format(when, wall_now_ns());
    text_init(&t, line, sizeof line);
    text_printf(&t, "%s %-5s %s\n", when, log_level_name(l), message);
    if (write(STDERR_FILENO, t.at, t.len) < 0)
        return; /* nowhere left to say it */
}
