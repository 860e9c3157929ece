/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_CAUSES_H
#define WEIR_BASE_CAUSES_H

/*
 * Why something went wrong: one row for each cause, with everything that is said about it anywhere.
 * Names, counters, answers, pages, the live page, the report of weir-bench, docs/words.md and
 * docs/answers.md come from this list or are checked against it.  A row needs all its columns:
 *
 * X(enumerator, "wire name",
 *   whose,        OF_WEIR: a refusal; OF_UPSTREAM: the upstream's doing; OF_CLIENT: the client's
 *   situation,    one of proxy/pages/causes.c: status, in Anthropic's dialect, in gRPC; refused for
 *                 load, whether a retry can help, error.type
 *   proxy error,  RFC 9209, 2.3; NULL = none fits
 *   page,         what a person is shown (enum page_kind)
 *   "because",    half a sentence for operators: the live page, docs/words.md
 *   "message",    for programs: a whole sentence without its full stop, in English; no advice that
 *                 a library acts on (some stop for good when they read about payments), no name of
 *                 a pool or server
 *   "in stream")  the same when the answer had begun; NULL = message
 */
/* clang-format off */
#define WEIR_CAUSES(X) \
    X(CAUSE_NONE, "", OF_NOBODY, BACKEND(500), "proxy_internal_error", PAGE_FAILED, \
      "nothing went wrong", \
      "The request could not be served", \
      NULL) \
    X(CAUSE_OVERLOADED, "overloaded", OF_WEIR, LOAD, "connection_limit_reached", PAGE_BUSY, \
      "the upstreams have no room", \
      "The service is overloaded and did not start this request", \
      NULL) \
    X(CAUSE_QUEUE_TIMEOUT, "queue_timeout", OF_WEIR, LOAD, "connection_limit_reached", PAGE_BUSY, \
      "requests waited too long in the queue", \
      "The service is overloaded: this request waited for its turn and was not started", \
      NULL) \
    X(CAUSE_DEADLINE, "deadline", OF_WEIR, TOO_LATE, "connection_limit_reached", PAGE_BUSY, \
      "the client's own deadline cannot be met", \
      "The service is overloaded and cannot answer within the time this client waits; " \
      "the request was not started", \
      NULL) \
    X(CAUSE_CIRCUIT_OPEN, "circuit_open", OF_WEIR, AWAY, "destination_unavailable", PAGE_BROKEN, \
      "the breakers are open", \
      "The service is out of order at the moment and did not start this request", \
      NULL) \
    X(CAUSE_RECOVERING, "recovering", OF_WEIR, AWAY, "destination_unavailable", PAGE_RECOVERING, \
      "the upstreams are coming back step by step, and their share is used up", \
      "The service is recovering and lets requests in step by step; this one was not " \
      "started", \
      NULL) \
    X(CAUSE_HELD, "held", OF_WEIR, LOAD, "destination_unavailable", PAGE_BUSY, \
      "the upstreams asked to be left alone", \
      "The service has asked for a pause; this request was not started", \
      NULL) \
    X(CAUSE_RATE_LIMITED, "rate_limited", OF_WEIR, USER, "http_request_denied", PAGE_LIMITED, \
      "a user has as much as one user may", \
      "Too many requests from this user; this one was not started", \
      NULL) \
    X(CAUSE_NO_UPSTREAM, "no_upstream", OF_WEIR, AWAY, "destination_unavailable", PAGE_BROKEN, \
      "no upstream is in service", \
      "No server is available at the moment; this request was not started", \
      NULL) \
    X(CAUSE_DRAINING, "draining", OF_WEIR, AWAY, "destination_unavailable", PAGE_CLOSING, \
      "weir is ending", \
      "The service is being restarted and did not start this request", \
      "The service is being restarted and ended this answer before it was complete") \
    X(CAUSE_CONNECT_FAILED, "connect_failed", OF_UPSTREAM, BACKEND(502), \
      "connection_refused", PAGE_FAILED, \
      "no connection could be made", \
      "The backend could not be reached; this request was not started", \
      NULL) \
    X(CAUSE_UPSTREAM_RESET, "upstream_reset", OF_UPSTREAM, BACKEND(502), \
      "connection_terminated", PAGE_FAILED, \
      "the connection ended before an answer", \
      "The backend broke the connection before it answered", \
      "The backend broke the connection before the answer was complete") \
    X(CAUSE_BAD_GATEWAY, "bad_gateway", OF_UPSTREAM, BACKEND(502), \
      "http_protocol_error", PAGE_FAILED, \
      "the answer is no HTTP", \
      "The backend sent an answer that is not valid HTTP", \
      "The backend broke the rules of HTTP before the answer was complete") \
    X(CAUSE_GATEWAY_TIMEOUT, "gateway_timeout", OF_UPSTREAM, BACKEND(504), \
      "http_response_timeout", PAGE_SLOW, \
      "no answer came in time", \
      "The backend did not answer in time", \
      "The answer took longer than is allowed and was ended before it was complete") \
    X(CAUSE_UPSTREAM_ERROR, "upstream_error", OF_UPSTREAM, BACKEND(502), NULL, PAGE_FAILED, \
      "the upstream's own 5xx", \
      "The backend failed to answer this request", \
      "The backend failed before the answer was complete") \
    X(CAUSE_UPSTREAM_REFUSED, "upstream_refused", OF_UPSTREAM, LOAD, NULL, PAGE_BUSY, \
      "the upstream's own 429, 503 or 529", \
      "The backend is overloaded and refused this request", \
      NULL) \
    X(CAUSE_IN_BAND_ERROR, "in_band_error", OF_UPSTREAM, BACKEND(502), NULL, PAGE_FAILED, \
      "an error inside a 200", \
      "The backend answered with an error", \
      "The backend failed before the answer was complete") \
    X(CAUSE_EMPTY_STREAM, "empty_stream", OF_UPSTREAM, BACKEND(502), \
      "http_response_incomplete", PAGE_FAILED, \
      "a stream without content", \
      "The backend ended its answer without any content", \
      NULL) \
    X(CAUSE_UPSTREAM_TRUNCATED, "upstream_truncated", OF_UPSTREAM, BACKEND(502), \
      "http_response_incomplete", PAGE_FAILED, \
      "the stream ended without its end marker", \
      "The backend ended its answer before it was complete", \
      NULL) \
    X(CAUSE_UPSTREAM_STALLED, "upstream_stalled", OF_UPSTREAM, SILENT, \
      "connection_read_timeout", PAGE_SLOW, \
      "the stream fell silent", \
      "The backend fell silent before the answer was complete", \
      NULL) \
    X(CAUSE_CLIENT_GONE, "client_gone", OF_CLIENT, REQUEST(400), \
      "http_request_error", PAGE_INCOMPLETE, \
      "the client left before the answer was whole", \
      "The request ended before it was complete", \
      NULL) \
    X(CAUSE_BAD_REQUEST, "bad_request", OF_CLIENT, REQUEST(400), \
      "http_request_error", PAGE_UNREADABLE, \
      "the request is no valid HTTP", \
      "The request is not valid HTTP", \
      NULL) \
    X(CAUSE_REQUEST_TIMEOUT, "request_timeout", OF_CLIENT, LATE, \
      "http_request_error", PAGE_INCOMPLETE, \
      "the request did not arrive in time", \
      "The request did not arrive in time", \
      NULL) \
    X(CAUSE_REQUEST_TOO_LARGE, "request_too_large", OF_CLIENT, REQUEST(413), \
      "http_request_error", PAGE_TOO_LARGE, \
      "the body is larger than the limit", \
      "The request has a larger body than this server accepts", \
      NULL) \
    X(CAUSE_URI_TOO_LONG, "uri_too_long", OF_CLIENT, REQUEST(414), \
      "http_request_error", PAGE_TOO_LARGE, \
      "the target is longer than the limit", \
      "The request has a longer target than this server accepts", \
      NULL) \
    X(CAUSE_HEADERS_TOO_LARGE, "headers_too_large", OF_CLIENT, REQUEST(431), \
      "http_request_error", PAGE_TOO_LARGE, \
      "the fields are larger than the limit", \
      "The request has larger header fields than this server accepts", \
      NULL) \
    X(CAUSE_NOT_FOUND, "not_found", OF_CLIENT, REQUEST(404), "http_request_error", PAGE_NOT_FOUND, \
      "no route leads there", \
      "Nothing is served at this address", \
      NULL) \
    X(CAUSE_NOT_ALLOWED, "not_allowed", OF_CLIENT, REQUEST(405), \
      "http_request_denied", PAGE_NOT_ALLOWED, \
      "the route does not allow it", \
      "This request is not allowed here", \
      NULL)
/* clang-format on */

/* Whose doing a cause is. */
enum cause_side { OF_NOBODY, OF_WEIR, OF_UPSTREAM, OF_CLIENT };

#endif
