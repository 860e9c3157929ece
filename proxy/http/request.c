/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as HTTP/1 text: request line, forms of the target, version.  What the parts mean
 * together is request_meaning.c's, for HTTP/1 and HTTP/2.
 */
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
    return method_judge(s->err, *method);
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
        return head_bad_as(s->err, 505, CAUSE_BAD_REQUEST, "a version other than 1.0 and 1.1");
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

    if (target_is_plain(out->method, out->target))
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
    rc = request_judge(err, limits, &set, out);
    if (rc == PARSE_DONE)
        *used = (size_t)(s.p - in.p);
    return rc;
}
