/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/assert.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "weir/base/log.h"

/* The last words wait for nobody: an abort that hangs would be worse than none. */
void weir_assert_fail(const char *expr, const char *file, int line)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    char text[512];
    int n = snprintf(text, sizeof text, "weir: assertion failed at %s:%d: %s\n", file, line, expr);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;

    log_flush();
    if (poll(&p, 1, 0) == 1 && write(STDERR_FILENO, text, len) < 0)
        abort();
    abort();
}
