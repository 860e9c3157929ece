/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_LOOP_H
#define BENCH_COMMON_LOOP_H

#include <event2/event.h>

/* A loop with timers finer than a millisecond.  Aborts when there is no memory. */
struct event_base *loop_new(void);

/* As many descriptors as the system allows this process; SIGPIPE is ignored. */
void process_prepare(void);

#endif
