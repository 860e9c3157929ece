/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_REPLY_H
#define WEIR_FLEET_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * What Redis says, read within bounds.  hiredis 0.14 knows the protocol, but takes arrays of
 * INT_MAX elements and buffers strings of any length: here its objects are made by functions that
 * refuse what is too large before memory is had for it.  One owner, any thread; nothing here does
 * I/O.
 */
enum {
    REPLY_ITEMS_MAX = 4096,     /* of one array */
    REPLY_DEPTH_MAX = 3,        /* arrays within arrays */
    REPLY_TEXT_MAX = 64 * 1024, /* bytes of one string */
    REPLY_ALL_ITEMS_MAX = 64 * 1024,
    REPLY_BYTES_MAX =
        8 * 1024 * 1024, /* of one reply: 100 records, the most that are read at once */
};

enum reply_type { REPLY_NIL, REPLY_STRING, REPLY_STATUS, REPLY_ERROR, REPLY_INTEGER, REPLY_ARRAY };

struct reply {
    enum reply_type type;
    int64_t integer;     /* REPLY_INTEGER */
    struct slice text;   /* REPLY_STRING, REPLY_STATUS, REPLY_ERROR: any bytes */
    struct reply *items; /* REPLY_ARRAY */
    size_t n;
};

enum reply_reading {
    REPLY_MORE,  /* the rest has to come */
    REPLY_WHOLE, /* *out is there */
    REPLY_BAD,   /* no reply that weir takes: nothing more can be read from this reader */
};

struct reply_reader;
struct reply_reader *reply_reader_create(void); /* NULL: no memory */
void reply_reader_destroy(struct reply_reader **r);

/*
 * The next bytes.  REPLY_WHOLE: *out is valid until the next call with this reader, and the next
 * bytes begin another reply; bytes behind a whole reply are bad, because nobody asked for them.
 * REPLY_BAD: *why says what was wrong (alive as long as the reader).
 */
enum reply_reading reply_reader_feed(struct reply_reader *r, struct slice bytes,
                                     const struct reply **out, const char **why);

/* The i-th item of an array, NULL where it is none or has no such item. */
const struct reply *reply_item(const struct reply *r, size_t i);
/* The number that r is, or that its text is written as; WEIR_BAD for anything else. */
enum weir_status reply_i64(const struct reply *r, int64_t *out) WEIR_MUST_CHECK;
/* The text of a string; empty for anything else, NULL included. */
struct slice reply_text(const struct reply *r);

#endif
