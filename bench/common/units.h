/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_UNITS_H
#define BENCH_COMMON_UNITS_H

#include <stdint.h>
#include <sys/socket.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/* "500ms", "1.5s", "3m", "2h" into nanoseconds.  A bare number is WEIR_BAD, as in weir's settings.
 */
enum weir_status duration_parse(struct slice s, uint64_t *ns) WEIR_MUST_CHECK;

/* "0.5", "12", "40%" (0.4); finite and not negative. */
enum weir_status real_parse(struct slice s, double *out) WEIR_MUST_CHECK;

/* A socket address as the system calls want it. */
struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

/*
 * "127.0.0.1:80", "[::1]:80", "localhost:80", "unix:/path".  Names are resolved, blocking: this is
 * for the command line.  WEIR_BAD for the form, WEIR_DNS when the name has no address.
 */
enum weir_status address_parse(struct slice s, struct address *out) WEIR_MUST_CHECK;

/* Takes the next word off the front of *s, words separated by spaces or tabs; empty at the end. */
struct slice next_word(struct slice *s);

/* Takes what is before the first `sep` off the front of *s (all of it when there is none), trimmed.
 */
struct slice next_part(struct slice *s, char sep);

#endif
