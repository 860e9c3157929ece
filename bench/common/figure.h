/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_FIGURE_H
#define BENCH_COMMON_FIGURE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "weir/base/status.h"

/* Results as JSON: jansson's values.  Those returned are the caller's. */

/* A number with so many decimals; null where there is none (NAN, infinite). */
json_t *figure(double x, int decimals);
json_t *figure_count(uint64_t n);
/* What is no UTF-8 is null. */
json_t *figure_text(const char *s);

/* One line; takes j.  WEIR_SYS: could not be written. */
enum weir_status figures_write(json_t *j, FILE *to) WEIR_MUST_CHECK;

#endif
