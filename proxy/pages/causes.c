/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of causes: status, dialect, error type, RFC 9209 error and words of every answer that
 * is weir's own.  Answers, pages, docs/answers.md and their tests come from here; a new cause is a
 * row in words.h and a row here.  Messages are for programs: English, no advice a library acts on
 * (some stop for good when they read about payments), no name of a pool or server.
 */
#include "pages_priv.h"

#include "weir/base/assert.h"
#include "weir/http/head.h"

/* Situations: status, status in Anthropic's dialect, for load, a retry helps, error.type */
#define LOAD       503, 529, true, true, "overloaded_error"
#define AWAY       503, 503, false, true, "overloaded_error"
#define USER       429, 429, false, true, "rate_limit_error"
#define BACKEND(n) n, n, false, true, "api_error"
#define SILENT     504, 504, false, true, "overloaded_error"
#define LATE       408, 408, false, true, "invalid_request_error"
#define REQUEST(n) n, n, false, false, "invalid_request_error"

/* Situation, RFC 9209 error, page for people, message, message once the answer had begun */
static const struct cause_row rows[CAUSE_COUNT] = {
    [CAUSE_NONE] = {BACKEND(500), "proxy_internal_error", PAGE_FAILED,
                    "The request could not be served", NULL},
    [CAUSE_OVERLOADED] = {LOAD, "connection_limit_reached", PAGE_BUSY,
                          "The service is overloaded and did not start this request", NULL},
    [CAUSE_QUEUE_TIMEOUT] =
        {LOAD, "connection_limit_reached", PAGE_BUSY,
         "The service is overloaded: this request waited for its turn and was not started", NULL},
    [CAUSE_DEADLINE] = {LOAD, "connection_limit_reached", PAGE_BUSY,
                        "The service is overloaded and cannot answer within the time this client "
                        "waits; the request was not started",
                        NULL},
    [CAUSE_CIRCUIT_OPEN] =
        {AWAY, "destination_unavailable", PAGE_BROKEN,
         "The service is out of order at the moment and did not start this request", NULL},
    [CAUSE_RECOVERING] =
        {AWAY, "destination_unavailable", PAGE_RECOVERING,
         "The service is recovering and lets requests in step by step; this one was not started",
         NULL},
    [CAUSE_HELD] = {LOAD, "destination_unavailable", PAGE_BUSY,
                    "The service has asked for a pause; this request was not started", NULL},
    [CAUSE_RATE_LIMITED] = {USER, "http_request_denied", PAGE_LIMITED,
                            "Too many requests from this user; this one was not started", NULL},
    [CAUSE_NO_UPSTREAM] = {AWAY, "destination_unavailable", PAGE_BROKEN,
                           "No server is available at the moment; this request was not started",
                           NULL},
    [CAUSE_DRAINING] =
        {AWAY, "destination_unavailable", PAGE_CLOSING,
         "The service is being restarted and did not start this request",
         "The service is being restarted and ended this answer before it was complete"},

    [CAUSE_CONNECT_FAILED] = {BACKEND(502), "connection_refused", PAGE_FAILED,
                              "The backend could not be reached; this request was not started",
                              NULL},
    [CAUSE_UPSTREAM_RESET] = {BACKEND(502), "connection_terminated", PAGE_FAILED,
                              "The backend broke the connection before it answered",
                              "The backend broke the connection before the answer was complete"},
    [CAUSE_BAD_GATEWAY] = {BACKEND(502), "http_protocol_error", PAGE_FAILED,
                           "The backend sent an answer that is not valid HTTP",
                           "The backend broke the rules of HTTP before the answer was complete"},
    [CAUSE_GATEWAY_TIMEOUT] =
        {BACKEND(504), "http_response_timeout", PAGE_SLOW, "The backend did not answer in time",
         "The answer took longer than is allowed and was ended before it was complete"},
    [CAUSE_UPSTREAM_ERROR] = {BACKEND(502), NULL, PAGE_FAILED,
                              "The backend failed to answer this request",
                              "The backend failed before the answer was complete"},
    [CAUSE_UPSTREAM_REFUSED] = {LOAD, NULL, PAGE_BUSY,
                                "The backend is overloaded and refused this request", NULL},
    [CAUSE_IN_BAND_ERROR] = {BACKEND(502), NULL, PAGE_FAILED, "The backend answered with an error",
                             "The backend failed before the answer was complete"},
    [CAUSE_EMPTY_STREAM] = {BACKEND(502), "http_response_incomplete", PAGE_FAILED,
                            "The backend ended its answer without any content", NULL},
    [CAUSE_UPSTREAM_TRUNCATED] = {BACKEND(502), "http_response_incomplete", PAGE_FAILED,
                                  "The backend ended its answer before it was complete", NULL},
    [CAUSE_UPSTREAM_STALLED] = {SILENT, "connection_read_timeout", PAGE_SLOW,
                                "The backend fell silent before the answer was complete", NULL},

    [CAUSE_CLIENT_GONE] = {REQUEST(400), "http_request_error", PAGE_INCOMPLETE,
                           "The request ended before it was complete", NULL},
    [CAUSE_BAD_REQUEST] = {REQUEST(400), "http_request_error", PAGE_UNREADABLE,
                           "The request is not valid HTTP", NULL},
    [CAUSE_REQUEST_TIMEOUT] = {LATE, "http_request_error", PAGE_INCOMPLETE,
                               "The request did not arrive in time", NULL},
    [CAUSE_REQUEST_TOO_LARGE] = {REQUEST(413), "http_request_error", PAGE_TOO_LARGE,
                                 "The request has a larger body than this server accepts", NULL},
    [CAUSE_URI_TOO_LONG] = {REQUEST(414), "http_request_error", PAGE_TOO_LARGE,
                            "The request has a longer target than this server accepts", NULL},
    [CAUSE_HEADERS_TOO_LARGE] = {REQUEST(431), "http_request_error", PAGE_TOO_LARGE,
                                 "The request has larger header fields than this server accepts",
                                 NULL},
    [CAUSE_NOT_FOUND] = {REQUEST(404), "http_request_error", PAGE_NOT_FOUND,
                         "Nothing is served at this address", NULL},
    [CAUSE_NOT_ALLOWED] = {REQUEST(405), "http_request_denied", PAGE_NOT_ALLOWED,
                           "This request is not allowed here", NULL},
};

const struct cause_row *cause_row(enum cause c)
{
    WEIR_ASSERT((unsigned)c < CAUSE_COUNT && rows[c].message != NULL);
    return &rows[c];
}

const char *cause_proxy_error(enum cause c)
{
    return c == CAUSE_NONE ? NULL : cause_row(c)->proxy_error;
}

int refusal_status(const struct refusal *r, const struct answer_wish *w)
{
    const struct cause_row *row = cause_row(r->cause);

    if (r->status != 0)
        return r->status;
    if (w->anthropic)
        return row->anthropic;
    if (row->load && r->overload_status != 0)
        return r->overload_status;
    return row->status;
}

struct appointment refusal_appointment(const struct refusal *r)
{
    enum { MOST_MS = 59000 }; /* beyond it clients ignore the hint and come back at once */
    unsigned ms = r->retry_after_ms < MOST_MS ? r->retry_after_ms : MOST_MS;

    if (!cause_row(r->cause)->retry_helps)
        ms = 0;
    return (struct appointment){.seconds = (ms + 999) / 1000, .ms = ms};
}
