/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field blocks of HTTP/2: gathered, and read as a request, an answer or trailers.  Pure but for the
 * buffers' memory.
 */
#include "weir/http/field_block.h"

#include "head_priv.h"
#include "weir/http/grpc.h"

enum { FLOOD_TIMES = 4 }; /* limits->head so many times */

/* Before the bytes of each kept field. */
struct kept {
    uint32_t name_len, value_len;
};

static void spoil(struct field_block *b, int status, enum cause cause, const char *what)
{
    if (b->err.status == 0)
        (void)head_bad_as(&b->err, status, cause, what);
}

void field_block_spoil(struct field_block *b, const char *what)
{
    spoil(b, 400, CAUSE_BAD_REQUEST, what);
}

/* limits->head bounds what was counted, so the buffers need no bound of their own. */
static bool append(struct buf *to, struct slice bytes)
{
    return buf_append(to, bytes, UINT32_MAX / 4) == WEIR_OK;
}

static char *put(char *at, const void *from, size_t n)
{
    if (n > 0)
        memcpy(at, from, n);
    return at + n;
}

static bool keep(struct buf *to, struct slice name, struct slice value)
{
    struct kept k = {(uint32_t)name.len, (uint32_t)value.len};
    size_t n = sizeof k + name.len + value.len, room;
    char *at;

    if (buf_reserve(to, n, UINT32_MAX / 4, &at, &room) != WEIR_OK)
        return false;
    at = put(at, &k, sizeof k);
    at = put(at, name.p, name.len);
    (void)put(at, value.p, value.len);
    buf_commit(to, n);
    return true;
}

static bool keep_cookie(struct field_block *b, struct slice value)
{
    bool first = buf_empty(&b->cookie);

    return (first || append(&b->cookie, SLICE_LIT("; "))) && append(&b->cookie, value);
}

void field_block_add(struct field_block *b, const struct head_limits *limits, struct slice name,
                     struct slice value)
{
    bool ok;

    b->size += name.len + value.len + FIELD_BLOCK_OVERHEAD;
    if (b->size > limits->head) {
        spoil(b, 431, CAUSE_HEADERS_TOO_LARGE, "the head is too large");
        return;
    }
    if (field_lookup(name) == FIELD_COOKIE)
        ok = keep_cookie(b, value);
    else
        ok = keep(&b->bytes, name, value);
    if (!ok)
        spoil(b, 503, CAUSE_OVERLOADED, "no memory for the head");
}

bool field_block_floods(const struct field_block *b, const struct head_limits *limits)
{
    return b->size > (uint64_t)FLOOD_TIMES * limits->head;
}

size_t field_block_held(const struct field_block *b)
{
    return b->bytes.len + b->cookie.len;
}

void field_block_free(struct field_block *b)
{
    buf_free(&b->bytes);
    buf_free(&b->cookie);
    *b = (struct field_block){0};
}

/* --- reading, whichever head it is */

struct pseudo {
    struct slice method, scheme, authority, path, status;
};

struct reading {
    const struct head_limits *limits;
    struct head_error *err;
    struct field_set set;
    struct pseudo pseudo;
    size_t lines; /* fields so far */
    bool is_answer;
};

static bool next_field(struct slice *rest, struct slice *name, struct slice *value)
{
    struct kept k;

    if (rest->len == 0)
        return false;
    memcpy(&k, rest->p, sizeof k);
    *name = slice_of(rest->p + sizeof k, k.name_len);
    *value = slice_of(name->p + k.name_len, k.value_len);
    *rest = slice_from(*rest, sizeof k + k.name_len + k.value_len);
    return true;
}

static enum parse pseudo_take(struct reading *r, struct slice name, struct slice value)
{
    static const struct slice names[] = {
        {":method", 7}, {":scheme", 7}, {":authority", 10}, {":path", 5}, {":status", 7}};
    struct slice *to[] = {&r->pseudo.method, &r->pseudo.scheme, &r->pseudo.authority,
                          &r->pseudo.path, &r->pseudo.status};

    for (size_t i = 0; i < 5; i++) {
        if (!slice_eq(name, names[i]) || (i == 4) != r->is_answer)
            continue;
        if (to[i]->p != NULL)
            return head_bad(r->err, "a pseudo field that comes twice");
        *to[i] = value;
        return PARSE_DONE;
    }
    return head_bad(r->err, "a pseudo field that is not known");
}

/* Fields by which HTTP/1 frames (RFC 9113, 8.2.2): whoever passes them on is led astray. */
static bool is_of_connection(enum field_id id, struct slice value)
{
    switch ((int)id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_HTTP2_SETTINGS:
        return true;
    case FIELD_TE:
        return !slice_eq_nocase(value, SLICE_LIT("trailers"));
    default:
        return false;
    }
}

