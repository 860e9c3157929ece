/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdatomic.h>

#include "weir/base/status.h"

/*
 * The event log: plain sentences for people, on stderr, one line each with time and level.  Any
 * thread may call it; a line is one write(2).  Never a secret (authorization, cookies, bodies).
 */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

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
