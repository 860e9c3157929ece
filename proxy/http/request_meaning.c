/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request means, whichever version of HTTP it came in: which fields count, whom it is for,
 * how long its body is, what concerns the connection only.  One set of rules, so that no request
 * means one thing in HTTP/2 and another in the HTTP/1 it is passed on in.
 */
#include "head_priv.h"

enum parse head_bad_as(struct head_error *err, int status, enum cause cause, const char *what)
{
    *err = (struct head_error){.status = status, .cause = cause, .what = what};
    return PARSE_BAD;
}

enum parse head_bad(struct head_error *err, const char *what)
{
    return head_bad_as(err, 400, CAUSE_BAD_REQUEST, what);
}

/* --- one field */

/* Fields that concern this connection only, whatever Connection says (RFC 9110, 7.6.1). */
static const field_mask hop_by_hop =
    FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_HTTP2_SETTINGS) | FIELD_BIT(FIELD_KEEP_ALIVE) |
    FIELD_BIT(FIELD_PROXY_AUTHENTICATE) | FIELD_BIT(FIELD_PROXY_AUTHORIZATION) |
    FIELD_BIT(FIELD_PROXY_CONNECTION) | FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRAILER) |
    FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_UPGRADE);

void field_set_add(struct field_set *set, struct slice name, struct slice value)
{
    enum field_id id = field_lookup(name);

    set->all[set->n++] = (struct http_field){
        .name = name, .value = value, .id = id, .hop = (hop_by_hop & FIELD_BIT(id)) != 0};
    if (id == FIELD_OTHER)
        return;
    if (set->at[id] != 0)
        set->several |= FIELD_BIT(id);
    else
        set->at[id] = (uint16_t)set->n;
}

/* --- method and target */

enum parse method_judge(struct head_error *err, struct slice method)
{
    if (slice_eq(method, SLICE_LIT("CONNECT")) || slice_eq(method, SLICE_LIT("TRACE")))
        return head_bad_as(err, 501, CAUSE_NOT_ALLOWED, "CONNECT and TRACE are not served");
    return PARSE_DONE;
}

bool target_is_plain(struct slice method, struct slice target)
{
    if (target.len > 0 && target.p[0] == '/')
        return true;
    return slice_eq(target, SLICE_LIT("*")) && slice_eq(method, SLICE_LIT("OPTIONS"));
}

/* --- all of it together */

static enum parse host_settle(struct head_error *err, const struct field_set *set,
                              struct request_head *out)
{
    struct http_field *f;

    if (set->at[FIELD_HOST] == 0) {
        if (out->minor > 0 && !(out->http2 && out->host.len > 0))
            return head_bad(err, "no Host");
        return PARSE_DONE;
    }
    if ((set->several & FIELD_BIT(FIELD_HOST)) != 0)
        return head_bad(err, "more than one Host");
    f = &set->all[set->at[FIELD_HOST] - 1];
    if (!host_is_valid(f->value))
        return head_bad(err, "a bad Host");
    if (out->host.len > 0)
        f->value = out->host;
    out->host = f->value;
    return PARSE_DONE;
}

static enum parse body_settle(struct head_error *err, const struct field_set *set,
                              const struct head_limits *limits, struct request_head *out)
{
    struct framing framing;
    enum parse rc = framing_decide(err, set, out->minor, &framing);

    if (rc != PARSE_DONE)
        return rc;
    if (framing.chunked)
        out->body = BODY_CHUNKED;
    else if (framing.counted)
        out->body = BODY_COUNTED;
    out->length = framing.length;
    if (framing.length > limits->body)
        return head_bad_as(err, 413, CAUSE_REQUEST_TOO_LARGE, "the body is too large");
    out->expect_continue =
        out->minor > 0 && (framing.chunked || framing.length > 0) &&
        slice_eq_nocase(request_field(out, FIELD_EXPECT), SLICE_LIT("100-continue"));
    return PARSE_DONE;
}

static enum parse connection_settle(struct head_error *err, const struct field_set *set,
                                    struct request_head *out)
{
    struct connection_says says;
    enum parse rc = connection_read(err, set, &says);

    if (rc != PARSE_DONE)
        return rc;
    out->keep_alive = !says.close && (out->minor > 0 || says.keep_alive);
    out->websocket = says.upgrade && out->minor > 0 && out->body != BODY_CHUNKED &&
                     out->length == 0 && slice_eq(out->method, SLICE_LIT("GET")) &&
                     upgrade_is_websocket(set);
    return PARSE_DONE;
}

enum parse request_judge(struct head_error *err, const struct head_limits *limits,
                         const struct field_set *set, struct request_head *out)
{
    enum parse rc = host_settle(err, set, out);

    if (rc == PARSE_DONE)
        rc = body_settle(err, set, limits, out);
    if (rc == PARSE_DONE)
        rc = connection_settle(err, set, out);
    out->is_head = slice_eq(out->method, SLICE_LIT("HEAD"));
    return rc;
}
