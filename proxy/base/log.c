/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/log_sink.h"
#include "weir/base/text.h"

enum { WAITING_BYTES = 256 * 1024 };
#define LAST_PATIENCE_NS (300 * NS_PER_MS)

static _Atomic int level = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped_before; /* of a sink that has ended */
static struct log_sink *_Atomic sink;   /* NULL: lines are written by whoever says them */

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

static void format_line(struct text *t, enum log_level l, const char *message)
{
    char when[RFC3339_MAX];

    (void)rfc3339_format(when, wall_now_ns());
    text_printf(t, "%s %-5s ", when, log_level_name(l));
    text_shown(t, slice_str(message)); /* a stranger's bytes may not forge a line */
    if (t->full)
        t->len = t->cap - 2;
    text_char(t, '\n');
}

static size_t told(char *to, size_t room, uint64_t n)
{
    char message[128];
    struct text t;

    (void)snprintf(message, sizeof message,
                   "%llu lines of this log were dropped: nobody took them in time",
                   (unsigned long long)n);
    text_init(&t, to, room);
    format_line(&t, LOG_LEVEL_WARN, message);
    return t.len;
}

bool log_start(void)
{
    struct log_sink *s = log_sink_create(STDERR_FILENO, false, WAITING_BYTES, told);

    atomic_store(&sink, s);
    return s != NULL;
}

void log_stop(void)
{
    struct log_sink *s = atomic_exchange(&sink, NULL);

    if (s != NULL)
        (void)atomic_fetch_add(&dropped_before, log_sink_destroy(&s, LAST_PATIENCE_NS));
}

void log_flush(void)
{
    struct log_sink *s = atomic_load(&sink);

    if (s != NULL)
        log_sink_flush(s, LAST_PATIENCE_NS);
}

struct log_sink *log_shared_sink(void)
{
    return atomic_load(&sink);
}

uint64_t log_dropped(void)
{
    struct log_sink *s = atomic_load(&sink);

    return atomic_load(&dropped_before) + (s == NULL ? 0 : log_sink_look(s).dropped);
}

/* Before there is a thread for it: still no longer than the other side takes it at once. */
static void write_now(struct slice line)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&p, 1, 0) != 1 || write(STDERR_FILENO, line.p, line.len) < 0)
        (void)atomic_fetch_add(&dropped_before, 1);
}

void log_write(enum log_level l, const char *fmt, ...)
{
    char line[2048], message[1800];
    struct log_sink *s;
    struct text t;
    va_list ap;

    if (l < log_get_level())
        return;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    text_init(&t, line, sizeof line);
    format_line(&t, l, message);
    s = atomic_load(&sink);
    if (s == NULL)
        write_now(text_slice(&t));
    else
        (void)log_sink_put(s, text_slice(&t), 0);
}
