/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events as WHATWG HTML 9.2.6 reads them: lines end with LF, CR or CR LF; comments; one
 * space behind the colon of a field; an empty line ends an event.  Data goes on as it comes;
 * nothing is stored but a name that arrives in pieces.
 */
#include "answer_priv.h"

enum line {
    LINE_START,
    LINE_FIELD, /* in a field's name */
    LINE_SPACE, /* behind the colon of data */
    LINE_DATA,
    LINE_SPACE_NAME, /* behind the colon of event */
    LINE_NAME,
    LINE_OTHER, /* in a field nobody asks for */
    LINE_COMMENT,
};

enum { BLOCK = 1024 };

static void data_begin(struct answer *a)
{
    if ((a->s.seen & SEEN_DATA) != 0)
        data_feed(a, SLICE_LIT("\n"));
    a->s.seen |= SEEN_DATA;
    a->s.line = LINE_SPACE;
}

/* Bytes of a name that may come in pieces. */
static void name_add(struct answer *a, struct slice bytes)
{
    size_t room = ANSWER_VALUE_MAX - (size_t)a->s.name_len;
    size_t n = bytes.len < room ? bytes.len : room;

    memcpy(a->s.name + a->s.name_len, bytes.p, n);
    a->s.name_len = (uint8_t)(a->s.name_len + n);
}

/* A field's name is complete. */
static void field_begin(struct answer *a)
{
    struct slice field = slice_of(a->s.name, a->s.name_len);

    a->s.name_len = 0;
    if (slice_eq(field, SLICE_LIT("data")))
        data_begin(a);
    else
        a->s.line = slice_eq(field, SLICE_LIT("event")) ? LINE_SPACE_NAME : LINE_OTHER;
}

static void name_end(struct answer *a)
{
    a->s.name_kind = (uint8_t)event_kind_of(slice_of(a->s.name, a->s.name_len));
    a->s.seen &= ~(uint32_t)SEEN_NAME;
    if (a->s.name_len > 0)
        a->s.seen |= SEEN_NAME;
    a->s.name_len = 0;
}

static struct slice field_part(struct answer *a, struct slice in)
{
    const char *colon = memchr(in.p, ':', in.len);
    size_t n = colon == NULL ? in.len : (size_t)(colon - in.p);

    name_add(a, slice_of(in.p, n));
    if (colon == NULL)
        return slice_from(in, n);
    field_begin(a);
    return slice_from(in, n + 1);
}

static struct slice line_start(struct answer *a, struct slice in)
{
    a->at_boundary = false;
    if (in.p[0] == ':') {
        a->s.line = LINE_COMMENT;
        return slice_from(in, 1);
    }
    a->s.seen |= SEEN_FIELD;
    if (slice_starts(in, SLICE_LIT("data:"))) {
        data_begin(a);
        return slice_from(in, 5);
    }
    a->s.name_len = 0;
    a->s.line = LINE_FIELD;
    return in;
}

static struct slice space_skip(struct answer *a, struct slice in, enum line next)
{
    a->s.line = (uint8_t)next;
    return in.p[0] == ' ' ? slice_from(in, 1) : in;
}

/* Part of a line of an event stream, without its end. */
static void line_part(struct answer *a, struct slice in)
{
    while (in.len > 0) {
        switch ((enum line)a->s.line) {
        case LINE_START:
            in = line_start(a, in);
            break;
        case LINE_FIELD:
            in = field_part(a, in);
            break;
        case LINE_SPACE:
            in = space_skip(a, in, LINE_DATA);
            break;
        case LINE_DATA:
            data_feed(a, in);
            return;
        case LINE_SPACE_NAME:
            in = space_skip(a, in, LINE_NAME);
            break;
        case LINE_NAME:
            name_add(a, in);
            return;
        case LINE_OTHER:
        case LINE_COMMENT:
            return;
        }
    }
}

/* The line ends here.  True if it was the empty line behind an event. */
static bool line_end(struct answer *a)
{
    enum line line = (enum line)a->s.line;

    if (line == LINE_FIELD) {
        field_begin(a); /* a name without a colon: its value is empty */
        line = (enum line)a->s.line;
    }
    if (line == LINE_SPACE_NAME || line == LINE_NAME)
        name_end(a);
    a->s.line = LINE_START;
    if (line != LINE_START || (a->s.seen & SEEN_FIELD) == 0)
        return false;
    event_settle(a);
    event_begin(a);
    return true;
}

/*
 * Between events nothing but comments may have come since the last one.  Behind a CR that is likely
 * the first half of a line end we are not yet there.
 */
static void boundary_settle(struct answer *a)
{
    a->at_boundary =
        (a->s.seen & SEEN_FIELD) == 0 && a->s.line == LINE_START && !(a->s.cr && a->s.crlf);
}

/*
 * The nearest end of a line in [p, end), or as far as we looked.  Both kinds are looked for in
 * blocks, so that a stream with ends of the other kind only does not cost a look at all the rest
 * each line.
 */
static const char *line_find(const char *p, const char *end)
{
    size_t n = (size_t)(end - p) < BLOCK ? (size_t)(end - p) : BLOCK;
    const char *lf = memchr(p, '\n', n), *cr;

    if (lf == NULL)
        lf = p + n;
    cr = memchr(p, '\r', (size_t)(lf - p));
    return cr == NULL ? lf : cr;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The LF of a CR LF, or the first byte behind a CR alone. */
static size_t lf_skip(struct answer *a, const char *p)
{
    a->s.cr = false;
    if (*p == '\n')
        a->s.crlf = true;
    boundary_settle(a);
    return *p == '\n' ? 1 : 0;
}

size_t sse_feed(struct answer *a, struct slice in, bool *ended)
{
    const char *p = in.p, *end = in.p + in.len, *eol;

    while (p < end) {
        if (a->s.cr) {
            p += lf_skip(a, p);
            if (*ended || p == end)
                break;
        }
        eol = line_find(p, end);
        line_part(a, slice_of(p, (size_t)(eol - p)));
        p = eol;
        if (p == end || !is_line_end(*p))
            continue;
        a->s.cr = *p++ == '\r';
        *ended = line_end(a);
        boundary_settle(a);
        if (*ended && !a->s.cr)
            break;
    }
    return (size_t)(p - in.p);
}

void sse_spoil_line(struct answer *a)
{
    a->s.line = LINE_OTHER;
    a->s.seen |= SEEN_FIELD;
    a->at_boundary = false;
}
