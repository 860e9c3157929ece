/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the memory under the ceiling that was printed at the start: ten times a second control
 * looks at what the process has in RAM; from nine tenths on the workers take nothing new until it
 * is less.  Control thread.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "control/control_priv.h"

#define TRIM_EVERY_NS (2 * NS_PER_S)

void memory_watch_open(struct memory_watch *m, uint64_t most)
{
    *m = (struct memory_watch){.most = most};
    m->fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void memory_watch_close(struct memory_watch *m)
{
    if (m->fd > 0)
        (void)close(m->fd);
    m->fd = -1;
}

/* 0: the kernel does not tell. */
static uint64_t resident(const struct memory_watch *m)
{
    char text[128];
    unsigned long long size, pages;
    ssize_t n = m->fd > 0 ? pread(m->fd, text, sizeof text - 1, 0) : -1;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%llu %llu", &size, &pages) != 2)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void control_watch_memory(struct control *c)
{
    struct memory_watch *m = &c->memory;
    uint64_t now = loop_now_ns(c->loop), bytes = resident(m);
    bool is_short = bytes > m->most / 10 * (m->is_short ? 8 : 9);

    if (is_short && now - m->trimmed_ns >= TRIM_EVERY_NS) {
        m->trimmed_ns = now;
        (void)malloc_trim(0); /* what was freed goes back to the machine */
        bytes = resident(m);
        is_short = bytes > m->most / 10 * (m->is_short ? 8 : 9);
    }
    if (is_short == m->is_short)
        return;
    m->is_short = is_short;
    for (int w = 0; w < c->workers.n; w++)
        worker_set_memory_short(c->workers.list[w], is_short);
    if (is_short)
        log_warn("%llu MiB of memory are in use, %llu are the most: nothing new is taken",
                 (unsigned long long)(bytes >> 20), (unsigned long long)(m->most >> 20));
    else
        log_info("memory is less again: connections and requests are taken");
}
