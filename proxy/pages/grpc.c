/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of weir's own to calls of gRPC: a status and a message, in the head where nothing was
 * answered yet (a 200, "Trailers-Only"), else in trailers.
 */
#include "weir/http/grpc.h"
#include "pages_priv.h"

/* Libraries that retry wait for so long (gRFC A6); a number below zero says that none should. */
static void put_pushback(const struct field_sink *to, const struct refusal *r)
{
    unsigned ms = refusal_appointment(r).ms;
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (r->no_retry || !cause_row(r->cause)->retry_helps)
        text_str(&t, "-1");
    else
        text_u64(&t, ms);
    if (ms > 0 || mem[0] == '-')
        sink_put(to, SLICE_LIT("grpc-retry-pushback-ms"), text_slice(&t));
}

static void put_message(const struct field_sink *to, const struct refusal *r, bool began)
{
    const struct cause_row *row = cause_row(r->cause);
    char plain[MESSAGE_MAX + CLEAN_TEXT_MAX + 8], coded[3 * sizeof plain], mem[CLEAN_TEXT_MAX];
    struct slice incident = clean_text(r->incident, mem);
    struct text message, t;

    text_init(&message, plain, sizeof plain);
    refusal_message_put(r, began && row->in_stream != NULL ? row->in_stream : row->message,
                        &message);
    if (incident.len > 0) {
        text_char(&message, ' ');
        text_put(&message, incident);
    }
    text_init(&t, coded, sizeof coded);
    grpc_message_put(&t, text_slice(&message));
    sink_put(to, SLICE_LIT("grpc-message"), text_slice(&t));
}

void put_grpc(const struct field_sink *to, const struct refusal *r, bool began)
{
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, (uint64_t)cause_row(r->cause)->grpc);
    sink_put(to, SLICE_LIT("grpc-status"), text_slice(&t));
    put_message(to, r, began);
    put_pushback(to, r);
}

void refusal_trailers(const struct refusal *r, refusal_field_fn *fn, void *arg)
{
    struct field_sink to = {fn, arg};

    put_grpc(&to, r, true);
    put_proxy_status(&to, r);
}
