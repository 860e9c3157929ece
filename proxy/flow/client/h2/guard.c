/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may do for nothing, and streams that are over: which frames of theirs are late, and
 * which are a fault.  On the worker's thread.
 */
#include <stddef.h>
#include <string.h>

#include "client/h2/h2_priv.h"

#define SAID_EVERY_NS (10 * NS_PER_S)

struct kind {
    size_t counter; /* in struct worker */
    const char *what;
};
static const struct kind kinds[] = {
    [H2_ABUSE_RESET] = {offsetof(struct worker, counters.h2_cut_reset), "streams reset"},
    [H2_ABUSE_FAULT] = {offsetof(struct worker, counters.h2_cut_fault), "malformed requests"},
    [H2_ABUSE_PING] = {offsetof(struct worker, counters.h2_cut_ping), "PING"},
    [H2_ABUSE_SETTINGS] = {offsetof(struct worker, counters.h2_cut_settings), "SETTINGS"},
    [H2_ABUSE_PRIORITY] = {offsetof(struct worker, counters.h2_cut_priority), "PRIORITY"},
    [H2_ABUSE_EMPTY] = {offsetof(struct worker, counters.h2_cut_empty), "DATA without bytes"},
    [H2_ABUSE_WINDOW] = {offsetof(struct worker, counters.h2_cut_window), "WINDOW_UPDATE"},
    [H2_ABUSE_HEAD] = {offsetof(struct worker, counters.h2_cut_head), "the size of a head"},
    [H2_ABUSE_AGAIN] = {offsetof(struct worker, counters.h2_cut_again),
                        "what earlier connections of the address did"},
};

static void say(struct h2_conn *c, enum h2_abuse what)
{
    struct h2_clients *all = h2_of(c->w);
    char peer[NET_ADDR_TEXT_MAX];

    if (all->said_ns != 0 && h2_now(c) - all->said_ns < SAID_EVERY_NS)
        return;
    all->said_ns = h2_now(c);
    net_addr_format(conn_peer(c->conn), peer);
    log_warn("client %s: HTTP/2 connection cut off: too much of: %s", peer, kinds[what].what);
}

void h2_cut_off(struct h2_conn *c, enum h2_abuse what)
{
    if (c->cut_off != H2_ABUSE_NONE)
        return;
    c->cut_off = what;
    /* Now, not with its end: whoever leaves it open must not begin anew beside it. */
    h2_debts_end(&h2_of(c->w)->debts, conn_peer(c->conn), &c->budget, h2_now(c));
    counter_add((_Atomic uint64_t *)((char *)c->w + kinds[what].counter), 1);
    say(c, what);
    (void)nghttp2_session_terminate_session(c->ng, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_mark_dirty(c);
}

void h2_spend(struct h2_conn *c, enum h2_abuse what)
{
    if (c->cut_off == H2_ABUSE_NONE && !h2_budget_take(&c->budget, h2_now(c)))
        h2_cut_off(c, what);
}

void h2_reset(struct h2_conn *c, int32_t id, uint32_t code)
{
    if (nghttp2_submit_rst_stream(c->ng, NGHTTP2_FLAG_NONE, id, code) != 0)
        c->broken = true;
    h2_mark_dirty(c);
}

/* Ids of clients are odd. */
static size_t set_of(int32_t id)
{
    return (uint32_t)id / 2 % H2_OVER_SETS;
}

enum h2_past h2_past_of(const struct h2_conn *c, int32_t id)
{
    const int32_t *over = c->over[set_of(id)];

    for (size_t i = 0; i < H2_OVER_WAYS; i++) {
        if (over[i] == id)
            return H2_OVER;
        if (over[i] == -id)
            return H2_OVER_BY_WEIR;
    }
    return H2_UNKNOWN;
}

void h2_note_over(struct h2_conn *c, int32_t id, bool by_weir)
{
    int32_t *over = c->over[set_of(id)];

    if (h2_past_of(c, id) != H2_UNKNOWN)
        return;
    memmove(over + 1, over, (H2_OVER_WAYS - 1) * sizeof *over);
    over[0] = by_weir ? -id : id;
}
