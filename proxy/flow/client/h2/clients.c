/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/2 connections of a worker.  On its thread. */
#include <stdlib.h>

#include "client/h2/h2_priv.h"

/* nghttp2 has bounds of its own; they stay, behind the budgets of client/h2/budget.h. */
enum { RESETS_BURST = 2 * H2_BUDGET_BURST, RESETS_A_SECOND = 2 * H2_BUDGET_A_SECOND };

static bool set_up_nghttp2(struct h2_clients *c)
{
    if (nghttp2_session_callbacks_new(&c->callbacks) != 0 || nghttp2_option_new(&c->options) != 0)
        return false;
    h2_set_callbacks(c->callbacks);
    nghttp2_option_set_no_auto_window_update(c->options, 1);
    nghttp2_option_set_max_send_header_block_length(c->options, LINES_BYTES);
    nghttp2_option_set_stream_reset_rate_limit(c->options, RESETS_BURST, RESETS_A_SECOND);
    return true;
}

struct h2_clients *h2_create(struct worker *w, uint32_t max)
{
    struct h2_clients *c = calloc(1, sizeof *c);

    (void)w;
    if (c == NULL)
        return NULL;
    slab_init(&c->slab, sizeof(struct h2_conn), max);
    slab_init(&c->streams, sizeof(struct h2_stream), max);
    list_init(&c->live);
    list_init(&c->dirty);
    c->debts.key = hash_key_random();
    c->fields = calloc(LISTED_MAX + 2, sizeof *c->fields);
    c->reserve = h2_reserve_create();
    if (c->fields == NULL || c->reserve == NULL || !set_up_nghttp2(c))
        h2_destroy(&c);
    return c;
}

void h2_destroy(struct h2_clients **cp)
{
    struct h2_clients *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    nghttp2_session_callbacks_del(c->callbacks);
    nghttp2_option_del(c->options);
    slab_fini(&c->slab);
    slab_fini(&c->streams);
    h2_reserve_destroy(&c->reserve);
    free(c->fields);
    free(c);
}

static void each(struct worker *w, void (*fn)(struct h2_conn *c))
{
    LIST_EACH_SAFE(n, t, &h2_of(w)->live)
    fn(LIST_OBJECT(n, struct h2_conn, node));
}

static void check_rates(struct h2_conn *c)
{
    LIST_EACH_SAFE(n, t, &c->streams)
    h2_stream_check_rate(LIST_OBJECT(n, struct h2_stream, node));
}

void h2_check_rates(struct worker *w)
{
    each(w, check_rates);
}

void h2_lame_duck(struct worker *w)
{
    each(w, h2_leave);
}

void h2_end_idle(struct worker *w)
{
    each(w, h2_leave);
}

/* What was announced is in force for as long as a connection lasts: another one begins by the new.
 */
static void leave_if_changed(struct h2_conn *c)
{
    const struct snapshot_listener *l = c->w->snapshot->by_slot[c->listener];
    const struct limits_conf *now = h2_limits(c);
    bool off = l == NULL || l->conf->http2 == LISTENER_HTTP2_OFF;

    if (off || now->head != c->announced_head || h2_stream_window(now) != c->announced_window ||
        now->http2_streams != c->announced_streams)
        h2_leave(c);
}

void h2_settings_changed(struct worker *w)
{
    each(w, leave_if_changed);
}

void h2_close(struct worker *w)
{
    each(w, h2_conn_close);
}

size_t h2_bytes(void)
{
    return sizeof(struct h2_stream);
}