static enum parse field_read(struct reading *r, struct slice name, struct slice value)
{
    unsigned chars = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (!char_is(name.p[i], CHAR_TOKEN) || (name.p[i] >= 'A' && name.p[i] <= 'Z'))
            return head_bad(r->err, "a field name that is not a token in lower case");
        chars |= weir_http_chars[(unsigned char)name.p[i]];
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!char_is(value.p[i], CHAR_VALUE))
            return head_bad(r->err, "a control character in the head");
    }
    value = slice_trim(value);
    if (name.len == 0)
        return head_bad(r->err, "a field without a name");
    if (is_of_connection(field_lookup(name), value))
        return head_bad(r->err, "a field of HTTP/1 connections in HTTP/2");
    return field_take(r->err, r->limits, &r->set, name, value, chars, &r->lines);
}

/* The pseudo fields at the block's front; *rest is what follows them. */
static enum parse pseudo_read(struct reading *r, struct slice *rest)
{
    struct slice after = *rest, name, value;
    enum parse rc = PARSE_DONE;

    while (rc == PARSE_DONE && next_field(&after, &name, &value) && name.len > 0 &&
           name.p[0] == ':') {
        rc = pseudo_take(r, name, value);
        *rest = after;
    }
    return rc;
}

/* The fields behind the pseudo fields; last comes what was wrong while the block was gathered. */
static enum parse fields_read(struct reading *r, const struct field_block *b, struct slice rest)
{
    struct slice name, value;
    enum parse rc = PARSE_DONE;

    while (rc == PARSE_DONE && next_field(&rest, &name, &value)) {
        if (name.len > 0 && name.p[0] == ':')
            return head_bad(r->err, "a pseudo field behind other fields");
        rc = field_read(r, name, value);
    }
    if (rc == PARSE_DONE && !buf_empty(&b->cookie))
        rc = field_read(r, SLICE_LIT("cookie"), buf_slice(&b->cookie));
    if (rc == PARSE_DONE && b->err.status != 0) {
        *r->err = b->err;
        return PARSE_BAD;
    }
    return rc;
}

/* Parts of a block are missing for want of memory: nothing else is said of it. */
static bool lacks(const struct field_block *b, struct head_error *err)
{
    if (b->err.status != 503)
        return false;
    *err = b->err;
    return true;
}

/* --- as a request */

static bool consists_of(struct slice s, unsigned what)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!char_is(s.p[i], what))
            return false;
    }
    return s.len > 0;
}

static enum parse line_read(struct reading *r, struct request_head *out)
{
    const struct pseudo *p = &r->pseudo;
    enum parse rc;

    if (!consists_of(p->method, CHAR_TOKEN))
        return head_bad(r->err, "a method that is not a token");
    out->method = p->method;
    rc = method_judge(r->err, p->method);
    if (rc != PARSE_DONE)
        return rc;
    if (!slice_eq_nocase(p->scheme, SLICE_LIT("http")) &&
        !slice_eq_nocase(p->scheme, SLICE_LIT("https")))
        return head_bad(r->err, "a scheme other than http and https");
    if (p->path.len + p->method.len > r->limits->line)
        return head_bad_as(r->err, 414, CAUSE_URI_TOO_LONG, "the path is too long");
    if (!consists_of(p->path, CHAR_TARGET))
        return head_bad(r->err, "a control character or # in the path, or none");
    if (!target_is_plain(p->method, p->path))
        return head_bad(r->err, "a path that does not begin with /");
    out->target = p->path;
    return PARSE_DONE;
}

/* :authority and Host are one opinion (RFC 9113, 8.3.1). */
static enum parse authority_read(struct reading *r, struct request_head *out)
{
    struct slice authority = r->pseudo.authority, host = request_field(out, FIELD_HOST);

    if (authority.p == NULL)
        return host.p == NULL ? head_bad(r->err, "no :authority and no Host") : PARSE_DONE;
    if (!host_is_valid(authority))
        return head_bad(r->err, "a bad :authority");
    if (host.p != NULL && !slice_eq_nocase(host, authority))
        return head_bad(r->err, ":authority and Host that differ");
    out->host = authority;
    return PARSE_DONE;
}

/* With END_STREAM or without it, Content-Length or not: how long is the body? */
static enum parse body_read(struct reading *r, bool ended, struct request_head *out)
{
    bool posts = slice_eq(out->method, SLICE_LIT("POST")) ||
                 slice_eq(out->method, SLICE_LIT("PUT")) ||
                 slice_eq(out->method, SLICE_LIT("PATCH"));

    if (ended && out->length > 0)
        return head_bad(r->err, "a Content-Length without a body");
    if (ended && out->body == BODY_NONE && posts)
        out->body = BODY_COUNTED;
    if (!ended && out->length == 0) { /* Content-Length: 0 as well: its end is waited for */
        out->body = BODY_CHUNKED;
        out->unframed = true;
    }
    out->expect_continue =
        !ended && slice_eq_nocase(request_field(out, FIELD_EXPECT), SLICE_LIT("100-continue"));
    return PARSE_DONE;
}

