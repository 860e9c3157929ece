/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client does: its request begins, its body comes, it leaves.  On the worker's thread.
 */
#include "exchange_priv.h"

/* --- beginning */

static void answer_early(struct exchange *x)
{
    if (x->request.early.answer == EARLY_STATUS_PAGE)
        exchange_answer_status_page(x);
    else if (x->request.early.answer == EARLY_PREFLIGHT)
        exchange_answer_preflight(x);
    else if (x->request.early.answer == EARLY_SHED)
        exchange_refuse(x, 0, x->ticket.r.cause, NULL);
    else
        exchange_refuse(x, x->request.early.status, x->request.early.cause, x->request.early.what);
}

void exchange_go(struct exchange *x)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->request.early.answer != EARLY_NONE || x->request.early.cause != CAUSE_NONE)
        answer_early(x);
    else if (x->w->quitting)
        exchange_refuse(x, 0, CAUSE_DRAINING, NULL);
    else if (x->body.complete || x->request.is_grpc)
        exchange_ask(x); /* a call may be answered before the client says more */
    else if (x->request.expect)
        client_interim(x->client, 100); /* a place is taken when the body is here */
}

/* --- the body */

void exchange_body(struct exchange *x, struct slice bytes)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->state == EXCHANGE_ENDED)
        return;
    x->record.bytes_in += bytes.len;
    if (x->state == EXCHANGE_TUNNEL)
        exchange_tunnel_up(x, bytes);
    if (!exchange_keep_body(x, bytes)) {
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_OVERLOADED);
        return;
    }
    if (x->attempt.uplink != NULL &&
        (x->state == EXCHANGE_SENT || x->state == EXCHANGE_HEAD_PENDING ||
         x->state == EXCHANGE_RELAY || x->state == EXCHANGE_TUNNEL))
        exchange_push(x);
    if (x->state == EXCHANGE_ENDED)
        return;
    exchange_block_if_full(x);
    if (x->state == EXCHANGE_BODY && x->body.blocked)
        exchange_ask(x); /* as much as may be kept is here: decide on it */
    else if (x->attempt.sent_ns != 0 && exchange_unsent(x) > 0)
        exchange_set_timer(x); /* the upstream is what is waited for now */
}

void exchange_body_end(struct exchange *x, struct slice trailers)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->state == EXCHANGE_ENDED)
        return;
    if (buf_append(&x->body.trailers, trailers, KEPT_HEAD_MAX) != WEIR_OK) {
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_OVERLOADED);
        return;
    }
    x->body.complete = true;
    if (x->state == EXCHANGE_BODY)
        exchange_ask(x);
    else if (x->attempt.uplink != NULL && x->state != EXCHANGE_CONNECT)
        exchange_push(x);
}

void exchange_body_bad(struct exchange *x, int status, enum cause cause, const char *what)
{
    struct refusal r;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->state == EXCHANGE_ENDED)
        return;
    x->record.cause = cause;
    if (x->state == EXCHANGE_QUEUED && !gate_leave(x->pool->gate, &x->ticket, exchange_now(x)))
        x->awaits_wake = true;
    exchange_report(x, OUTCOME_NEUTRAL, false);
    upstream_cancel(&x->attempt.uplink);
    if (x->reply.committed || x->reply.began_early) {
        client_end(&x->client, CLIENT_END_CUT, NULL);
    } else {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.what = what;
        r.close = true;
        exchange_send_refusal(x, &r);
    }
    exchange_finish(x);
}

/* --- reading, leaving */

void exchange_resume(struct exchange *x)
{
    if (!x->attempt.paused)
        return;
    x->attempt.paused = false;
    x->attempt.progress_ns = exchange_now(x); /* the silence was the client's */
    upstream_want_data(x->attempt.uplink, true);
    exchange_set_timer(x);
}

/* It has all of its answer: what is left of the framing is read for the connection's sake. */
static bool leaves_whole(struct exchange *x)
{
    if (x->state != EXCHANGE_RELAY || !exchange_has_its_end(x))
        return false;
    exchange_note_whole(x);
    exchange_resume(x);
    return true;
}

void exchange_client_gone(struct exchange *x)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    x->client = NULL;
    if (x->state == EXCHANGE_ENDED)
        return;
    if (leaves_whole(x))
        return;
    if (x->record.cause == CAUSE_NONE)
        x->record.cause = CAUSE_CLIENT_GONE;
    if (x->state == EXCHANGE_QUEUED && !gate_leave(x->pool->gate, &x->ticket, exchange_now(x)))
        x->awaits_wake = true;
    if (x->state == EXCHANGE_BODY || x->state == EXCHANGE_QUEUED)
        exchange_set_decision(x, DECISION_GONE);
    exchange_report(x, x->state == EXCHANGE_TUNNEL ? OUTCOME_OK : OUTCOME_NEUTRAL, false);
    if (x->state == EXCHANGE_TUNNEL)
        exchange_leave_tunnel(x);
    upstream_cancel(&x->attempt.uplink);
    exchange_finish(x);
}

/* --- weir ends */

static void abandon(struct exchange *x)
{
    if (x->state == EXCHANGE_BODY || x->state == EXCHANGE_QUEUED) {
        exchange_body_bad(x, 503, CAUSE_DRAINING, NULL);
    } else {
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_DRAINING);
    }
}

void exchanges_abandon(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &w->exchanges->live)
    abandon(LIST_OBJECT(n, struct exchange, node));
}
