/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FLOW_VIRTUAL_TIME_H
#define WEIR_TESTS_FLOW_VIRTUAL_TIME_H

#include <stdint.h>

#include "weir/net/loop.h"

/*
 * Time that passes when a test says so.  The linker gives this program mono_now_ns and
 * timerfd_settime of virtual_time.c (--wrap): a loop's timers fire when virtual time has come to
 * them, in their order.
 */
void virtual_time_begin(void);
/* The loop runs through each of its deadlines in the next ns, and once at their end. */
void virtual_time_pass(struct loop *l, uint64_t ns);

#endif
