/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads.  The upstream is as hostile as the client: the same strictness, and a 502. */
#include "head_priv.h"

static enum parse status_starved(struct head_scan *s)
{
    return scan_starved(s, 502, CAUSE_BAD_GATEWAY, "the status line is too long");
}

/* "HTTP/1.1 200 OK"; the space before an empty reason may be missing, as many servers do. */
static enum parse status_line(struct head_scan *s, struct response_head *out)
{
    struct slice v = SLICE_NONE;
    enum parse rc = scan_line_rest(s, &v);

    if (rc != PARSE_DONE)
        return rc == PARSE_MORE ? status_starved(s) : rc;
    if (v.len < 12 || !slice_starts(v, SLICE_LIT("HTTP/1.")) || (v.p[7] != '0' && v.p[7] != '1') ||
        v.p[8] != ' ' || (v.len > 12 && v.p[12] != ' '))
        return scan_bad(s, "a status line that is not HTTP/1.x");
    out->minor = v.p[7] - '0';
    for (int i = 9; i < 12; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return scan_bad(s, "a status that is not a number");
        out->status = out->status * 10 + (v.p[i] - '0');
    }
    if (out->status < 100 || out->status > 599)
        return scan_bad(s, "a status that does not exist");
    out->reason = slice_from(v, v.len > 12 ? 13 : 12);
    return PARSE_DONE;
}

/* These have no body whatever their fields say, and may have no length either (RFC 9110, 8.6). */
static void forget_length(const struct field_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->all[i].id == FIELD_CONTENT_LENGTH)
            set->all[i].hop = true;
}

static enum parse body_settle(struct head_scan *s, const struct field_set *set, bool to_head,
                              struct response_head *out)
{
    struct framing framing;
    enum parse rc = framing_decide(s->err, set, out->minor, &framing);

    if (rc != PARSE_DONE)
        return rc;
    out->length = framing.length;
    if (out->status < 200 || out->status == 204) {
        out->length = 0;
        forget_length(set);
    } else if (to_head || out->status == 304) {
        out->body = BODY_NONE;
    } else if (framing.chunked) {
        out->body = BODY_CHUNKED;
    } else {
        out->body = framing.counted ? BODY_COUNTED : BODY_TO_CLOSE;
    }
    return PARSE_DONE;
}

static enum parse connection_settle(struct head_scan *s, const struct field_set *set,
                                    bool asked_upgrade, struct response_head *out)
{
    struct connection_says says;
    enum parse rc = connection_read(s->err, set, &says);

    if (rc != PARSE_DONE)
        return rc;
    out->keep_alive =
        !says.close && (out->minor > 0 || says.keep_alive) && out->body != BODY_TO_CLOSE;
    if (out->status != 101)
        return PARSE_DONE;
    if (!asked_upgrade || !says.upgrade ||
        !slice_eq_nocase(response_field(out, FIELD_UPGRADE), SLICE_LIT("websocket")))
        return scan_bad(s, "a switch of protocols that was not asked for");
    out->switched = true;
    return PARSE_DONE;
}

/* type/subtype without parameters. */
static struct slice media_type(struct slice v)
{
    const char *semicolon = v.len == 0 ? NULL : memchr(v.p, ';', v.len);

    return semicolon == NULL ? v : slice_trim(slice_of(v.p, (size_t)(semicolon - v.p)));
}

/*
 * Servers put words into Content-Encoding that are no coding: what RFC 9110, 8.4.1 has for
 * Accept-Encoding only, the codings of mail (RFC 2045), and charsets.  A word that is not known
 * here may be a coding: the bytes are not read.
 */
static bool is_no_coding(struct slice word)
{
    static const struct slice whole[] = {{"identity", 8}, {"none", 4},   {"7bit", 4},
                                         {"8bit", 4},     {"ascii", 5},  {"us-ascii", 8},
                                         {"plain", 5},    {"unicode", 7}};
    static const struct slice charsets[] = {{"utf", 3},   {"iso-8859", 8}, {"iso8859", 7},
                                            {"latin", 5}, {"windows-", 8}, {"cp125", 5}};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (slice_eq_nocase(word, whole[i]))
            return true;
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
        if (word.len >= charsets[i].len &&
            slice_eq_nocase(slice_of(word.p, charsets[i].len), charsets[i]))
            return true;
    return false;
}

static bool is_encoded(const struct field_set *set)
{
    struct slice list, coding;

    for (size_t i = 0; set->at[FIELD_CONTENT_ENCODING] != 0 && i < set->n; i++) {
        if (set->all[i].id != FIELD_CONTENT_ENCODING)
            continue;
        list = set->all[i].value;
        while (list_next(&list, &coding))
            if (!is_no_coding(coding))
                return true;
    }
    return false;
}

void response_content(const struct field_set *set, struct response_head *out)
{
    struct slice type = media_type(response_field(out, FIELD_CONTENT_TYPE));

    out->event_stream = slice_eq_nocase(type, SLICE_LIT("text/event-stream"));
    out->ndjson = slice_eq_nocase(type, SLICE_LIT("application/x-ndjson"));
    out->binary_events = slice_eq_nocase(type, SLICE_LIT("application/vnd.amazon.eventstream"));
    out->encoded = is_encoded(set);
}

static enum parse parse(struct head_scan *s, struct slice in, const struct head_limits *limits,
                        bool to_head, bool asked_upgrade, struct response_head *out)
{
    struct field_set set = {.all = out->fields, .at = out->at};
    enum parse rc = status_line(s, out);

    if (rc != PARSE_DONE)
        return rc;
    scan_fields_begin(s, in, limits);
    rc = scan_fields(s, limits, &set);
    out->n_fields = set.n;
    if (rc == PARSE_DONE)
        rc = body_settle(s, &set, to_head, out);
    if (rc == PARSE_DONE)
        rc = connection_settle(s, &set, asked_upgrade, out);
    if (rc == PARSE_DONE)
        response_content(&set, out);
    return rc;
}

enum parse response_parse(struct slice in, const struct head_limits *limits, bool to_head,
                          bool asked_upgrade, struct http_field *fields, struct response_head *out,
                          size_t *used, struct head_error *err)
{
    struct head_scan s;
    enum parse rc;

    *out = (struct response_head){.fields = fields};
    if (in.len == 0)
        return PARSE_MORE;
    scan_begin(&s, in, limits, err);
    rc = parse(&s, in, limits, to_head, asked_upgrade, out);
    if (rc == PARSE_BAD) {
        err->status = 502;
        err->cause = CAUSE_BAD_GATEWAY;
    }
    if (rc == PARSE_DONE)
        *used = (size_t)(s.p - in.p);
    return rc;
}
