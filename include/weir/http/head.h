/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_HEAD_H
#define WEIR_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/text.h"
#include "weir/base/words.h"

/*
 * HTTP/1.0 and 1.1 heads (RFC 9112), strict: what is ambiguous is refused (docs/http.md).  A parser
 * owns nothing: bytes in, done / more / bad out, slices into the caller's bytes.
 */
enum parse { PARSE_DONE, PARSE_MORE, PARSE_BAD };

/* Fields that somebody asks for by name.  X(enumerator, "lower-case name") */
#define WEIR_FIELDS(X)                                                                             \
    X(FIELD_ACCEPT, "accept")                                                                      \
    X(FIELD_ACCEPT_LANGUAGE, "accept-language")                                                    \
    X(FIELD_ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method")                        \
    X(FIELD_ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers")                      \
    X(FIELD_ANTHROPIC_VERSION, "anthropic-version")                                                \
    X(FIELD_AUTHORIZATION, "authorization")                                                        \
    X(FIELD_CONNECTION, "connection")                                                              \
    X(FIELD_CONTENT_ENCODING, "content-encoding")                                                  \
    X(FIELD_CONTENT_LENGTH, "content-length")                                                      \
    X(FIELD_CONTENT_TYPE, "content-type")                                                          \
    X(FIELD_COOKIE, "cookie")                                                                      \
    X(FIELD_DATE, "date")                                                                          \
    X(FIELD_EXPECT, "expect")                                                                      \
    X(FIELD_FORWARDED, "forwarded")                                                                \
    X(FIELD_GRPC_RETRY_PUSHBACK_MS, "grpc-retry-pushback-ms")                                      \
    X(FIELD_GRPC_STATUS, "grpc-status")                                                            \
    X(FIELD_GRPC_TIMEOUT, "grpc-timeout")                                                          \
    X(FIELD_HOST, "host")                                                                          \
    X(FIELD_HTTP2_SETTINGS, "http2-settings")                                                      \
    X(FIELD_KEEP_ALIVE, "keep-alive")                                                              \
    X(FIELD_ORIGIN, "origin")                                                                      \
    X(FIELD_PROXY_AUTHENTICATE, "proxy-authenticate")                                              \
    X(FIELD_PROXY_AUTHORIZATION, "proxy-authorization")                                            \
    X(FIELD_PROXY_CONNECTION, "proxy-connection")                                                  \
    X(FIELD_REQUEST_ID, "request-id")                                                              \
    X(FIELD_RETRY_AFTER, "retry-after")                                                            \
    X(FIELD_RETRY_AFTER_MS, "retry-after-ms")                                                      \
    X(FIELD_SEC_WEBSOCKET_KEY, "sec-websocket-key")                                                \
    X(FIELD_SEC_WEBSOCKET_VERSION, "sec-websocket-version")                                        \
    X(FIELD_SERVER, "server")                                                                      \
    X(FIELD_SET_COOKIE, "set-cookie")                                                              \
    X(FIELD_TE, "te")                                                                              \
    X(FIELD_TRACEPARENT, "traceparent")                                                            \
    X(FIELD_TRAILER, "trailer")                                                                    \
    X(FIELD_TRANSFER_ENCODING, "transfer-encoding")                                                \
    X(FIELD_UPGRADE, "upgrade")                                                                    \
    X(FIELD_USER_AGENT, "user-agent")                                                              \
    X(FIELD_VIA, "via")                                                                            \
    X(FIELD_X_API_KEY, "x-api-key")                                                                \
    X(FIELD_X_FORWARDED_FOR, "x-forwarded-for")                                                    \
    X(FIELD_X_FORWARDED_HOST, "x-forwarded-host")                                                  \
    X(FIELD_X_FORWARDED_PROTO, "x-forwarded-proto")                                                \
    X(FIELD_X_REQUEST_ID, "x-request-id")                                                          \
    X(FIELD_X_STAINLESS_RETRY_COUNT, "x-stainless-retry-count")                                    \
    X(FIELD_X_STAINLESS_TIMEOUT, "x-stainless-timeout")                                            \
    X(FIELD_X_WEIR_REQUEST_ID, "x-weir-request-id")

