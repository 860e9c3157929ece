/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an exchange ends, and what that counts for: the client has a whole answer, an error, or a cut
 * that it can see.  On the worker's thread.
 */
#include "exchange_priv.h"
#include "weir/decide/evidence.h"

/* --- outcomes */

bool exchange_is_refusal(int status)
{
    return evidence_of_status(status) == OUTCOME_REFUSED;
}

enum outcome exchange_outcome_of_status(int status)
{
    return evidence_of_status(status);
}

enum outcome exchange_outcome_of_error(const struct answer *a)
{
    switch (a->error) {
    case ERROR_OVERLOADED:
    case ERROR_RATE_LIMIT:
        return OUTCOME_REFUSED;
    case ERROR_CLIENT:
        return OUTCOME_NEUTRAL;
    case ERROR_SERVER:
        return OUTCOME_FAILED;
    case ERROR_NONE:
        break;
    }
    WEIR_UNREACHABLE("no error");
}

/* --- ends */

void exchange_end_whole(struct exchange *x, enum outcome o)
{
    exchange_report(x, o, o == OUTCOME_OK);
    if (!x->attempt.stream.is_events && x->attempt.sent_ns != 0)
        histogram_add(&x->w->upstreams[x->attempt.upstream->slot].response,
                      exchange_now(x) - x->attempt.sent_ns);
    upstream_release(&x->attempt.uplink);
    client_end(&x->client, CLIENT_END_WHOLE, x->attempt.trailers);
    exchange_finish(x);
}

bool exchange_is_whole(const struct exchange *x)
{
    if (x->attempt.stream.whole_ns != 0)
        return true;
    /* an event counts for a client once the line end behind it has come */
    return x->attempt.stream.is_events && x->attempt.stream.is_judged &&
           x->attempt.stream.answer.finished && x->attempt.stream.answer.at_boundary &&
           x->attempt.stream.answer.error == ERROR_NONE;
}

bool exchange_has_its_end(const struct exchange *x)
{
    const struct answer *a = &x->attempt.stream.answer;

    if (exchange_is_whole(x))
        return true;
    return x->attempt.stream.is_events && x->attempt.stream.is_judged &&
           a->dialect != DIALECT_UNKNOWN && a->error == ERROR_NONE &&
           answer_is_whole(a, x->pool->conf->finish_reason_ends);
}

void exchange_note_whole(struct exchange *x)
{
    if (x->attempt.stream.whole_ns != 0)
        return;
    x->attempt.stream.whole_ns = exchange_now(x);
    exchange_report(x, OUTCOME_OK, true);
    exchange_set_timer(x);
}

/* --- refusals and failures */

/* Refuses before anything was done upstream, or answers a bad request. */
void exchange_refuse(struct exchange *x, int status, enum cause cause, const char *what)
{
    struct refusal r;

    x->record.cause = cause;
    exchange_set_decision(x, cause_side(cause) == OF_WEIR ? DECISION_REFUSED : DECISION_LOCAL);
    if (x->client != NULL && x->reply.began_early) {
        exchange_tell_failure(x, cause);
    } else if (x->client != NULL) {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.what = what;
        exchange_send_refusal(x, &r);
    }
    exchange_finish(x);
}

void exchange_fail(struct exchange *x, enum outcome o, int status, enum cause cause)
{
    struct refusal r;

    if (x->attempt.stream.whole_ns != 0) {
        exchange_end_whole(x, OUTCOME_OK);
        return;
    }
    x->record.cause = cause;
    exchange_report(x, o, false);
    if (x->state == EXCHANGE_TUNNEL)
        exchange_close_tunnel(x, cause);
    upstream_cancel(&x->attempt.uplink);
    if (x->client != NULL && (x->reply.committed || x->reply.began_early)) {
        exchange_tell_failure(x, cause);
    } else if (x->client != NULL) {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.retry_after_ms = 0;
        exchange_send_refusal(x, &r);
    }
    exchange_finish(x);
}
