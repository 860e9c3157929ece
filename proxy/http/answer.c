/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer's bytes on their way to its facts: through the lines of an event stream (sse.c) or of
 * NDJSON, its data through the JSON scanner, its events to event.c.
 */
#include "answer_priv.h"
#include "weir/base/assert.h"

enum { MARK_LEN = 6, MARK_NOT = MARK_LEN + 1, BOM_LEN = 3 };

void event_begin(struct answer *a)
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

void answer_count_usage(struct answer *a, struct usage *into)
{
    *into = (struct usage){0};
    a->usage = into;
}

/* "[DONE]" is no JSON; SDKs look at how the data begins, and so do we. */
static void mark_match(struct answer *a, struct slice bytes)
{
    static const char mark[] = "[DONE]";

    for (size_t i = 0; i < bytes.len && a->s.mark < MARK_LEN; i++)
        a->s.mark = bytes.p[i] == mark[a->s.mark] ? a->s.mark + 1 : MARK_NOT;
    if (a->s.mark == MARK_LEN) {
        a->s.seen |= SEEN_MARK;
        (void)event_settle_marks(a);
    }
}

void data_feed(struct answer *a, struct slice bytes)
{
    bool done = json_scan_done(&a->s.json);

    if (bytes.len == 0)
        return;
    a->s.seen |= SEEN_BYTES;
    if (a->s.mark < MARK_LEN && a->s.form == FORM_SSE)
        mark_match(a, bytes);
    json_scan_feed(&a->s.json, a->usage == NULL ? &event_schema : &event_schema_counted, a, bytes);
    if (!done && json_scan_done(&a->s.json))
        (void)event_settle_marks(a);
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
            if (a->s.bom > 0 && a->s.form == FORM_SSE)
                sse_spoil_line(a); /* its first bytes are gone */
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
