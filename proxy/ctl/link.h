/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CTL_LINK_H
#define WEIR_CTL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"

/* The connection to weir's admin socket: lines out, answers in.  Blocking, with deadlines. */
struct link {
    int fd;         /* -1 = none */
    struct buf in;  /* read and not yet taken */
    char path[108]; /* where it leads */
};

/*
 * path NULL: the default places in their order (weir/admin/places.h).  False: a sentence in why.
 */
bool link_open(struct link *l, const char *path, char *why, size_t room);
void link_close(struct link *l);

/* Sends a line; what cannot be sent shows when its answer does not come. */
void link_say(struct link *l, struct slice line);
/*
 * The next line, without its end, into *line: it stays in l->in until the caller consumes it and
 * its end (line.len + 1 bytes).  WEIR_OK, WEIR_CLOSED, WEIR_TIMEOUT when none came within wait_ms
 * (-1: for ever), WEIR_AGAIN when a signal came, WEIR_SYS.
 */
enum weir_status link_line(struct link *l, int wait_ms, struct slice *line) WEIR_MUST_CHECK;
/* A whole answer (without the empty line that ends it) appended to out. */
enum weir_status link_answer(struct link *l, struct slice line, struct buf *out) WEIR_MUST_CHECK;

#endif
