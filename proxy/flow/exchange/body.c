/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's body: kept until it is whole where it fits (limits.buffer, then the spool), so that
 * a slow sender takes no place; else on its way to the upstream as fast as that takes it.  On the
 * worker's thread.
 */
#include "exchange_priv.h"

enum { SPOOL_SHARE = 4 }; /* one body takes a quarter of limits.spool at most */

static size_t buffer_max(const struct exchange *x)
{
    return x->snapshot->settings->limits.buffer;
}

/* May the body, not asked about yet, grow by so much?  Beyond limits.buffer it is the spool's. */
static bool spool_take(struct exchange *x, size_t more)
{
    uint64_t most = x->snapshot->settings->limits.spool;
    size_t free = buffer_max(x) + x->body.spooled, need = x->body.bytes.len + more;
    size_t extra = need > free ? need - free : 0;

    if (x->body.spooled + extra > most / SPOOL_SHARE || x->w->exchanges->spooled + extra > most)
        return extra == 0;
    x->body.spooled += (uint32_t)extra;
    x->w->exchanges->spooled += extra;
    return true;
}

void exchange_drop_body(struct exchange *x)
{
    buf_free(&x->body.bytes);
    x->attempt.body_sent = 0;
    x->body.dropped = true;
    x->w->exchanges->spooled -= x->body.spooled;
    x->body.spooled = 0;
}

/* From now on there is no second try. */
static void forget_sent(struct exchange *x)
{
    buf_consume(&x->body.bytes, x->attempt.body_sent);
    x->attempt.body_sent = 0;
    x->body.dropped = true;
}

static void make_room(struct exchange *x, size_t more)
{
    if (x->attempt.body_sent == 0 || x->body.bytes.len + more <= buffer_max(x) + x->body.spooled)
        return;
    forget_sent(x);
}

static bool append(struct exchange *x, struct slice bytes)
{
    return buf_append(&x->body.bytes, bytes, buffer_max(x) + x->body.spooled + 2 * SCRATCH_BYTES) ==
           WEIR_OK;
}

void exchange_block_if_full(struct exchange *x)
{
    if (exchange_unsent(x) <= buffer_max(x) + x->body.spooled || x->body.blocked ||
        x->client == NULL)
        return;
    x->body.blocked = true;
    client_want_body(x->client, false);
}

bool exchange_keep_body(struct exchange *x, struct slice bytes)
{
    if (x->body.scan.says == BODY_SAYS_NOTHING && x->state == EXCHANGE_BODY)
        body_scan_feed(&x->body.scan, bytes);
    if (x->state == EXCHANGE_BODY)
        (void)spool_take(x, bytes.len);
    make_room(x, bytes.len);
    return append(x, bytes);
}

/* The upstream has taken some of the body: the client may send more. */
static void unblock(struct exchange *x)
{
    if (!x->body.blocked || exchange_unsent(x) >= buffer_max(x) / 2)
        return;
    x->body.blocked = false;
    client_want_body(x->client, true);
}

/* The upstream took bytes; with the last one every clock on it begins. */
static void note_sent(struct exchange *x)
{
    uint64_t now = exchange_now(x);

    if (x->attempt.sent_whole)
        return;
    x->attempt.progress_ns = now;
    if (exchange_unsent(x) > 0 || !x->body.complete)
        return;
    x->attempt.sent_whole = true;
    x->attempt.sent_ns = now;
    if (x->ticket.r.uploading && x->has_ticket)
        gate_uploaded(x->pool->gate, &x->ticket, now);
    exchange_set_timer(x);
    if (x->reply.committed)
        exchange_drop_body(x);
}

void exchange_push(struct exchange *x)
{
    struct slice rest = slice_from(buf_slice(&x->body.bytes), x->attempt.body_sent);

    x->attempt.body_sent += (uint32_t)exchange_send(x, rest);
    if (x->state != EXCHANGE_TUNNEL) {
        note_sent(x);
        if (x->reply.committed && x->attempt.body_sent > 0)
            forget_sent(x);
    } else if (x->attempt.body_sent == x->body.bytes.len) {
        buf_free(&x->body.bytes);
        x->attempt.body_sent = 0;
    }
    unblock(x);
}
