/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMPARE_HELD_H
#define BENCH_COMPARE_HELD_H

#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/slice.h"

/* Bytes that wait for their time, all equally long: first in, first out.  Pure but for memory. */
struct held {
    struct list node;
    uint64_t due_ns, whose; /* a connection by its number: descriptors are used again */
    int fd;
    size_t n;
    char bytes[];
};

void held_add(struct list *all, int fd, uint64_t whose, uint64_t due_ns, struct slice bytes);
/* The first one when its time has come, off the list; the caller frees it.  NULL: none is due. */
struct held *held_take(struct list *all, uint64_t now_ns);
/* Milliseconds until the next is due, for epoll; -1: there is none. */
int held_wait_ms(const struct list *all, uint64_t now_ns);
void held_clear(struct list *all);

#endif
