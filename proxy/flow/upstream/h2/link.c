/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to an upstream that speaks HTTP/2: opened by upstream/h1 (h2_become), shared by
 * streams, watched with PING, ended.  Owner and thread: the worker.
 */
#include <stdlib.h>

#include "upstream/h2/h2_priv.h"

#define PING_AFTER_NS (5 * NS_PER_S)

/*
 * How long a silence is before each PING.  Servers of gRPC take a fourth PING within five minutes
 * without an answer's frame for abuse ("too many pings") and end the connection with its streams.
 */
static const uint64_t silences[] = {PING_AFTER_NS, PING_AFTER_NS, 310 * NS_PER_S};
enum { SILENCES = sizeof silences / sizeof silences[0] };

static struct idle_pool *pool_of(const struct h2_link *k)
{
    return &k->w->uplinks->pools[k->upstream->slot];
}

/* --- ends */

static void free_deferred(struct loop_deferred *d)
{
    struct h2_link *k = LIST_OBJECT(d, struct h2_link, deferred);

    nghttp2_session_del(k->ng);
    snapshot_use_unref(&k->use);
    free(k);
}

void h2_link_end(struct h2_link *k, enum upstream_end how, const char *why)
{
    if (k->dead)
        return;
    k->dead = true;
    list_remove(&k->node);
    pool_of(k)->n_links--;
    list_remove(&k->step.node);
    loop_timer_stop(&k->timer);
    while (!list_empty(&k->uplinks))
        h2_uplink_link_gone(LIST_OBJECT(k->uplinks.next, struct h2_uplink, node), how, why);
    conn_close(&k->conn);
    buf_free(&k->out);
    counter_sub(&k->w->counters.upstream_open, 1);
    loop_defer_free(k->w->loop, &k->deferred);
}

static bool is_over(const struct h2_link *k)
{
    bool idle = k->n_open == 0 || k->w->quitting;

    return idle && list_empty(&k->uplinks) &&
           (k->leaving || k->w->quitting || k->upstream->conf->idle_timeout_ns == 0);
}

/* One that only a single client can use again stays while there are few. */
static bool is_surplus(const struct h2_link *k)
{
    return is_spoken_for(&k->spoken_for) &&
           pool_of(k)->n_links > k->upstream->conf->idle_connections;
}

void h2_link_set_timer(struct h2_link *k)
{
    uint64_t now = loop_now_ns(k->w->loop);

    k->leaving = k->leaving || (k->n_open == 0 && is_surplus(k));
    if (k->n_open == 0)
        loop_timer_at(&k->timer, now + k->upstream->conf->idle_timeout_ns);
    else
        loop_timer_at(&k->timer, now + PING_AFTER_NS);
}

bool h2_link_is_quiet(const struct h2_link *k)
{
    return k->quiet_pings == SILENCES - 1;
}

/* While streams are open, silence is answered by a PING, and then by the end. */
static void look_alive(struct h2_link *k)
{
    uint64_t now = loop_now_ns(k->w->loop);

    if (k->pinged) {
        h2_link_end(k, END_RESET, "the upstream did not answer a PING");
        return;
    }
    if (now - k->heard_ns >= silences[k->quiet_pings]) {
        k->pinged = true;
        if (!h2_link_is_quiet(k))
            k->quiet_pings++;
        if (nghttp2_submit_ping(k->ng, NGHTTP2_FLAG_NONE, NULL) != 0)
            k->broken = true;
        h2_step_later(k);
    }
    loop_timer_at(&k->timer, now + PING_AFTER_NS);
}

static void on_timer(void *arg)
{
    struct h2_link *k = arg;

    WEIR_CHECK(k, H2_LINK_MAGIC);
    if (k->n_open > 0)
        look_alive(k);
    else
        h2_link_end(k, END_RESET, "idle");
}

/* --- output */

static bool write_all(struct h2_link *k, struct slice bytes)
{
    enum weir_status rc = conn_write_all(k->conn, &bytes);

    if (rc == WEIR_AGAIN) {
        if (buf_append(&k->out, bytes, SCRATCH_BYTES) != WEIR_OK)
            k->broken = true;
        conn_want_write(k->conn);
    }
    if (rc == WEIR_NO_MEMORY)
        k->broken = true; /* the connection is well, and would never tell */
    return rc == WEIR_OK; /* broken: an answer may still wait to be read, its end will be seen */
}

static void send_all(struct h2_link *k)
{
    char *mem = h2_of(k->w)->out;
    size_t len = 1;

    while (len > 0 && buf_empty(&k->out) && !k->broken) {
        len = frames_gather(k->ng, mem, SCRATCH_BYTES, &k->broken);
        if (!write_all(k, slice_of(mem, len)))
            break;
    }
}

