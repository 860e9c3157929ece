/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error inside a stream would have been as a status: by its code where that is a number,
 * else by the names that APIs and servers give to errors.
 */
#include "answer_priv.h"

/*
 * Compared without case, '_', '-', '.' and spaces: RateLimitError is rate_limit_error.  A name's
 * trailing "error" or "exception" has its own rows where both spellings are in use.
 */
static const struct {
    struct slice name;
    uint16_t status;
} names[] = {
#define NAME(text, status)                                                                         \
    {                                                                                              \
        {text, sizeof(text) - 1}, status                                                           \
    }
    /* come back later: the server as a whole */
    NAME("overloaded_error", 503),
    NAME("overloaded", 503),
    NAME("model_overloaded", 503),
    NAME("engine_overloaded", 503),
    NAME("engine_overloaded_error", 503),
    NAME("server_overloaded", 503),
    NAME("server_busy", 503),
    NAME("slow_down", 503),
    NAME("capacity_exceeded", 503),
    NAME("queue_full", 503),
    NAME("service_unavailable", 503),
    NAME("service_unavailable_error", 503),
    NAME("service_unavailable_exception", 503),
    NAME("unavailable", 503),
    NAME("unavailable_error", 503),
    NAME("model_not_ready_exception", 503),
    /* come back later: you */
    NAME("rate_limit_error", 429),
    NAME("rate_limit_exceeded", 429),
    NAME("rate_limited", 429),
    NAME("rate_limit", 429),
    NAME("too_many_requests", 429),
    NAME("too_many_requests_error", 429),
    NAME("throttling_exception", 429),
    NAME("throttling_error", 429),
    NAME("resource_exhausted", 429),
    NAME("insufficient_quota", 429),
    NAME("quota_exceeded", 429),
    NAME("tokens", 429), /* OpenAI: the kind of limit that was passed */
    NAME("requests", 429),
    /* the request's own fault */
    NAME("invalid_request_error", 400),
    NAME("invalid_request", 400),
    NAME("bad_request", 400),
    NAME("bad_request_error", 400),
    NAME("invalid_argument", 400),
    NAME("failed_precondition", 400),
    NAME("out_of_range", 400),
    NAME("context_length_exceeded", 400),
    NAME("exceed_context_size_error", 400),
    NAME("content_filter", 400),
    NAME("content_policy_violation", 400),
    NAME("value_error", 400),
    NAME("validation_exception", 400),
    NAME("authentication_error", 401),
    NAME("invalid_api_key", 401),
    NAME("unauthenticated", 401),
    NAME("unauthorized", 401),
    NAME("billing_error", 402),
    NAME("permission_error", 403),
    NAME("permission_denied", 403),
    NAME("permission_denied_error", 403),
    NAME("access_denied_exception", 403),
    NAME("forbidden", 403),
    NAME("not_found_error", 404),
    NAME("not_found", 404),
    NAME("model_not_found", 404),
    NAME("conflict_error", 409),
    NAME("already_exists", 409),
    NAME("aborted", 409),
    NAME("request_too_large", 413),
    NAME("validation", 422),
    NAME("validation_error", 422),
    NAME("unprocessable_entity", 422),
    NAME("unprocessable_entity_error", 422),
    /* a fault of the server */
    NAME("api_error", 500),
    NAME("server_error", 500),
    NAME("internal", 500),
    NAME("internal_error", 500),
    NAME("internal_server_error", 500),
    NAME("internal_server_exception", 500),
    NAME("model_stream_error_exception", 500),
    NAME("unknown", 500),
    NAME("data_loss", 500),
    NAME("generation", 500),
    NAME("incomplete_generation", 500),
    NAME("not_implemented_error", 501),
    NAME("not_supported_error", 501),
    NAME("unimplemented", 501),
    NAME("timeout_error", 504),
    NAME("deadline_exceeded", 504),
    NAME("gateway_timeout", 504),
#undef NAME
};

static bool is_filler(char c)
{
    return c == '_' || c == '-' || c == '.' || c == ' ';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool same_name(struct slice a, struct slice b)
{
    size_t i = 0, j = 0;

    for (;;) {
        while (i < a.len && is_filler(a.p[i]))
            i++;
        while (j < b.len && is_filler(b.p[j]))
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (lower(a.p[i++]) != lower(b.p[j++]))
            return false;
    }
}

int error_code_status(struct slice code)
{
    uint64_t n;

    if (parse_u64(code, 599, &n) == WEIR_OK)
        return n >= 400 ? (int)n : 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (same_name(code, names[i].name))
            return names[i].status;
    return 0;
}
