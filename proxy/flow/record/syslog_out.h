/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SYSLOG_OUT_H
#define WEIR_FLOW_SYSLOG_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"

/*
 * Lines to the machine's log, facility daemon, level info.  syslog(3) waits for a daemon that does
 * not read; this drops the line instead.  Control thread.
 */
struct syslog_out {
    int fd;            /* -1: nobody listens */
    uint64_t retry_ns; /* not before is it tried again */
};

void syslog_out_open(struct syslog_out *s);
/* False: it did not go out. */
bool syslog_out_send(struct syslog_out *s, struct slice line, uint64_t now_ns);
void syslog_out_close(struct syslog_out *s);

#endif
