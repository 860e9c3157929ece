/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads: request line, target forms, what the fields mean together. */
#include "head_priv.h"

static enum parse line_starved(struct head_scan *s)
{
    return scan_starved(s, 414, CAUSE_URI_TOO_LONG, "the request line is too long");
}

static enum parse method_scan(struct head_scan *s, struct slice *method)
{
    const char *p = s->p;

    while (p < s->end && char_is(*p, CHAR_TOKEN))
        p++;
    if (p == s->end)
        return line_starved(s);
    if (*p != ' ' || p == s->p)
        return scan_bad(s, "a method that is not a token");
    *method = slice_of(s->p, (size_t)(p - s->p));
    s->p = p + 1;
    if (slice_eq(*method, SLICE_LIT("CONNECT")) || slice_eq(*method, SLICE_LIT("TRACE")))
        return scan_bad_as(s, 501, CAUSE_NOT_ALLOWED, "CONNECT and TRACE are not served");
    return PARSE_DONE;
}

static enum parse target_scan(struct head_scan *s, struct slice *target)
{
    const char *p = s->p;

    while (p < s->end && char_is(*p, CHAR_TARGET))
        p++;
    if (p == s->end)
        return line_starved(s);
    if (p == s->p)
        return scan_bad(s, "an empty target");
    if (*p != ' ')
        return scan_bad(s, "a control character or # in the target, or no version");
    *target = slice_of(s->p, (size_t)(p - s->p));
    s->p = p + 1;
    return PARSE_DONE;
}

static enum parse version_scan(struct head_scan *s, int *minor)
{
    struct slice v = SLICE_NONE;
    enum parse rc = scan_line_rest(s, &v);

    if (rc == PARSE_MORE)
        return line_starved(s);
    if (rc == PARSE_BAD)
        return rc;
    if (v.len != 8 || !slice_starts(v, SLICE_LIT("HTTP/")) || v.p[5] < '0' || v.p[5] > '9' ||
        v.p[6] != '.' || v.p[7] < '0' || v.p[7] > '9')
        return scan_bad(s, "a version that is not HTTP/x.y");
    if (v.p[5] != '1' || v.p[7] > '1')
        return scan_bad_as(s, 505, CAUSE_BAD_REQUEST, "a version other than 1.0 and 1.1");
    *minor = v.p[7] - '0';
    return PARSE_DONE;
}

/* Behind "http://" or "https://", or 0. */
static size_t scheme_length(struct slice target)
{
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < 2; i++)
        if (target.len >= schemes[i].len &&
            slice_eq_nocase(slice_of(target.p, schemes[i].len), schemes[i]))
            return schemes[i].len;
    return 0;
}

/* absolute-form: the authority becomes the host, the rest the target (RFC 9112, 3.2.2). */
static enum parse absolute_split(struct head_scan *s, struct request_head *out, size_t scheme)
{
    struct slice rest = slice_from(out->target, scheme);
    size_t n = 0;

    while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    out->host = slice_of(rest.p, n);
    if (!host_is_valid(out->host))
        return scan_bad(s, "a bad host in the target");
    out->target = slice_from(rest, n);
    if (out->target.len == 0)
        out->target = slice_eq(out->method, SLICE_LIT("OPTIONS")) ? SLICE_LIT("*") : SLICE_LIT("/");
    if (out->target.p[0] == '?')
        return scan_bad(s, "a target with a query but no path");
    return PARSE_DONE;
}

/* The four forms of RFC 9112, 3.2; authority-form belongs to CONNECT. */
static enum parse target_split(struct head_scan *s, struct request_head *out)
{
    size_t scheme;

    if (out->target.p[0] == '/')
        return PARSE_DONE;
    if (slice_eq(out->target, SLICE_LIT("*")) && slice_eq(out->method, SLICE_LIT("OPTIONS")))
        return PARSE_DONE;
    scheme = scheme_length(out->target);
    if (scheme == 0)
        return scan_bad(s, "a target that is neither a path nor an http URL");
    return absolute_split(s, out, scheme);
}

