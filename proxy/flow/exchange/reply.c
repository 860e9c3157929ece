/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client is sent of an upstream's answer: its head, the commit point, bytes.  On the
 * worker's thread.
 */
#include "exchange_priv.h"

void exchange_add_date(struct field_list *l)
{
    http_date_put(field_begin(l, SLICE_LIT("Date")), wall_now_ns());
    field_end(l);
}

void exchange_send_head(struct exchange *x, const struct field_list *fields)
{
    const struct attempt_head *a = &x->attempt.head;
    struct answer_head h = {a->status, slice_str(a->reason), fields, a->kind, a->length};

    if (!x->reply.began_early) {
        x->reply.status = a->status;
        client_head(x->client, &h);
    }
    x->reply.committed = true;
    x->reply.quiet_ns = exchange_now(x);
    if (x->attempt.sent_whole)
        exchange_drop_body(x); /* no other upstream will need it */
}

void exchange_send_data(struct exchange *x, struct slice bytes)
{
    if (bytes.len == 0 || x->client == NULL)
        return;
    x->record.bytes_out += bytes.len;
    x->reply.quiet_ns = exchange_now(x);
    client_data(x->client, bytes);
}

void exchange_commit(struct exchange *x)
{
    struct slice pending = buf_slice(&x->attempt.stream.pending);
    struct field_list fields;

    worker_field_list(x->w, &fields);
    field_list_restore(&fields, slice_of(pending.p, x->attempt.stream.pending_head), 0);
    field_list_read(&fields);
    exchange_send_head(x, &fields);
    exchange_send_data(x, slice_from(pending, x->attempt.stream.pending_head));
    buf_free(&x->attempt.stream.pending);
    exchange_enter(x, EXCHANGE_RELAY);
}
