/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the end of an upstream's answer means: whole, truncated, after an error of its own, before
 * its head.  What it was until then is exchange/answer.c's.
 */
#include "exchange_priv.h"

/* Nothing but the end of the connection ends this one, and it comes inside an event. */
static bool is_broken_off(const struct exchange *x)
{
    return x->attempt.head.to_close && x->attempt.stream.form == FORM_SSE &&
           !x->attempt.stream.answer.at_boundary;
}

/* Is a stream that is over by its framing whole, as far as can be told? */
static bool is_whole_by_framing(const struct exchange *x)
{
    if (!x->attempt.stream.is_judged || x->attempt.stream.answer.dialect == DIALECT_UNKNOWN)
        return !is_broken_off(x);
    return answer_is_whole(&x->attempt.stream.answer, x->pool->conf->finish_reason_ends);
}

static void end_of_stream(struct exchange *x)
{
    const struct answer *a = &x->attempt.stream.answer;

    if (x->state == EXCHANGE_HEAD_PENDING && a->error != ERROR_NONE) {
        exchange_early_error(x);
        if (x->state != EXCHANGE_RELAY)
            return; /* restated, or under way elsewhere */
    }
    if (x->attempt.stream.is_judged && answer_is_empty(a) && a->error == ERROR_NONE) {
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_EMPTY_STREAM);
        return;
    }
    if (x->state == EXCHANGE_HEAD_PENDING)
        exchange_commit(x); /* whole without content, or cut: the client sees what there is */
    if (x->attempt.stream.is_judged && a->error != ERROR_NONE) {
        x->record.cause = CAUSE_IN_BAND_ERROR;
        exchange_end_whole(
            x, exchange_outcome_of_error(a)); /* the backend said so itself, in its own words */
    } else if (is_whole_by_framing(x)) {
        exchange_end_whole(x, OUTCOME_OK);
    } else {
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_UPSTREAM_TRUNCATED);
    }
}

static void end_clean(struct exchange *x)
{
    if (x->attempt.head.is_grpc)
        exchange_end_grpc(x);
    else if (x->attempt.stream.is_events)
        end_of_stream(x);
    else
        exchange_end_whole(x, exchange_outcome_of_status(x->attempt.head.status));
}

/* Without a close frame it is not known whether all was said: the client is told.  A FIN may still
 * be how this server always ends; a reset is a failure. */
static void end_tunnel(struct exchange *x, enum upstream_end how)
{
    upstream_cancel(&x->attempt.uplink);
    if (!exchange_tunnel_is_closing(x)) {
        if (how == END_CLEAN)
            exchange_fail(x, OUTCOME_OK, 502, CAUSE_UPSTREAM_TRUNCATED);
        else
            exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_UPSTREAM_RESET);
        return;
    }
    exchange_report(x, OUTCOME_OK, false);
    client_end(&x->client, CLIENT_END_WHOLE, NULL);
    exchange_finish(x);
}

/*
 * What an upstream may have begun is not begun again elsewhere: it would be done, and paid for,
 * twice.  The operator may allow it for what only generates text.
 */
static bool may_send_again(const struct exchange *x)
{
    bool replay = x->pool->conf->decide.retry.replay_generation;

    return x->request.idempotent ||
           (x->attempt.uplink != NULL &&
            !x->attempt.uplink->ops->may_have_begun(x->attempt.uplink)) ||
           (replay && x->request.dialect != DIALECT_UNKNOWN && x->record.retries == 0);
}

/* Nothing of an answer came.  A stale connection is nobody's fault; else another upstream may do.
 */
static void end_before_head(struct exchange *x, enum upstream_end how, const char *why)
{
    struct uplink *u = x->attempt.uplink;
    bool reused = u != NULL && u->reused;
    bool stale = reused && !u->any_byte && !x->attempt.resent && !x->body.dropped;

    if (how == END_REFUSED && !stale) {
        if (!exchange_try_elsewhere(x, OUTCOME_REFUSED))
            exchange_fail(x, OUTCOME_REFUSED, 503, CAUSE_UPSTREAM_REFUSED);
        return;
    }
    if (stale && how != END_BAD && (x->request.idempotent || !u->ops->may_have_begun(u))) {
        exchange_resend(x);
        return;
    }
    log_debug("request %s: upstream %s ended before an answer: %s", x->record.id,
              x->attempt.upstream->conf->name, why);
    x->attempt.proxy_error = how == END_BAD ? "http_protocol_error" : "connection_terminated";
    if (how != END_BAD && may_send_again(x) && exchange_try_elsewhere(x, OUTCOME_FAILED))
        return;
    exchange_fail(x, OUTCOME_FAILED, 502,
                  how == END_BAD ? CAUSE_BAD_GATEWAY : CAUSE_UPSTREAM_RESET);
}