enum parse field_block_request(const struct field_block *b, const struct head_limits *limits,
                               bool ended, struct http_field *fields, struct request_head *out,
                               struct head_error *err)
{
    struct reading r = {.limits = limits, .err = err, .set = {.all = fields, .at = out->at}};
    struct slice rest = buf_slice(&b->bytes);
    enum parse rc;

    *out = (struct request_head){.fields = fields, .minor = 1, .http2 = true, .keep_alive = true};
    if (lacks(b, err))
        return PARSE_BAD;
    rc = pseudo_read(&r, &rest);
    if (rc == PARSE_DONE)
        rc = line_read(&r, out);
    if (rc == PARSE_DONE)
        rc = fields_read(&r, b, rest);
    out->n_fields = r.set.n;
    out->grpc = slice_eq(out->method, SLICE_LIT("POST")) &&
                grpc_is_type(request_field(out, FIELD_CONTENT_TYPE));
    if (rc == PARSE_DONE)
        rc = authority_read(&r, out);
    if (rc == PARSE_DONE)
        rc = request_judge(err, limits, &r.set, out);
    if (rc == PARSE_DONE)
        rc = body_read(&r, ended, out);
    return rc;
}

/* --- as an answer */

static enum parse status_read(struct reading *r, struct response_head *out)
{
    struct slice v = r->pseudo.status;
    uint64_t n;

    if (v.len != 3 || parse_u64(v, 599, &n) != WEIR_OK || n < 100)
        return head_bad(r->err, "a status that does not exist");
    out->status = (int)n;
    return PARSE_DONE;
}

static enum parse answer_body_read(struct reading *r, bool to_head, bool ended,
                                   struct response_head *out)
{
    struct framing framing;
    enum parse rc = framing_decide(r->err, &r->set, 1, &framing);

    if (rc != PARSE_DONE)
        return rc;
    out->length = out->status == 204 || out->status < 200 ? 0 : framing.length;
    if (ended || to_head || out->status < 200 || out->status == 204 || out->status == 304)
        out->body = BODY_NONE;
    else
        out->body = framing.counted ? BODY_COUNTED : BODY_CHUNKED;
    return PARSE_DONE;
}

enum parse field_block_response(const struct field_block *b, const struct head_limits *limits,
                                bool to_head, bool ended, struct http_field *fields,
                                struct response_head *out, struct head_error *err)
{
    struct reading r = {
        .limits = limits, .err = err, .set = {.all = fields, .at = out->at}, .is_answer = true};
    struct slice rest = buf_slice(&b->bytes);
    enum parse rc;

    *out = (struct response_head){.fields = fields, .minor = 1, .http2 = true, .keep_alive = true};
    if (lacks(b, err))
        return PARSE_BAD;
    rc = pseudo_read(&r, &rest);
    if (rc == PARSE_DONE)
        rc = status_read(&r, out);
    if (rc == PARSE_DONE)
        rc = fields_read(&r, b, rest);
    out->n_fields = r.set.n;
    if (rc == PARSE_DONE)
        rc = answer_body_read(&r, to_head, ended, out);
    if (rc == PARSE_DONE)
        response_content(&r.set, out);
    out->grpc = grpc_is_type(response_field(out, FIELD_CONTENT_TYPE));
    return rc;
}

/* --- as trailers */

static bool may_trail(enum field_id id)
{
    switch ((int)id) {
    case FIELD_AUTHORIZATION:
    case FIELD_CONNECTION:
    case FIELD_CONTENT_ENCODING:
    case FIELD_CONTENT_LENGTH:
    case FIELD_CONTENT_TYPE:
    case FIELD_COOKIE:
    case FIELD_EXPECT:
    case FIELD_FORWARDED:
    case FIELD_HOST:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_AUTHENTICATE:
    case FIELD_PROXY_AUTHORIZATION:
    case FIELD_PROXY_CONNECTION:
    case FIELD_SET_COOKIE:
    case FIELD_TE:
    case FIELD_TRAILER:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_X_API_KEY:
    case FIELD_X_FORWARDED_FOR:
    case FIELD_X_FORWARDED_HOST:
    case FIELD_X_FORWARDED_PROTO:
    case FIELD_X_REQUEST_ID:
    case FIELD_X_WEIR_REQUEST_ID:
        return false;
    default:
        return true;
    }
}

enum parse field_block_trailers(const struct field_block *b, const struct head_limits *limits,
                                struct http_field *fields, struct field_list *out,
                                struct head_error *err)
{
    uint16_t at[FIELD_ID_COUNT] = {0};
    struct reading r = {.limits = limits, .err = err, .set = {.all = fields, .at = at}};

    if (lacks(b, err) || fields_read(&r, b, buf_slice(&b->bytes)) != PARSE_DONE)
        return PARSE_BAD;
    for (size_t i = 0; i < r.set.n; i++) {
        if (may_trail(fields[i].id))
            field_add(out, fields[i].name, fields[i].value);
    }
    return out->full ? head_bad(err, "too many trailers") : PARSE_DONE;
}
