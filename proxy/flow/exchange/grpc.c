/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to calls of gRPC: passed on as they come, head, messages and trailers; judged by their
 * grpc-status, as the status of HTTP that says the same would be.  On the worker's thread.
 *
 *   head alone (with a status)     refused: elsewhere, where that is right; else passed on
 *   head, messages, trailers       passed on; judged at the end
 *   no status at all, or an OK inside a message: truncated
 */
#include "exchange_priv.h"

/* A backend that says so within this of the client's deadline means that deadline. */
#define DEADLINE_SLACK_NS (100 * NS_PER_MS)

static void note_status(struct exchange *x, struct slice status, struct slice pushback)
{
    uint64_t ms;

    if (status.p == NULL)
        return;
    x->attempt.head.grpc_status = grpc_status_read(status);
    if (parse_u64(pushback, UINT32_MAX, &ms) == WEIR_OK)
        x->attempt.head.retry_after_ms = (uint32_t)ms;
}

/* The client's time was over: told by the backend, it is what the client would have done. */
static bool is_overrun(const struct exchange *x)
{
    return x->attempt.head.grpc_status == GRPC_DEADLINE_EXCEEDED && x->request.deadline_ns != 0 &&
           exchange_now(x) + DEADLINE_SLACK_NS >= x->request.deadline_ns;
}

static enum outcome outcome_of(struct exchange *x)
{
    x->attempt.overran = is_overrun(x);
    return x->attempt.overran
               ? OUTCOME_NEUTRAL
               : exchange_outcome_of_status(grpc_http_status(x->attempt.head.grpc_status));
}

static void set_cause(struct exchange *x, enum outcome o)
{
    if (o == OUTCOME_REFUSED)
        x->record.cause = CAUSE_UPSTREAM_REFUSED;
    else if (o == OUTCOME_FAILED)
        x->record.cause = CAUSE_UPSTREAM_ERROR;
}

/* Nothing but a head: what it says may be tried elsewhere, and is not whole without a status. */
static bool is_settled_by_head(struct exchange *x)
{
    if (x->attempt.head.grpc_status < 0) {
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_UPSTREAM_TRUNCATED);
        return true;
    }
    return outcome_of(x) == OUTCOME_REFUSED && exchange_try_elsewhere(x, OUTCOME_REFUSED);
}

void exchange_begin_grpc(struct exchange *x, const struct response_head *h,
                         const struct field_list *fields)
{
    x->attempt.head.is_grpc = true;
    note_status(x, response_field(h, FIELD_GRPC_STATUS),
                response_field(h, FIELD_GRPC_RETRY_PUSHBACK_MS));
    if (h->body == BODY_NONE && is_settled_by_head(x))
        return;
    if (h->body != BODY_NONE)
        x->attempt.head.kind = BODY_CHUNKED; /* trailers follow, ours if need be */
    exchange_send_head(x, fields);
    exchange_enter(x, EXCHANGE_RELAY);
}

void exchange_note_messages(struct exchange *x, struct slice bytes)
{
    grpc_messages_feed(&x->attempt.messages, bytes);
    if (x->attempt.stream.first_ns != 0)
        return;
    x->attempt.stream.first_ns = exchange_now(x);
    gate_first(x->pool->gate, &x->ticket, x->attempt.stream.first_ns);
}

static struct slice trailer(const struct exchange *x, struct slice name)
{
    const struct field_list *l = x->attempt.trailers;

    for (size_t i = 0; l != NULL && i < l->n; i++) {
        if (slice_eq(l->at[i].name, name))
            return l->at[i].value;
    }
    return SLICE_NONE;
}

void exchange_end_grpc(struct exchange *x)
{
    bool half = !grpc_messages_at_boundary(&x->attempt.messages);
    enum outcome o;

    note_status(x, trailer(x, SLICE_LIT("grpc-status")),
                trailer(x, SLICE_LIT("grpc-retry-pushback-ms")));
    if (x->attempt.head.grpc_status < 0 || (half && x->attempt.head.grpc_status == GRPC_OK)) {
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_UPSTREAM_TRUNCATED);
        return;
    }
    o = outcome_of(x);
    set_cause(x, o);
    exchange_end_whole(x, o);
}
