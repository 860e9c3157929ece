/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_HUMAN_H
#define WEIR_ADMIN_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/text.h"

/* Numbers for people who have just been woken: each with its unit.  Pure; weir and weirctl. */

enum { HUMAN_MAX = 32 };

/* "420 ms", "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
const char *human_duration(char out[HUMAN_MAX], uint64_t ns);
/* A time in ms: "0.8 ms", "42 ms", "1.34 s"; "-" for 0, which is: nothing seen. */
const char *human_ms(char out[HUMAN_MAX], double ms);
/* 0..1 as "30 %"; what is not 0 is never shown as 0 %. */
const char *human_share(char out[HUMAN_MAX], double share);
/* "12.4/s" */
const char *human_rate(char out[HUMAN_MAX], double per_s);
/* "03:12:09Z" when it is within a day of now, else "2025-09-03T03:12:09Z". */
const char *human_time(char out[HUMAN_MAX], uint64_t wall_ns, uint64_t now_wall_ns);

/* Columns a terminal needs for it: UTF-8 sequences count as one. */
size_t human_width(struct slice s);

#endif
