/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts an answer into lines and events: server-sent events as WHATWG HTML 9.2.6 reads them (lines
 * end with LF, CR or CR LF; a byte order mark at the start; comments; one space behind the colon),
 * or one JSON object a line.  Data goes on to the JSON scanner as it comes; nothing is stored but a
 * name that arrives in pieces.
 */
#include "answer_priv.h"
#include "weir/base/assert.h"

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

enum { MARK_LEN = 6, MARK_NOT = MARK_LEN + 1, BOM_LEN = 3, BLOCK = 1024 };

static void event_begin(struct answer *a)
{
    a->s.seen = 0;
    a->s.error_code = 0;
    a->s.error_rank = 0;
    a->s.kind = KIND_NONE;
    a->s.name_kind = KIND_NONE;
    a->s.mark = 0;
    json_scan_init(&a->s.json);
}

void answer_init(struct answer *a, enum answer_form form, enum dialect hint)
{
    memset(a, 0, sizeof *a);
    a->at_boundary = true;
    a->dialect = form == FORM_BYTES ? DIALECT_UNKNOWN : hint;
    a->s.form = form;
    event_begin(a);
}

/* "[DONE]" is no JSON; SDKs look at how the data begins, and so do we. */
static void mark_match(struct answer *a, struct slice bytes)
{
    static const char mark[] = "[DONE]";

    for (size_t i = 0; i < bytes.len && a->s.mark < MARK_LEN; i++)
        a->s.mark = bytes.p[i] == mark[a->s.mark] ? a->s.mark + 1 : MARK_NOT;
    if (a->s.mark == MARK_LEN) {
        a->s.seen |= SEEN_MARK;
        event_settle_marks(a);
    }
}

static void data_feed(struct answer *a, struct slice bytes)
{
    bool done = json_scan_done(&a->s.json);

    if (bytes.len == 0)
        return;
    a->s.seen |= SEEN_BYTES;
    if (a->s.mark < MARK_LEN && a->s.form == FORM_SSE)
        mark_match(a, bytes);
    json_scan_feed(&a->s.json, &event_schema, a, bytes);
    if (!done && json_scan_done(&a->s.json))
        event_settle_marks(a);
}

static void data_begin(struct answer *a)
{
    if ((a->s.seen & SEEN_DATA) != 0) {
        json_scan_feed(&a->s.json, &event_schema, a, SLICE_LIT("\n"));
        if (a->s.mark < MARK_LEN)
            a->s.mark = MARK_NOT;
    }
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

static size_t sse_feed(struct answer *a, struct slice in, bool *ended)
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

static size_t ndjson_feed(struct answer *a, struct slice in, bool *ended)
{
    const char *lf = memchr(in.p, '\n', in.len);
    struct slice line = slice_of(in.p, lf == NULL ? in.len : (size_t)(lf - in.p));
    size_t blank = 0;

    *ended = lf != NULL;
    if ((a->s.seen & SEEN_DATA) == 0)
        while (blank < line.len &&
               (line.p[blank] == ' ' || line.p[blank] == '\t' || line.p[blank] == '\r'))
            blank++;
    line = slice_from(line, blank);
    if (line.len > 0) {
        a->s.seen |= SEEN_FIELD | SEEN_DATA;
        data_feed(a, line);
    }
    if (lf != NULL) {
        event_settle(a);
        event_begin(a);
    }
    a->at_boundary = lf != NULL;
    return lf == NULL ? in.len : (size_t)(lf - in.p) + 1;
}

/* The byte order mark that a stream may begin with; returns how many bytes of it these are. */
static size_t bom_skip(struct answer *a, struct slice in)
{
    static const char bom[BOM_LEN] = {'\xef', '\xbb', '\xbf'};
    size_t n = 0;

    while (n < in.len && a->s.bom < BOM_LEN) {
        if (in.p[n] != bom[a->s.bom]) {
            if (a->s.bom > 0) {
                a->s.line = LINE_OTHER; /* garbage: a line that means nothing */
                a->s.seen |= SEEN_FIELD;
                a->at_boundary = false;
            }
            a->s.bom = BOM_LEN;
            break;
        }
        a->s.bom++;
        n++;
    }
    return n;
}

static size_t bytes_feed(struct answer *a, struct slice in, bool *ended)
{
    *ended = true;
    a->content = true;
    a->at_boundary = false;
    return in.len;
}

size_t answer_feed_event(struct answer *a, struct slice bytes, bool *ended)
{
    size_t n = 0;

    *ended = false;
    if (bytes.len == 0)
        return 0;
    if (a->s.bom < BOM_LEN && a->s.form != FORM_BYTES) {
        n = bom_skip(a, bytes);
        bytes = slice_from(bytes, n);
        if (bytes.len == 0)
            return n;
    }
    switch (a->s.form) {
    case FORM_SSE:
        return n + sse_feed(a, bytes, ended);
    case FORM_NDJSON:
        return n + ndjson_feed(a, bytes, ended);
    case FORM_BYTES:
        return n + bytes_feed(a, bytes, ended);
    }
    WEIR_UNREACHABLE("answer form");
}

void answer_feed(struct answer *a, struct slice bytes)
{
    bool ended;

    while (bytes.len > 0)
        bytes = slice_from(bytes, answer_feed_event(a, bytes, &ended));
}

size_t answer_feed_until_known(struct answer *a, struct slice bytes)
{
    size_t n = 0;
    bool ended;

    while (n < bytes.len) {
        n += answer_feed_event(a, slice_from(bytes, n), &ended);
        if (a->content || a->finished || a->error != ERROR_NONE)
            break;
    }
    return n;
}
