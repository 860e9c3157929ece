/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket: bytes both ways, unread but for where frames end, so that weir can say why it ends
 * one (RFC 6455, 7).  On the worker's thread.
 *
 *  - weir ends it, or the upstream is lost: the client gets a close frame, or where none fits a
 * cut;
 *  - weir ends it: the upstream gets "going away" where one fits;
 *  - a close frame has passed: the two have said it themselves, and nothing is added.
 */
#include "exchange_priv.h"

void exchange_begin_tunnel(struct exchange *x, const struct field_list *fields)
{
    if (x->attempt.is_stream) /* its silence is no fault */
        gate_set_stream(x->pool->gate, &x->ticket, false);
    x->attempt.is_stream = false;
    gate_first(x->pool->gate, &x->ticket, exchange_now(x));
    x->attempt.stream.first_ns = x->attempt.progress_ns = exchange_now(x);
    x->attempt.head.kind = BODY_NONE;
    exchange_send_head(x, fields);
    exchange_enter(x, EXCHANGE_TUNNEL);
    client_tunnel(x->client);
}

void exchange_tunnel_down(struct exchange *x, struct slice bytes)
{
    ws_frames_feed(&x->attempt.tunnel.down, bytes);
    x->attempt.progress_ns = exchange_now(x);
    exchange_send_data(x, bytes);
}

void exchange_tunnel_up(struct exchange *x, struct slice bytes)
{
    ws_frames_feed(&x->attempt.tunnel.up, bytes);
    x->attempt.progress_ns = exchange_now(x);
}

bool exchange_tunnel_is_closing(const struct exchange *x)
{
    return x->attempt.tunnel.down.closed || x->attempt.tunnel.up.closed;
}

/* The code is what a client's library acts on; the reason is for people. */
static size_t write_close(enum cause cause, char to[WS_CLOSE_MAX])
{
    enum ws_code code = WS_TRY_AGAIN_LATER;
    const char *sentence = refusal_sentence(cause);
    char reason[256];
    struct text t;

    if (cause == CAUSE_DRAINING)
        code = WS_SERVICE_RESTART;
    if (cause == CAUSE_GATEWAY_TIMEOUT) { /* timeouts.tunnel_idle */
        code = WS_GOING_AWAY;
        sentence = "Neither side spoke for as long as is allowed";
    }
    text_init(&t, reason, sizeof reason);
    text_printf(&t, "%s: %s", cause_name(cause), sentence);
    return ws_close_frame(code, text_slice(&t), NULL, to);
}

static void close_down(struct exchange *x, enum cause cause)
{
    char frame[WS_CLOSE_MAX];

    if (!ws_frames_can_add(&x->attempt.tunnel.down)) {
        bool whole = x->attempt.tunnel.down.closed;
        client_end(&x->client, whole ? CLIENT_END_WHOLE : CLIENT_END_CUT, NULL);
        return;
    }
    exchange_send_data(x, slice_of(frame, write_close(cause, frame)));
    client_end(&x->client, CLIENT_END_WHOLE, NULL);
}

static void close_up(struct exchange *x)
{
    struct uplink *u = x->attempt.uplink;
    uint64_t random = entropy_next(&x->w->entropy);
    char frame[WS_CLOSE_MAX];
    uint8_t mask[4];
    size_t n;

    if (u == NULL)
        return;
    memcpy(mask, &random, sizeof mask);
    n = ws_close_frame(WS_GOING_AWAY, SLICE_NONE, mask, frame);
    if (exchange_unsent(x) == 0 &&
        (x->attempt.tunnel.up.closed ||
         (ws_frames_can_add(&x->attempt.tunnel.up) &&
          u->ops->send(u, NULL, slice_of(frame, n), true, SLICE_NONE) == n)))
        upstream_release(&x->attempt.uplink);
    else
        upstream_cancel(&x->attempt.uplink);
}

void exchange_close_tunnel(struct exchange *x, enum cause cause)
{
    close_up(x);
    close_down(x, cause);
}

void exchange_leave_tunnel(struct exchange *x)
{
    if (x->attempt.tunnel.up.closed && exchange_unsent(x) == 0)
        upstream_release(&x->attempt.uplink); /* it is still to read that frame */
    else
        upstream_cancel(&x->attempt.uplink);
}