static void on_step(struct loop_deferred *d)
{
    struct h2_link *k = LIST_OBJECT(d, struct h2_link, step);

    WEIR_CHECK(k, H2_LINK_MAGIC);
    LIST_EACH_SAFE(n, t, &k->uplinks)
    h2_uplink_step(LIST_OBJECT(n, struct h2_uplink, node));
    if (!k->dead && !k->broken)
        send_all(k);
    if (k->dead)
        return;
    if (k->broken || k->memory.lacked)
        h2_link_end(k, END_LACKING, "out of memory for a connection of HTTP/2");
    else if (is_over(k) || nghttp2_session_want_read(k->ng) == 0)
        h2_link_end(k, END_RESET, "the upstream is leaving");
}

/* --- events */

static void on_readable(struct conn *conn, void *owner)
{
    struct h2_link *k = owner;

    (void)conn;
    WEIR_CHECK(k, H2_LINK_MAGIC);
    h2_link_receive(k);
}

static void on_writable(struct conn *conn, void *owner)
{
    struct h2_link *k = owner;
    enum weir_status rc;

    WEIR_CHECK(k, H2_LINK_MAGIC);
    rc = conn_write_waiting(conn, &k->out);
    if (buf_empty(&k->out))
        h2_step_later(k);
    else if (rc == WEIR_OK || rc == WEIR_AGAIN)
        conn_want_write(conn);
}

static const struct conn_events events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
};

/* --- beginnings */

static struct h2_uplinks *make_shared(void)
{
    struct h2_uplinks *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->fields = calloc(LISTED_MAX + 8, sizeof *h->fields);
    h->trailers = calloc(LISTED_MAX, sizeof *h->trailers);
    h->out = malloc(SCRATCH_BYTES);
    h->reserve = h2_reserve_create();
    if (h->fields == NULL || h->trailers == NULL || h->out == NULL || h->reserve == NULL ||
        nghttp2_session_callbacks_new(&h->callbacks) != 0 || nghttp2_option_new(&h->options) != 0) {
        h2_uplinks_destroy(&h);
        return NULL;
    }
    h2_uplink_callbacks(h->callbacks);
    nghttp2_option_set_no_auto_window_update(h->options, 1);
    nghttp2_option_set_max_send_header_block_length(h->options, LINES_BYTES);
    return h;
}

void h2_uplinks_destroy(struct h2_uplinks **hp)
{
    struct h2_uplinks *h = *hp;

    *hp = NULL;
    if (h == NULL)
        return;
    nghttp2_session_callbacks_del(h->callbacks);
    nghttp2_option_del(h->options);
    free(h->fields);
    free(h->trailers);
    free(h->out);
    h2_reserve_destroy(&h->reserve);
    free(h);
}

static bool announce(struct h2_link *k, const struct limits_conf *l)
{
    nghttp2_settings_entry s[3];

    k->window = h2_stream_window(l);
    s[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    s[1] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, k->window};
    s[2] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->response_head};
    return nghttp2_submit_settings(k->ng, NGHTTP2_FLAG_NONE, s, 3) == 0 &&
           nghttp2_session_set_local_window_size(k->ng, NGHTTP2_FLAG_NONE, 0,
                                                 H2_CONNECTION_WINDOW) == 0;
}

struct h2_link *h2_link_create(const struct h2_becoming *b)
{
    struct worker *w = b->w;
    struct h2_link *k;
    nghttp2_mem mem;

    if (w->uplinks->h2 == NULL)
        w->uplinks->h2 = make_shared();
    k = w->uplinks->h2 == NULL ? NULL : calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->memory.reserve = h2_of(w)->reserve;
    mem = h2_memory_of(&k->memory);
    if (nghttp2_session_client_new3(&k->ng, h2_of(w)->callbacks, k, h2_of(w)->options, &mem) != 0 ||
        !announce(k, &b->snapshot->settings->limits)) {
        nghttp2_session_del(k->ng);
        free(k);
        return NULL;
    }
    k->magic = H2_LINK_MAGIC;
    k->w = w;
    k->upstream = b->upstream;
    k->use = b->use;
    k->conn = b->conn;
    k->spoken_for = b->spoken_for;
    k->most = 1; /* until its SETTINGS have come */
    k->heard_ns = loop_now_ns(w->loop);
    list_init(&k->uplinks);
    list_init(&k->node);
    list_push_front(&pool_of(k)->links, &k->node);
    pool_of(k)->n_links++;
    loop_timer_init(&k->timer, w->loop, on_timer, k);
    loop_deferred_init(&k->deferred, free_deferred);
    loop_deferred_init(&k->step, on_step);
    conn_set_owner(k->conn, &events, k);
    h2_step_later(k);
    return k;
}

void h2_links_close(struct idle_pool *l)
{
    LIST_EACH_SAFE(n, t, &l->links)
    {
        struct h2_link *k = LIST_OBJECT(n, struct h2_link, node);

        k->leaving = true;
        if (is_over(k))
            h2_link_end(k, END_RESET, "not wanted any more");
    }
}
