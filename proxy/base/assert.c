/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void weir_assert_fail(const char *expr, const char *file, int line)
{
    (void)fprintf(stderr, "weir: assertion failed at %s:%d: %s\n", file, line, expr);
    abort();
}
