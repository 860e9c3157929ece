/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which trace a request belongs to, and what its spans are made of (by control, from the record):
 * where `tracing` has an endpoint, and for sampled requests only.  On the worker's thread.
 */
#include <stdlib.h>

#include "exchange_priv.h"

bool exchange_is_traced(const struct exchange *x)
{
    return x->record.self.span != 0;
}

/* One field that can be read: more of them, or another form, are no parent (Trace Context, 3.2). */
static bool parent_of(const struct request_head *h, struct trace_context *parent)
{
    int n = 0;

    for (size_t i = 0; i < h->n_fields; i++)
        n += h->fields[i].id == FIELD_TRACEPARENT;
    return n == 1 && trace_context_parse(request_field(h, FIELD_TRACEPARENT), parent) == WEIR_OK;
}

static void sample(struct exchange *x, uint64_t parent)
{
    struct record *r = &x->record;

    r->spans = calloc(1, sizeof *r->spans);
    if (r->spans == NULL) {
        r->self.flags &= (uint8_t)~TRACE_SAMPLED; /* what is not sent is not promised */
        return;
    }
    r->spans->self = r->self;
    r->spans->parent = parent;
}

void exchange_set_trace(struct exchange *x, const struct request_head *h)
{
    const struct tracing_conf *c = &x->snapshot->settings->tracing;
    struct trace_context *self = &x->record.self;
    uint64_t parent = 0;

    if (c->endpoint[0] == '\0')
        return;
    if (parent_of(h, self)) {
        parent = self->span;
    } else {
        memcpy(self->id, x->record.trace, sizeof self->id);
        self->flags = trace_is_in_share(self->id, c->sample) ? TRACE_SAMPLED : 0;
    }
    self->span = entropy_next(&x->w->entropy) | 1;
    x->record.has_parent = parent != 0;
    if ((self->flags & TRACE_SAMPLED) == 0)
        return;
    sample(x, parent);
    if (x->record.spans != NULL)
        x->record.spans->http2 = h->http2;
}

bool exchange_ends_trace_field(const struct exchange *x, const struct http_field *f)
{
    if (!exchange_is_traced(x))
        return false;
    return f->id == FIELD_TRACEPARENT ||
           (!x->record.has_parent && slice_eq_nocase(f->name, SLICE_LIT("tracestate")));
}

void exchange_add_trace(const struct exchange *x, struct field_list *l, char mem[TRACEPARENT_MAX])
{
    const struct request_trace *spans = x->record.spans;
    struct trace_context c = x->record.self;
    struct text t;

    if (spans != NULL)
        c.span = trace_span_nth(c.span, spans->n_attempts + 1);
    text_init(&t, mem, TRACEPARENT_MAX);
    trace_context_put(&t, &c);
    field_add(l, SLICE_LIT("traceparent"), text_slice(&t));
}

void exchange_note_attempt(struct exchange *x)
{
    struct request_trace *s = x->record.spans;
    const struct attempt *a = &x->attempt;

    if (s == NULL || a->begun_ns == 0)
        return;
    if (s->n_attempts < TRACE_ATTEMPTS_MAX)
        s->attempts[s->n_attempts] = (struct trace_attempt){
            .begun_ns = a->begun_ns,
            .connected_ns = a->connected_ns,
            .first_ns = a->stream.first_ns,
            .ended_ns = exchange_now(x),
            .outcome = a->outcome,
            .upstream = (int16_t)(a->upstream == NULL ? -1 : a->upstream->slot),
            .status = (uint16_t)a->head.status,
            .has_outcome = a->has_outcome,
            .resent = a->resent,
            .is_stream = a->stream.is_events,
            .http2 = a->head.http2,
        };
    s->n_attempts++;
}

const struct request_trace *exchange_trace(struct exchange *x)
{
    struct request_trace *s = x->record.spans;

    if (s == NULL)
        return NULL;
    exchange_note_attempt(x);
    s->begun_ns = x->record.begun_ns;
    s->asked_ns = x->record.asked_ns;
    return s;
}
