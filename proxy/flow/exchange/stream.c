/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the events of a stream say: the commit point, an error before it, what is relayed after it.
 * On the worker's thread.
 */
#include "exchange_priv.h"

static void count_events(struct exchange *x)
{
    struct upstream_counters *u = &x->w->upstreams[x->attempt.upstream->slot];
    uint32_t content = x->attempt.stream.answer.content_events - x->attempt.stream.seen_content;
    uint64_t now = exchange_now(x);

    if (x->attempt.stream.answer.events != x->attempt.stream.seen_events) {
        counter_add(&u->stream_events,
                    x->attempt.stream.answer.events - x->attempt.stream.seen_events);
        x->attempt.stream.seen_events = x->attempt.stream.answer.events;
    }
    if (content == 0)
        return;
    counter_add(&u->content_events, content);
    if (x->attempt.stream.seen_content > 0 && x->attempt.stream.last_event_ns != 0) {
        uint64_t gap_ns = (now - x->attempt.stream.last_event_ns) / content;
        for (uint32_t i = 0; i < content && i < 64; i++)
            histogram_add(&u->interval, gap_ns);
        counter_add(&u->gaps_ns, content * pace_gap_ns(gap_ns, counter_get(&u->gaps_ns),
                                                       counter_get(&u->content_events),
                                                       &x->attempt.stream.paused));
    }
    x->attempt.stream.seen_content = x->attempt.stream.answer.content_events;
    x->attempt.stream.last_event_ns = now;
}

static void note_first(struct exchange *x)
{
    if (x->attempt.stream.first_ns != 0 || !x->attempt.stream.answer.content ||
        !x->attempt.stream.is_judged)
        return;
    x->attempt.stream.first_ns = x->attempt.stream.last_event_ns = exchange_now(x);
    histogram_add(&x->w->upstreams[x->attempt.upstream->slot].ttft,
                  x->attempt.stream.first_ns - x->attempt.sent_ns);
    gate_first(x->pool->gate, &x->ticket, x->attempt.stream.first_ns);
}

/* Before the commit point: the stream's error becomes a plain answer with the status it means. */
static void restate(struct exchange *x)
{
    struct slice pending = buf_slice(&x->attempt.stream.pending);
    struct field_list kept, fields;
    struct buf body = BUF_INIT;

    if (answer_error_json(x->attempt.stream.form,
                          slice_from(pending, x->attempt.stream.pending_head), &body,
                          PENDING_MAX) != WEIR_OK) {
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_IN_BAND_ERROR);
        return;
    }
    worker_field_list(x->w, &kept);
    field_list_restore(&kept, slice_of(pending.p, x->attempt.stream.pending_head), 0);
    field_list_read(&kept);
    fields = kept; /* shrinks in place */
    fields.n = 0;
    for (size_t i = 0; i < kept.n; i++) {
        if (!slice_eq_nocase(kept.at[i].name, SLICE_LIT("content-type")))
            field_add(&fields, kept.at[i].name, kept.at[i].value);
    }
    field_add(&fields, SLICE_LIT("Content-Type"), SLICE_LIT("application/json"));
    field_add(&fields, SLICE_LIT("Proxy-Status"), SLICE_LIT("weir; received-status=200"));
    x->attempt.head.status = x->attempt.stream.answer.error_status;
    x->attempt.head.reason[0] = '\0';
    x->attempt.head.kind = BODY_COUNTED;
    x->attempt.head.length = body.len;
    exchange_send_head(x, &fields);
    exchange_send_data(x, buf_slice(&body));
    buf_free(&body);
    client_end(&x->client, CLIENT_END_WHOLE, NULL);
    upstream_cancel(&x->attempt.uplink);
    exchange_finish(x);
}

void exchange_early_error(struct exchange *x)
{
    enum outcome o = exchange_outcome_of_error(&x->attempt.stream.answer);

    if (o == OUTCOME_REFUSED && exchange_try_elsewhere(x, o))
        return;
    x->record.cause = CAUSE_IN_BAND_ERROR;
    if (x->pool->conf->restate_errors && x->attempt.stream.form != FORM_BYTES &&
        !x->reply.began_early) {
        exchange_report(x, o, false);
        restate(x);
    } else {
        exchange_commit(x);
    }
}

/* What the events read so far say, noted. */
static void note_events(struct exchange *x)
{
    x->attempt.progress_ns = exchange_now(x);
    note_first(x);
    count_events(x);
}

/* The bound of the wait for a first event is reached, in bytes: the rest goes on as it comes. */
static void commit_with(struct exchange *x, struct slice bytes)
{
    note_events(x);
    exchange_commit(x);
    exchange_send_data(x, bytes);
}

void exchange_read_pending(struct exchange *x, struct slice bytes)
{
    bool room =
        x->attempt.stream.pending.len - x->attempt.stream.pending_head + bytes.len <= PENDING_MAX;

    answer_feed(&x->attempt.stream.answer, bytes);
    if (!room ||
        buf_append(&x->attempt.stream.pending, bytes, KEPT_HEAD_MAX + 2 * PENDING_MAX) != WEIR_OK) {
        commit_with(x, bytes);
        return;
    }
    note_events(x);
    if (x->attempt.stream.answer.content || x->attempt.stream.answer.finished) {
        exchange_commit(x);
    } else if (x->attempt.stream.answer.error != ERROR_NONE) {
        /* an error object may be split: it can be restated once its event is whole */
        if (x->attempt.stream.answer.at_boundary ||
            x->attempt.stream.pending.len - x->attempt.stream.pending_head >= PENDING_MAX / 2)
            exchange_early_error(x);
    } else {
        exchange_set_timer(x);
    }
}

void exchange_relay(struct exchange *x, struct slice bytes)
{
    if (x->attempt.stream.is_events) {
        answer_feed(&x->attempt.stream.answer, bytes);
        note_events(x);
    }
    if (x->attempt.head.is_grpc)
        exchange_note_messages(x, bytes);
    if (x->attempt.reads_usage)
        usage_scan_feed(&x->limits->said, bytes);
    x->attempt.progress_ns = exchange_now(x);
    exchange_send_data(x, bytes);
}