static enum parse request_line(struct head_scan *s, struct request_head *out)
{
    enum parse rc = method_scan(s, &out->method);

    if (rc == PARSE_DONE)
        rc = target_scan(s, &out->target);
    if (rc == PARSE_DONE)
        rc = version_scan(s, &out->minor);
    if (rc == PARSE_DONE)
        rc = target_split(s, out);
    return rc;
}

static enum parse host_settle(struct head_scan *s, const struct field_set *set,
                              struct request_head *out)
{
    struct http_field *f;

    if (set->at[FIELD_HOST] == 0) {
        if (out->minor > 0)
            return scan_bad(s, "no Host");
        return PARSE_DONE;
    }
    if ((set->several & FIELD_BIT(FIELD_HOST)) != 0)
        return scan_bad(s, "more than one Host");
    f = &set->all[set->at[FIELD_HOST] - 1];
    if (!host_is_valid(f->value))
        return scan_bad(s, "a bad Host");
    if (out->host.len > 0)
        f->value = out->host;
    out->host = f->value;
    return PARSE_DONE;
}

static enum parse body_settle(struct head_scan *s, const struct field_set *set,
                              const struct head_limits *limits, struct request_head *out)
{
    struct framing framing;
    enum parse rc = framing_decide(s, set, out->minor, &framing);

    if (rc != PARSE_DONE)
        return rc;
    if (framing.chunked)
        out->body = BODY_CHUNKED;
    else if (framing.counted)
        out->body = BODY_COUNTED;
    out->length = framing.length;
    if (framing.length > limits->body)
        return scan_bad_as(s, 413, CAUSE_REQUEST_TOO_LARGE, "the body is too large");
    out->expect_continue =
        out->minor > 0 && (framing.chunked || framing.length > 0) &&
        slice_eq_nocase(request_field(out, FIELD_EXPECT), SLICE_LIT("100-continue"));
    return PARSE_DONE;
}

static enum parse connection_settle(struct head_scan *s, const struct field_set *set,
                                    struct request_head *out)
{
    struct connection_says says;
    enum parse rc = connection_read(s, set, &says);

    if (rc != PARSE_DONE)
        return rc;
    out->keep_alive = !says.close && (out->minor > 0 || says.keep_alive);
    out->websocket = says.upgrade && out->minor > 0 && out->body != BODY_CHUNKED &&
                     out->length == 0 && slice_eq(out->method, SLICE_LIT("GET")) &&
                     upgrade_is_websocket(set);
    return PARSE_DONE;
}

static enum parse request_settle(struct head_scan *s, const struct head_limits *limits,
                                 const struct field_set *set, struct request_head *out)
{
    enum parse rc = host_settle(s, set, out);

    if (rc == PARSE_DONE)
        rc = body_settle(s, set, limits, out);
    if (rc == PARSE_DONE)
        rc = connection_settle(s, set, out);
    out->is_head = slice_eq(out->method, SLICE_LIT("HEAD"));
    return rc;
}

/* One empty line before the request line is overlooked (RFC 9112, 2.2). */
static size_t empty_line(struct slice in)
{
    return in.len >= 2 && in.p[0] == '\r' && in.p[1] == '\n' ? 2 : 0;
}

enum parse request_parse(struct slice in, const struct head_limits *limits,
                         struct http_field *fields, struct request_head *out, size_t *used,
                         struct head_error *err)
{
    struct field_set set = {.all = fields, .at = out->at};
    struct head_scan s;
    enum parse rc;

    *out = (struct request_head){.fields = fields};
    if (in.len == 0 || (in.len == 1 && in.p[0] == '\r'))
        return PARSE_MORE;
    scan_begin(&s, slice_from(in, empty_line(in)), limits, err);
    rc = request_line(&s, out);
    if (rc != PARSE_DONE)
        return rc;
    scan_fields_begin(&s, in, limits);
    rc = scan_fields(&s, limits, &set);
    out->n_fields = set.n;
    if (rc != PARSE_DONE)
        return rc;
    rc = request_settle(&s, limits, &set, out);
    if (rc == PARSE_DONE)
        *used = (size_t)(s.p - in.p);
    return rc;
}