#define WEIR_ENUM_ROW(e, name) e,
enum field_id { FIELD_OTHER = 0, WEIR_FIELDS(WEIR_ENUM_ROW) FIELD_ID_COUNT };
#undef WEIR_ENUM_ROW

struct http_field {
    struct slice name, value; /* value without surrounding blanks */
    enum field_id id;
    bool hop; /* hop-by-hop, or named by Connection: not to be passed on (RFC 9110, 7.6.1) */
};

enum body_kind {
    BODY_NONE,
    BODY_COUNTED, /* `length` bytes */
    BODY_CHUNKED,
    BODY_TO_CLOSE, /* responses only */
};

/*
 * Names with '_' are tokens (RFC 9110, 5.6.2), but CGI and its heirs read "_" and "-" as one: in a
 * request such a field may pass for another one behind weir.  Answers go to clients, which do not
 * confuse them, and gateways of model servers send such names (LiteLLM's "llm_provider-...").
 */
enum underscores {
    UNDERSCORES_REFUSED,
    UNDERSCORES_DROPPED, /* the field is left out */
    UNDERSCORES_KEPT,
};

struct head_limits {
    uint32_t line;   /* request or status line, bytes */
    uint32_t head;   /* all of it, bytes */
    uint32_t fields; /* how many */
    uint64_t body;   /* counted request bodies; UINT64_MAX = no bound */
    enum underscores underscores;
};

/* Filled on PARSE_BAD: what to answer and say. */
struct head_error {
    int status; /* 400 413 414 431 501 505 for requests; 502 for responses.  501: CONNECT, TRACE */
    enum cause cause; /* CAUSE_BAD_REQUEST, CAUSE_URI_TOO_LONG, ...; CAUSE_BAD_GATEWAY */
    const char *what; /* static sentence part: "a bare LF in the head" */
};

/*
 * Slices point into the input, but for the target of "http://host" without a path, which becomes a
 * static "/" ("*" for OPTIONS).  Of an absolute target host wins over Host, and the Host field's
 * value is replaced by it, so that who writes the fields anew cannot pass two opinions on.
 */
struct request_head {
    struct slice method,
        target;                /* target as received; absolute-form is split into host and target */
    struct slice host;         /* of Host, or of an absolute target; NONE: HTTP/1.0 without */
    int minor;                 /* 0 or 1; 1 for HTTP/2 */
    bool http2;                /* from a field block (weir/http/field_block.h) */
    bool grpc;                 /* a call of gRPC (weir/http/grpc.h), which needs HTTP/2 */
    struct http_field *fields; /* the caller's array */
    size_t n_fields;
    /* index + 1 of the first field with that id, 0 = absent */
    uint16_t at[FIELD_ID_COUNT];
    enum body_kind body; /* COUNTED with length 0: "Content-Length: 0" was sent */
    uint64_t length;
    bool unframed;        /* CHUNKED, but the client did not ask for chunks: a length may be said */
    bool keep_alive;      /* as the client wants it */
    bool expect_continue; /* Expect: 100-continue with a body, HTTP/1.1 */
    bool websocket;       /* a well-formed WebSocket upgrade (RFC 6455, 4.1) */
    bool is_head;         /* method HEAD */
};

struct response_head {
    int status, minor;
    bool http2;
    struct slice reason;
    struct http_field *fields;
    size_t n_fields;
    uint16_t at[FIELD_ID_COUNT];
    enum body_kind body;
    uint64_t length;    /* what Content-Length says, also where the body is NONE (HEAD, 304) */
    bool keep_alive;    /* never with BODY_TO_CLOSE */
    bool event_stream;  /* text/event-stream */
    bool ndjson;        /* application/x-ndjson */
    bool encoded;       /* Content-Encoding that is one: not identity, none or a charset */
    bool binary_events; /* application/vnd.amazon.eventstream */
    bool grpc;          /* an answer of gRPC, in HTTP/2 */
    bool switched;      /* 101 to a WebSocket */
};

