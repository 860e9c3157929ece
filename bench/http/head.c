/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 heads and framing for a test partner.  Pure; borrows what it is given. */
#include "bench/http/head.h"

#include "bench/common/units.h"
#include "weir/base/text.h"

static struct slice next_line(struct slice *s)
{
    const char *nl = s->len == 0 ? NULL : memchr(s->p, '\n', s->len);
    size_t n = nl == NULL ? s->len : (size_t)(nl - s->p);
    struct slice line = slice_of(s->p, n);

    *s = slice_from(*s, nl == NULL ? n : n + 1);
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Three words; the third may hold spaces (a reason phrase) or be missing. */
static bool parse_start(struct slice line, struct head *h)
{
    h->start[0] = next_word(&line);
    h->start[1] = next_word(&line);
    h->start[2] = slice_trim(line);
    h->status = 0;
    if (slice_starts(h->start[0], SLICE_LIT("HTTP/1."))) {
        uint64_t status;
        if (parse_u64(h->start[1], 999, &status) != WEIR_OK || status < 100)
            return false;
        h->status = (int)status;
        return true;
    }
    return slice_starts(h->start[2], SLICE_LIT("HTTP/1."));
}

enum weir_status head_parse(struct slice in, struct head *out)
{
    const char *end = in.len == 0 ? NULL : memmem(in.p, in.len, "\r\n\r\n", 4);
    struct head h;
    struct slice rest;

    if (end == NULL)
        return in.len >= HEAD_MAX ? WEIR_LIMIT : WEIR_AGAIN;
    h.size = (size_t)(end - in.p) + 4;
    rest = slice_of(in.p, h.size - 2);
    if (!parse_start(next_line(&rest), &h))
        return WEIR_BAD;
    h.fields = rest;
    *out = h;
    return WEIR_OK;
}

struct slice head_field(const struct head *h, const char *name)
{
    struct slice rest = h->fields, wanted = slice_str(name);

    while (rest.len > 0) {
        struct slice value = next_line(&rest);
        struct slice key = next_part(&value, ':');
        if (slice_eq_nocase(key, wanted))
            return slice_trim(value);
    }
    return SLICE_NONE;
}

bool head_has_token(const struct head *h, const char *name, const char *token)
{
    struct slice list = head_field(h, name);

    while (list.len > 0) {
        if (slice_eq_nocase(next_part(&list, ','), slice_str(token)))
            return true;
    }
    return false;
}

bool head_keeps_alive(const struct head *h)
{
    struct slice version = h->status != 0 ? h->start[0] : h->start[2];

    if (slice_eq(version, SLICE_LIT("HTTP/1.0")))
        return head_has_token(h, "connection", "keep-alive");
    return !head_has_token(h, "connection", "close");
}

static enum weir_status framing(const struct head *h, enum body_kind otherwise, struct body *b)
{
    struct slice length = head_field(h, "content-length");

    *b = (struct body){.kind = otherwise, .done = otherwise == BODY_NONE};
    if (head_has_token(h, "transfer-encoding", "chunked")) {
        *b = (struct body){.kind = BODY_CHUNKED};
        return WEIR_OK;
    }
    if (length.len == 0)
        return WEIR_OK;
    if (parse_u64(length, INT64_MAX, &b->left) != WEIR_OK)
        return WEIR_BAD;
    b->kind = BODY_COUNTED;
    b->done = b->left == 0;
    return WEIR_OK;
}

enum weir_status body_of_request(const struct head *h, struct body *b)
{
    return framing(h, BODY_NONE, b);
}

enum weir_status body_of_answer(const struct head *h, bool was_head, struct body *b)
{
    if (was_head || h->status < 200 || h->status == 204 || h->status == 304) {
        *b = (struct body){.kind = BODY_NONE, .done = true};
        return WEIR_OK;
    }
    return framing(h, BODY_UNTIL_CLOSE, b);
}

/* The chunked grammar, a byte at a time but for content. */
enum chunk_step { IN_SIZE, IN_EXTENSION, IN_CONTENT, AFTER_CONTENT, IN_TRAILER, IN_TRAILER_LINE };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum weir_status size_byte(struct body *b, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (b->left > (UINT64_MAX >> 8))
            return WEIR_BAD;
        b->left = b->left * 16 + (uint64_t)digit;
        return WEIR_OK;
    }
    if (c == '\n')
        b->step = b->left > 0 ? IN_CONTENT : IN_TRAILER;
    else if (c == ';' || c == ' ')
        b->step = IN_EXTENSION;
    else if (c != '\r')
        return WEIR_BAD;
    return WEIR_OK;
}

static enum weir_status chunk_byte(struct body *b, char c)
{
    switch ((enum chunk_step)b->step) {
    case IN_SIZE:
        return size_byte(b, c);
    case IN_EXTENSION:
        if (c == '\n')
            b->step = b->left > 0 ? IN_CONTENT : IN_TRAILER;
        return WEIR_OK;
    case AFTER_CONTENT:
        if (c == '\n')
            b->step = IN_SIZE;
        return c == '\r' || c == '\n' ? WEIR_OK : WEIR_BAD;
    case IN_TRAILER:
        b->done = c == '\n';
        if (c != '\r' && c != '\n')
            b->step = IN_TRAILER_LINE;
        return WEIR_OK;
    case IN_TRAILER_LINE:
        if (c == '\n')
            b->step = IN_TRAILER;
        return WEIR_OK;
    case IN_CONTENT:
        break;
    }
    return WEIR_BAD;
}

static struct slice take_content(struct body *b, struct slice *in)
{
    size_t n = in->len < b->left ? in->len : (size_t)b->left;
    struct slice piece = slice_of(in->p, n);

    *in = slice_from(*in, n);
    b->left -= n;
    return piece;
}

enum weir_status body_next(struct body *b, struct slice *in, struct slice *piece)
{
    *piece = SLICE_NONE;
    if (b->done || in->len == 0)
        return WEIR_OK;
    if (b->kind == BODY_UNTIL_CLOSE) {
        *piece = *in;
        *in = slice_from(*in, in->len);
        return WEIR_OK;
    }
    while (b->kind == BODY_CHUNKED && b->step != IN_CONTENT) {
        if (in->len == 0 || b->done)
            return WEIR_OK;
        if (chunk_byte(b, in->p[0]) != WEIR_OK)
            return WEIR_BAD;
        *in = slice_from(*in, 1);
    }
    *piece = take_content(b, in);
    if (b->left == 0) {
        b->step = AFTER_CONTENT;
        b->done = b->kind == BODY_COUNTED;
    }
    return WEIR_OK;
}
