/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LOG_SINK_H
#define WEIR_BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"

/*
 * Lines on their way to a descriptor that may not take them: a pipe nobody reads, a full disk.
 * Whoever puts a line never waits; a thread of the sink's own writes, and waits instead.  What does
 * not fit is dropped and counted.  The descriptor's flags are left alone: others may share it.
 *
 * Any thread may put; the rest belongs to the thread that made the sink.
 */
struct log_sink;

/* Writes the line that tells of `n` dropped ones; returns its length. */
typedef size_t log_sink_told_fn(char *to, size_t room, uint64_t n);

/*
 * `own`: the sink closes fd.  At most `bytes` wait, and as many are being written.  told NULL:
 * drops are counted only.  NULL: no memory or no thread; fd is the caller's then.
 */
struct log_sink *log_sink_create(int fd, bool own, size_t bytes, log_sink_told_fn *told);
/* A whole line with its end.  False: fewer than `leave` bytes would be left; it is dropped. */
bool log_sink_put(struct log_sink *s, struct slice line, size_t leave);
/* Further lines go to fd, which is the sink's from here on. */
void log_sink_replace(struct log_sink *s, int fd);
/* Waits until everything is written, at most so long. */
void log_sink_flush(struct log_sink *s, uint64_t patience_ns);
/* Flushes, gives up what is not written by then, ends the thread; returns how many lines were lost.
 */
uint64_t log_sink_destroy(struct log_sink **s, uint64_t patience_ns);

struct log_sink_state {
    uint64_t dropped; /* lines since the start */
    int error;        /* errno of the write that fails now; 0 = none */
};
struct log_sink_state log_sink_look(struct log_sink *s);

#endif
