/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_BENCH_GUARD_H
#define TESTS_UNIT_BENCH_GUARD_H

#include "weir/base/slice.h"

/* A copy of s whose last byte is the last of a page, with a page behind it that may not be touched.
 */
struct slice guarded(struct slice s);

#endif
