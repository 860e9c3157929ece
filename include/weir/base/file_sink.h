/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_FILE_SINK_H
#define WEIR_BASE_FILE_SINK_H

#include <stdint.h>

#include "weir/base/slice.h"

/*
 * A small file that is written anew now and then: under another name, mode 0600, then put in its
 * place, so that a reader finds the old one or the new one whole.  Whoever puts it never waits for
 * the disk; a thread of the sink's own does.
 *
 * Everything here belongs to the thread that made the sink.
 */
struct file_sink;

/* NULL: no memory or no thread.  At most `bytes` a time. */
struct file_sink *file_sink_create(const char *path, size_t bytes);
/* The bytes are copied; what waits to be written is replaced by them. */
void file_sink_put(struct file_sink *s, struct slice bytes);
/* errno of the last time it was written; 0: it was, or was never. */
int file_sink_error(struct file_sink *s);
/*
 * Waits until everything is written, at most so long, and ends the thread.  A disk that takes
 * longer keeps the thread, and what it holds, until the process ends.  0 or errno, as above;
 * ETIMEDOUT.
 */
int file_sink_destroy(struct file_sink **s, uint64_t patience_ns);

#endif