/* The backend said in its stream what was wrong, then broke off: the client sees both. */
static void end_after_error(struct exchange *x)
{
    x->record.cause = CAUSE_IN_BAND_ERROR;
    exchange_report(x, exchange_outcome_of_error(&x->attempt.stream.answer), false);
    upstream_cancel(&x->attempt.uplink);
    client_end(&x->client, CLIENT_END_CUT, NULL);
    exchange_finish(x);
}

static void broken_after_early_error(struct exchange *x)
{
    exchange_early_error(x);
    if (x->state == EXCHANGE_RELAY)
        end_after_error(x);
}

/* A malformed answer is the backend's fault to be found: one a second is said, the rest counted. */
static void say_malformed(const struct exchange *x, const char *why)
{
    const struct snapshot_upstream *u = x->attempt.upstream;
    struct exchanges *all = x->w->exchanges;
    uint64_t now = loop_now_ns(x->w->loop);
    char more[64] = "";

    if (all->malformed_said_ns != 0 && now - all->malformed_said_ns < NS_PER_S) {
        all->malformed_unsaid++;
        return;
    }
    if (all->malformed_unsaid > 0)
        (void)snprintf(more, sizeof more, "; %u more since the last one was said",
                       all->malformed_unsaid);
    all->malformed_said_ns = now;
    all->malformed_unsaid = 0;
    log_warn("%s/%s: malformed answer: %s (why %s tells the request)%s", x->pool->conf->name,
             u->conf->name, why, x->record.id, more);
}

/* What weir lacked says nothing about the upstream, which may have done its work. */
static void end_lacking(struct exchange *x, const char *why)
{
    const struct uplink *u = x->attempt.uplink;

    x->attempt.found = why;
    worker_say_shortage(x->w, why);
    if (x->state != EXCHANGE_SENT)
        exchange_fail(x, OUTCOME_NEUTRAL, 502, CAUSE_UPSTREAM_TRUNCATED);
    else if (u != NULL && u->ops->may_have_begun(u))
        exchange_fail(x, OUTCOME_NEUTRAL, 502, CAUSE_UPSTREAM_RESET);
    else
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_OVERLOADED);
}

void exchange_ended(struct exchange *x, enum upstream_end how, const char *why)
{
    if (how == END_LACKING) {
        end_lacking(x, why);
        return;
    }
    if (how == END_BAD) {
        x->attempt.found = why;
        say_malformed(x, why);
    }
    switch (x->state) {
    case EXCHANGE_SENT:
        end_before_head(x, how, why);
        return;
    case EXCHANGE_HEAD_PENDING:
    case EXCHANGE_RELAY:
        if (x->attempt.stream.whole_ns != 0)
            exchange_end_whole(x, OUTCOME_OK);
        else if (how == END_CLEAN)
            end_clean(x);
        else if (x->state == EXCHANGE_HEAD_PENDING && x->attempt.stream.answer.error == ERROR_NONE)
            exchange_fail(x, OUTCOME_FAILED, 502,
                          how == END_BAD ? CAUSE_BAD_GATEWAY : CAUSE_EMPTY_STREAM);
        else if (x->state == EXCHANGE_HEAD_PENDING)
            broken_after_early_error(x);
        else if (x->attempt.stream.is_events && x->attempt.stream.is_judged &&
                 x->attempt.stream.answer.error != ERROR_NONE)
            end_after_error(x);
        else
            exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_UPSTREAM_TRUNCATED);
        return;
    case EXCHANGE_TUNNEL:
        end_tunnel(x, how);
        return;
    case EXCHANGE_BODY:
    case EXCHANGE_QUEUED:
    case EXCHANGE_CONNECT:
    case EXCHANGE_ENDED:
        break;
    }
    WEIR_UNREACHABLE("an answer's end without a request");
}
