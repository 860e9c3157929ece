/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_KEPT_FILE_H
#define WEIR_FLOW_CONTROL_KEPT_FILE_H

#include "weir/base/buf.h"
#include "weir/decide/kept.h"

/*
 * The bytes of the state file (docs/decisions.md, "What outlives a restart"): a head, one entry an
 * upstream, a checksum over all of it.  Numbers are little-endian.  No I/O.
 */
enum { KEPT_FILE_MAX = 4 * 1024 * 1024 };

struct kept_entry {
    struct slice pool, name; /* into the file's bytes */
    uint64_t url;            /* a hash; URLs may hold what is nobody's business */
    struct kept kept;
};

uint64_t kept_url(const char *url);

/* Writes a file into an empty buffer.  False: no memory, or longer than KEPT_FILE_MAX. */
bool kept_file_begin(struct buf *b, uint64_t wall_ns);
bool kept_file_add(struct buf *b, const struct kept_entry *e);
bool kept_file_end(struct buf *b);

struct kept_reader {
    struct slice rest;
    uint64_t wall_ns; /* when it was written */
    uint32_t left;    /* entries */
};

/* NULL, or why these bytes are no file that is whole: words behind "it ". */
const char *kept_file_open(struct kept_reader *r, struct slice bytes);
/* False: there are no more. */
bool kept_file_next(struct kept_reader *r, struct kept_entry *e);

#endif
