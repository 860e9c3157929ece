/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each situation means in HTTP; which cause is which situation stands in the list of causes
 * (base/causes.h).
 */
#include "pages_priv.h"

#include "weir/base/assert.h"
#include "weir/http/grpc.h"
#include "weir/http/head.h"

/* Situations: status, in Anthropic's dialect, in gRPC; for load, a retry helps, error.type */
#define LOAD       503, 529, GRPC_UNAVAILABLE, true, true, "overloaded_error"
#define TOO_LATE   503, 529, GRPC_DEADLINE_EXCEEDED, true, true, "overloaded_error"
#define AWAY       503, 503, GRPC_UNAVAILABLE, false, true, "overloaded_error"
#define USER       429, 429, GRPC_RESOURCE_EXHAUSTED, false, true, "rate_limit_error"
#define BACKEND(n) n, n, GRPC_FOR_##n, false, true, "api_error"
#define SILENT     504, 504, GRPC_UNAVAILABLE, false, true, "overloaded_error"
#define LATE       408, 408, GRPC_UNAVAILABLE, false, true, "invalid_request_error"
#define REQUEST(n) n, n, GRPC_FOR_##n, false, false, "invalid_request_error"

#define GRPC_FOR_400 GRPC_INTERNAL /* as the libraries understand the status themselves */
#define GRPC_FOR_404 GRPC_UNIMPLEMENTED
#define GRPC_FOR_405 GRPC_UNIMPLEMENTED
#define GRPC_FOR_413 GRPC_RESOURCE_EXHAUSTED
#define GRPC_FOR_414 GRPC_INTERNAL
#define GRPC_FOR_431 GRPC_RESOURCE_EXHAUSTED
#define GRPC_FOR_500 GRPC_INTERNAL
#define GRPC_FOR_502 GRPC_UNAVAILABLE
#define GRPC_FOR_504 GRPC_DEADLINE_EXCEEDED

static const struct cause_row rows[CAUSE_COUNT] = {
#define ROW(e, name, side, situation, proxy_error, page, because, message, in_stream)              \
    [e] = {situation, proxy_error, page, message, in_stream},
    WEIR_CAUSES(ROW)
#undef ROW
};

const struct cause_row *cause_row(enum cause c)
{
    WEIR_ASSERT((unsigned)c < CAUSE_COUNT);
    return &rows[c];
}

const char *refusal_sentence(enum cause c)
{
    const struct cause_row *row = cause_row(c);

    return row->in_stream != NULL ? row->in_stream : row->message;
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
