/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_HEAD_PRIV_H
#define WEIR_HTTP_HEAD_PRIV_H

#include "weir/http/head.h"

/*
 * What the parsers of requests and of responses share.  Scanning finds the parts of a head in
 * HTTP/1 text; meaning judges the parts, wherever they come from.  Errors are written in the words
 * of a request; response.c turns them into a 502.
 */

/* Refuses; always PARSE_BAD. */
enum parse head_bad(struct head_error *err, const char *what);
enum parse head_bad_as(struct head_error *err, int status, enum cause cause, const char *what);

/* --- scanning: HTTP/1 text */

struct head_scan {
    const char *p, *end; /* next byte; as far as the limits let us look */
    const char *all;     /* end of all the bytes there are */
    struct head_error *err;
};

/* A set of field ids. */
typedef uint64_t field_mask;
#define FIELD_BIT(id) (UINT64_C(1) << (id))
_Static_assert((int)FIELD_ID_COUNT <= 64, "field_mask is too small");

/* The caller's array while it fills. */
struct field_set {
    struct http_field *all;
    size_t n;
    uint16_t *at;       /* [FIELD_ID_COUNT] */
    field_mask several; /* ids that were seen more than once */
};

/* The octets a byte may be part of. */
enum {
    CHAR_TOKEN = 1,
    CHAR_UNDERSCORE = 2,
    CHAR_VALUE = 4,
    CHAR_TARGET = 8,
    CHAR_HOST = 16,
    CHAR_HEX = 32
};
extern const uint8_t weir_http_chars[256];

static inline bool char_is(char c, unsigned what)
{
    return (weir_http_chars[(unsigned char)c] & what) != 0;
}

/* The scan of a head whose first line may have `line` bytes and a line end. */
void scan_begin(struct head_scan *s, struct slice in, const struct head_limits *limits,
                struct head_error *err);
/* From here on the bound of the whole head counts. */
void scan_fields_begin(struct head_scan *s, struct slice in, const struct head_limits *limits);

static inline enum parse scan_bad(struct head_scan *s, const char *what)
{
    return head_bad(s->err, what);
}

/* PARSE_MORE, or a refusal with that status if the bytes go on beyond the limit. */
enum parse scan_starved(struct head_scan *s, int status, enum cause cause, const char *what);

/* The rest of the first line: up to CR LF, of bytes that a field value may hold. */
enum parse scan_line_rest(struct head_scan *s, struct slice *rest);

/* All fields and the empty line. */
enum parse scan_fields(struct head_scan *s, const struct head_limits *limits,
                       struct field_set *set);

/* --- meaning: for HTTP/1 and HTTP/2 */

void field_set_add(struct field_set *set, struct slice name, struct slice value);

/*
 * Takes one field into the set, unless it passes limits->fields (431) or its name has an underscore
 * that is refused or left out.  The name is a token; `chars` has CHAR_UNDERSCORE if one is among
 * its characters; `lines` counts the fields of the head.
 */
static inline enum parse field_take(struct head_error *err, const struct head_limits *limits,
                                    struct field_set *set, struct slice name, struct slice value,
                                    unsigned chars, size_t *lines)
{
    bool underscore = (chars & CHAR_UNDERSCORE) != 0;

    if (++*lines > limits->fields)
        return head_bad_as(err, 431, CAUSE_HEADERS_TOO_LARGE, "too many fields");
    if (underscore && limits->underscores == UNDERSCORES_REFUSED)
        return head_bad(err, "an underscore in a field name");
    if (!underscore || limits->underscores == UNDERSCORES_KEPT)
        field_set_add(set, name, value);
    return PARSE_DONE;
}

/* Is this method served?  It is a token. */
enum parse method_judge(struct head_error *err, struct slice method);
/*
 * A path, or * with OPTIONS: the forms of a target that both versions have (RFC 9112, 3.2.1 and
 * 3.2.4; RFC 9113, 8.3.1).  Its characters are those of a target.
 */
bool target_is_plain(struct slice method, struct slice target);
/* What method, target and fields mean together: host, body, Connection, Expect, upgrades. */
enum parse request_judge(struct head_error *err, const struct head_limits *limits,
                         const struct field_set *set, struct request_head *out);

/* What the fields of an answer say of its body: kind of stream, coding. */
void response_content(const struct field_set *set, struct response_head *out);

/* Body of a message by its Content-Length and Transfer-Encoding (RFC 9112, 6.3). */
struct framing {
    bool chunked, counted;
    uint64_t length;
};
enum parse framing_decide(struct head_error *err, const struct field_set *set, int minor,
                          struct framing *out);

/* What Connection says, over all its lines.  Marks the fields that it names. */
struct connection_says {
    bool close, keep_alive, upgrade;
};
enum parse connection_read(struct head_error *err, const struct field_set *set,
                           struct connection_says *out);

/* Takes the next element of a comma-separated list, trimmed, from *list; false at its end. */
bool list_next(struct slice *list, struct slice *element);

/* uri-host [ ":" port ] (RFC 9110, 7.2), not empty, no user information. */
bool host_is_valid(struct slice host);

/* Sec-WebSocket-Key, -Version, Upgrade: what RFC 6455, 4.1 asks of a request. */
bool upgrade_is_websocket(const struct field_set *set);

#endif
