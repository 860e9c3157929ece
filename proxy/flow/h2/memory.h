/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_H2_MEMORY_H
#define WEIR_FLOW_H2_MEMORY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

/*
 * The memory of nghttp2.  Where malloc has none, nghttp2 1.52 may abort (it frees what it has not
 * finished making), so there is a reserve for the few allocations until the session is ended, which
 * its owner does as soon as it sees that the reserve was used.
 */
struct h2_reserve;
enum { H2_RESERVE_BYTES = 512 * 1024 };

/* One for all sessions of a thread, and longer than any of them.  NULL: no memory. */
struct h2_reserve *h2_reserve_create(void);
void h2_reserve_destroy(struct h2_reserve **r);

/* Of a session, and longer than it. */
struct h2_memory {
    struct h2_reserve *reserve;
    bool lacked; /* malloc had none: the session is to be ended */
};
/* What nghttp2_session_*_new3 is given, by value. */
nghttp2_mem h2_memory_of(struct h2_memory *m);

#endif
