/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on their way out: gathered from nghttp2 at the end of a round, sent in as few writes as
 * the kernel allows.  While it takes none, none are made: answers wait in their streams.  On the
 * worker's thread.
 */
#include "client/h2/h2_priv.h"

static void keep(struct h2_conn *c, struct slice rest)
{
    if (buf_append(&c->out, rest, SCRATCH_BYTES) != WEIR_OK) {
        c->broken = true;
        return;
    }
    c->write_until_ns = h2_now(c) + client_timeouts(c->w)->write_ns;
    c->write_unsent = conn_unsent(c->conn);
    h2_set_timer(c);
    conn_want_write(c->conn);
}

/* False: the kernel took not all of it, and the rest waits. */
static bool write_all(struct h2_conn *c, struct slice bytes)
{
    enum weir_status rc = conn_write_all(c->conn, &bytes);

    if (rc == WEIR_AGAIN)
        keep(c, bytes);
    else if (rc != WEIR_OK)
        c->broken = true;
    return rc == WEIR_OK;
}

static bool is_over(const struct h2_conn *c)
{
    return buf_empty(&c->out) && nghttp2_session_want_read(c->ng) == 0 &&
           nghttp2_session_want_write(c->ng) == 0;
}

void h2_send(struct h2_conn *c)
{
    char *mem = c->w->clients->out;
    size_t len = 1;

    if (c->state == H2_DEAD || c->state == H2_LINGER)
        return;
    while (len > 0 && buf_empty(&c->out) && !c->broken) {
        len = frames_gather(c->ng, mem, SCRATCH_BYTES, &c->broken);
        if (!write_all(c, slice_of(mem, len)))
            break;
    }
    if (c->broken || c->memory.lacked) {
        c->broken = true;
        h2_step_later(c);
    }
    if (!c->broken && is_over(c))
        h2_linger(c);
}

void h2_flush(struct worker *w)
{
    struct list *dirty = &h2_of(w)->dirty;

    while (!list_empty(dirty)) {
        struct h2_conn *c = LIST_OBJECT(dirty->next, struct h2_conn, dirty_node);

        list_remove(&c->dirty_node);
        h2_send(c);
    }
}

void h2_on_writable(struct conn *conn, void *owner)
{
    struct h2_conn *c = owner;
    enum weir_status rc;

    WEIR_CHECK(c, H2_MAGIC);
    rc = conn_write_waiting(conn, &c->out);
    if (rc != WEIR_OK && rc != WEIR_AGAIN) {
        h2_conn_close(c);
        return;
    }
    if (rc == WEIR_OK)
        c->write_until_ns = buf_empty(&c->out) ? 0 : h2_now(c) + client_timeouts(c->w)->write_ns;
    h2_set_timer(c);
    if (!buf_empty(&c->out))
        conn_want_write(conn);
    else
        h2_mark_dirty(c);
}
