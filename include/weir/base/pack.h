/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_PACK_H
#define WEIR_BASE_PACK_H

#include <stdbool.h>

#include "weir/base/buf.h"

/*
 * Values as bytes for another process, and back.  Whole numbers have the least byte first, a text
 * is its length (u16) and its bytes, a real number is IEEE 754 in 8 bytes.
 */

/* Writes to the end of b, which is borrowed; once something did not fit nothing more is written. */
struct packer {
    struct buf *b;
    size_t max; /* bytes that b may hold */
    bool ok;
};

void pack_bytes(struct packer *p, const void *bytes, size_t n);
void pack_number(struct packer *p, uint64_t x, size_t bytes); /* 1 to 8 */
void pack_numbers(struct packer *p, const uint64_t *x, size_t n);
void pack_real(struct packer *p, double x);
void pack_text(struct packer *p, const char *s); /* cut to 65,535 bytes */

/*
 * Reads a stranger's bytes from the front of `rest`.  `bad`: there was less than was asked for, or
 * a value out of its range; from then on everything reads as 0 or empty.
 */
struct unpacker {
    struct slice rest;
    bool bad;
};

struct slice unpack_bytes(struct unpacker *u, size_t n); /* points into the bytes */
uint64_t unpack_number(struct unpacker *u, size_t bytes);
/* Bad if it is above max. */
uint64_t unpack_at_most(struct unpacker *u, size_t bytes, uint64_t max);
void unpack_numbers(struct unpacker *u, uint64_t *out, size_t n);
/* Bad if it is no number, infinite, or not within these. */
double unpack_real(struct unpacker *u, double least, double most);
struct slice unpack_text(struct unpacker *u);
/* The same as a string; bad if it has a NUL or needs more than `room` bytes with its end. */
void unpack_string(struct unpacker *u, char *out, size_t room);

/*
 * An object by rows, for both directions: whole numbers and booleans of any size with the most they
 * may be, real numbers (double or float) from 0 to 1e15, and char arrays that hold a string.
 */
enum pack_form { PACKED_WHOLE, PACKED_REAL, PACKED_TEXT };
struct pack_row {
    size_t at, size;
    enum pack_form form;
    uint64_t max;
};
#define PACK_ROW(type, field, form, max)                                                           \
    {                                                                                              \
        offsetof(type, field), sizeof(((type *)0)->field), form, max                               \
    }
#define PACK_WHOLE(type, field, max) PACK_ROW(type, field, PACKED_WHOLE, max)
#define PACK_REAL(type, field)       PACK_ROW(type, field, PACKED_REAL, 0)
#define PACK_TEXT(type, field)       PACK_ROW(type, field, PACKED_TEXT, 0)

void pack_object(struct packer *p, const void *object, const struct pack_row *rows, size_t n);
/* What is bad leaves the object half filled in. */
void unpack_object(struct unpacker *u, void *object, const struct pack_row *rows, size_t n);

#endif