/*
 * Parses the head at the start of `in`.  `fields` has room for limits->fields entries.  DONE: *used
 * bytes were the head.  MORE: call again with more bytes (from the same start; `in` may have
 * moved). BAD: *err says why; also when a limit is passed.  *out then holds what had been
 * understood so far (method, target and fields, where they were whole), so that the refusal can be
 * written in the client's dialect.  After MORE *out means nothing.
 */
enum parse request_parse(struct slice in, const struct head_limits *limits,
                         struct http_field *fields, struct request_head *out, size_t *used,
                         struct head_error *err);

/*
 * `to_head`: the request was HEAD.  1xx heads are returned like any other (body NONE); the caller
 * swallows them.  An answer to an upgrade sets `switched` only if `asked_upgrade`.
 */
enum parse response_parse(struct slice in, const struct head_limits *limits, bool to_head,
                          bool asked_upgrade, struct http_field *fields, struct response_head *out,
                          size_t *used, struct head_error *err);

/*
 * A head that comes in small pieces would be parsed from its start at each.  Who asks this before,
 * with all of the head's bytes so far and `w` zero at the start of each head, parses when there is
 * reason to: at the first bytes, at the end of the first line (which may be all that a client of
 * another protocol has to say), at the empty line, beyond the limit, and now and then, for what is
 * wrong early.
 */
struct head_wait {
    size_t seen; /* bytes looked at for the empty line */
    size_t due;  /* how many bytes are reason enough */
    bool line;   /* the first line has ended */
};
bool head_is_due(struct head_wait *w, struct slice in, const struct head_limits *limits);

/* The first field's value, or SLICE_NONE. */
static inline struct slice request_field(const struct request_head *h, enum field_id id)
{
    return h->at[id] == 0 ? SLICE_NONE : h->fields[h->at[id] - 1].value;
}
static inline struct slice response_field(const struct response_head *h, enum field_id id)
{
    return h->at[id] == 0 ? SLICE_NONE : h->fields[h->at[id] - 1].value;
}

/* Which of WEIR_FIELDS a name is, in any case; `name` is a token (RFC 9110, 5.6.2). */
enum field_id field_lookup(struct slice name);

/* Does a comma-separated list hold this token (case-insensitive)?  RFC 9110, 5.6.1. */
bool list_has_token(struct slice list, struct slice token);

/* The standard reason phrase (RFC 9110, 15), "Overloaded" for 529, "Unknown" for others; never
 * NULL. */
const char *reason_phrase(int status);

/*
 * The path of a target for matching only: percent-decoded where that is unambiguous, dot segments
 * resolved (RFC 3986, 5.2.4), runs of slashes as one and none at the end (but of "/"), without the
 * query, into out.  WEIR_LIMIT if it does not fit.
 */
enum weir_status target_path(struct slice target, struct text *out) WEIR_MUST_CHECK;

/*
 * The target as it may be written down: the values of query parameters whose names are in `names`
 * are "***"; with `all` every value.  A name is met in any case, percent-encoded, with "-" for "_"
 * or without, with a subscript ("key[0]"), and as the last part of another ("X-Amz-Signature").
 */
void target_redacted(struct text *t, struct slice target, char *const *names, size_t n_names,
                     bool all);

/*
 * Retry-After as milliseconds from retry-after-ms, else Retry-After (seconds, or an HTTP-date
 * against `date` when that is present too, else against wall_now_s); 0 when absent or unusable.
 */
uint32_t response_retry_after_ms(const struct response_head *h, uint64_t wall_now_s);

#endif
