/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"

/*
 * The event log: plain sentences for people, on stderr, one line each with time and level.  Any
 * thread may call it, and none waits for whoever reads it (log_sink.h): lines that are not taken in
 * time are dropped and counted, and the log says so.  Never a secret (authorization, cookies,
 * bodies).
 */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Lines go through a thread of their own from here on; false: no memory, they are written at once.
 */
bool log_start(void);
/* At the end of main, when no other thread is left: writes what waits, for 300 ms at most. */
void log_stop(void);
/* What waits is written, for 300 ms at most: before an abort. */
void log_flush(void);
/* For the access log, where it goes to stderr as well; NULL before log_start. */
struct log_sink;
struct log_sink *log_shared_sink(void);
uint64_t log_dropped(void);

void log_set_level(enum log_level l);
enum log_level log_get_level(void);
const char *log_level_name(enum log_level l);

void log_write(enum log_level l, const char *fmt, ...) WEIR_PRINTF(2, 3);

#define log_debug(...)                                                                             \
    (log_get_level() <= LOG_LEVEL_DEBUG ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
