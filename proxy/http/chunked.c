/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked coding, read in any split.  A proxy that reads a chunk's end elsewhere than its
 * neighbour does lets requests be smuggled, so nothing is forgiven here: no bare LF, no blanks
 * around the size, no sign, no 0x.
 */
#include "weir/http/chunked.h"

#include "head_priv.h"
#include "weir/base/assert.h"

enum { DIGITS_MAX = 16, EXT_MAX = 256, EXT_TOTAL_MAX = 4096, TRAILER_MAX = 8192 };

enum chunked_state {
    SIZE,    /* hex digits */
    EXT,     /* behind ';' */
    SIZE_LF, /* LF that ends the line of a size */
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the start of a line behind the last chunk */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF, /* of the empty line */
    DONE,
    BROKEN,
};

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = SIZE};
}

static int hex_digit(char c)
{
    if (!char_is(c, CHAR_HEX))
        return -1;
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Each step takes one byte and returns the next state. */
static enum chunked_state size_step(struct chunked *c, char byte)
{
    int digit = hex_digit(byte);

    if (digit >= 0) {
        c->size = c->size << 4 | (unsigned)digit;
        return ++c->digits > DIGITS_MAX || c->size > INT64_MAX ? BROKEN : SIZE;
    }
    if (c->digits == 0)
        return BROKEN;
    if (byte == '\r')
        return SIZE_LF;
    if (byte != ';')
        return BROKEN;
    c->ext = 1;
    return ++c->ext_total > EXT_TOTAL_MAX ? BROKEN : EXT;
}

static enum chunked_state ext_step(struct chunked *c, char byte)
{
    if (byte == '\r')
        return SIZE_LF;
    if (!char_is(byte, CHAR_VALUE) || ++c->ext > EXT_MAX || ++c->ext_total > EXT_TOTAL_MAX)
        return BROKEN;
    return EXT;
}

static enum chunked_state size_end(struct chunked *c, char byte)
{
    if (byte != '\n')
        return BROKEN;
    c->left = c->size;
    c->size = 0;
    c->digits = 0;
    return c->left > 0 ? DATA : TRAILER;
}

/* Trailers are fields (RFC 9112, 7.1.2), as strict as those of a head. */
static enum chunked_state trailer_step(struct chunked *c, char byte)
{
    if (byte == '\r' && c->state == TRAILER)
        return LAST_LF;
    if (++c->trailer > TRAILER_MAX)
        return BROKEN;
    switch (c->state) {
    case TRAILER:
        return char_is(byte, CHAR_TOKEN) ? TRAILER_NAME : BROKEN;
    case TRAILER_NAME:
        if (byte == ':')
            return TRAILER_VALUE;
        return char_is(byte, CHAR_TOKEN) ? TRAILER_NAME : BROKEN;
    case TRAILER_VALUE:
        if (byte == '\r')
            return TRAILER_LF;
        return char_is(byte, CHAR_VALUE) ? TRAILER_VALUE : BROKEN;
    default: /* TRAILER_LF */
        return byte == '\n' ? TRAILER : BROKEN;
    }
}

static enum chunked_state step(struct chunked *c, char byte)
{
    switch ((enum chunked_state)c->state) {
    case SIZE:
        return size_step(c, byte);
    case EXT:
        return ext_step(c, byte);
    case SIZE_LF:
        return size_end(c, byte);
    case DATA_CR:
        return byte == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        return byte == '\n' ? SIZE : BROKEN;
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
        return trailer_step(c, byte);
    case LAST_LF:
        return byte == '\n' ? DONE : BROKEN;
    case DATA:
    case DONE:
    case BROKEN:
        break;
    }
    WEIR_UNREACHABLE("chunked state");
}

enum parse chunked_next(struct chunked *c, struct slice in, size_t *used, struct slice *data)
{
    size_t i = 0, n = 0;

    while (i < in.len && c->state != DATA && c->state != DONE && c->state != BROKEN)
        c->state = (uint8_t)step(c, in.p[i++]);
    if (c->state == DATA && i < in.len) {
        n = in.len - i < c->left ? in.len - i : (size_t)c->left;
        c->left -= n;
        if (c->left == 0)
            c->state = DATA_CR;
    }
    *data = n == 0 ? SLICE_NONE : slice_of(in.p + i, n);
    *used = i + n;
    if (c->state == BROKEN)
        return PARSE_BAD;
    return c->state == DONE ? PARSE_DONE : PARSE_MORE;
}
