/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request on its way to an upstream of HTTP/2, and its answer: what the exchange asks of an
 * uplink.  Owner and thread: the worker.
 */
#include "upstream/h2/h2_priv.h"

static struct h2_uplink *of(const struct uplink *base)
{
    struct h2_uplink *u = LIST_OBJECT(base, struct h2_uplink, uplink);

    WEIR_CHECK(u, H2_UPLINK_MAGIC);
    return u;
}

/* --- life */

static void free_deferred(struct loop_deferred *d)
{
    struct h2_uplink *u = LIST_OBJECT(d, struct h2_uplink, deferred);

    u->magic = 0;
    /* not sooner: the exchange passes them on when it has released the uplink */
    buf_free(&u->trailers);
    slab_give(&u->w->uplinks->slab, u);
}

static void detach(struct h2_uplink *u)
{
    struct h2_link *k = u->link;

    list_remove(&u->node);
    u->link = NULL;
    if (k == NULL || u->closed)
        return;
    if (u->id == 0)
        k->n_open--;
    else
        (void)nghttp2_session_set_stream_user_data(k->ng, u->id, NULL);
}

static void drop(struct h2_uplink *u)
{
    struct h2_link *k = u->link;

    detach(u);
    u->uplink.owner = NULL;
    u->uplink.open = false;
    buf_free(&u->in);
    buf_free(&u->out);
    buf_free(&u->out_trailers);
    field_block_free(&u->head);
    h2_step_later(k); /* it may have been the last */
    if (k != NULL && !k->dead)
        h2_link_set_timer(k);
    loop_defer_free(u->w->loop, &u->deferred);
}

/* The stream is not wanted any more; the connection is kept. */
static void reset(const struct h2_uplink *u, uint32_t code)
{
    if (u->link != NULL && u->id != 0 && !u->closed)
        (void)nghttp2_submit_rst_stream(u->link->ng, NGHTTP2_FLAG_NONE, u->id, code);
}

/* --- the request */

static void submit_trailers(struct h2_uplink *u, uint32_t *flags)
{
    struct h2_uplinks *h = h2_of(u->w);
    struct field_list l;
    char none[1];

    if (buf_empty(&u->out_trailers))
        return;
    field_list_init(&l, h->trailers, LISTED_MAX, none, sizeof none);
    field_list_restore(&l, buf_slice(&u->out_trailers), 0);
    if (!frames_trailers(u->link->ng, u->id, h->fields, &l, flags))
        u->link->broken = true;
}

/* nghttp2_data_source_read_callback; the exchange may have left (no user data). */
static ssize_t read_data(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *owner)
{
    struct h2_uplink *u = nghttp2_session_get_stream_user_data(ng, id);
    size_t n;

    (void)source, (void)owner;
    if (u == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    n = frames_take(&u->out, to, room);
    if (u->wants_room && u->out.len < H2_UPLINK_OUT / 2) {
        u->room_due = true;
        h2_step_later(u->link);
    }
    if (u->complete && buf_empty(&u->out)) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        submit_trailers(u, flags);
        return (ssize_t)n;
    }
    if (n > 0)
        return (ssize_t)n;
    u->resumable = true;
    return NGHTTP2_ERR_DEFERRED;
}

static size_t write_head(const struct h2_uplink *u, const struct upstream_request *r,
                         struct text *length)
{
    nghttp2_nv *nv = h2_of(u->w)->fields;
    struct field_list fields = *r->fields;
    size_t n = 0;

    field_list_read(&fields);
    nv[n++] = frames_field(SLICE_LIT(":method"), r->method);
    nv[n++] = frames_field(SLICE_LIT(":scheme"),
                           conn_is_tls(u->link->conn) ? SLICE_LIT("https") : SLICE_LIT("http"));
    nv[n++] = frames_field(SLICE_LIT(":authority"), r->host);
    nv[n++] = frames_field(SLICE_LIT(":path"), r->target);
    n += frames_fields(nv + n, &fields);
    nv[n++] = frames_field(SLICE_LIT("te"), SLICE_LIT("trailers"));
    if (r->body != BODY_COUNTED)
        return n;
    text_u64(length, r->length);
    nv[n++] = frames_field(SLICE_LIT("content-length"), text_slice(length));
    return n;
}

static void submit(struct h2_uplink *u, const struct upstream_request *r)
{
    nghttp2_data_provider data = {.read_callback = read_data};
    bool empty = u->complete && buf_empty(&u->out) && buf_empty(&u->out_trailers);
    char mem[24];
    struct text length;
    size_t n;

    text_init(&length, mem, sizeof mem);
    n = write_head(u, r, &length);
    u->id =
        nghttp2_submit_request(u->link->ng, NULL, h2_of(u->w)->fields, n, empty ? NULL : &data, u);
    u->to_head = r->to_head;
    if (u->id > 0)
        return;
    u->id = 0;
    u->link->broken = true; /* the step ends it, and says so */
}

/* Told once: behind it nothing comes. */
static void complete_with(struct h2_uplink *u, struct slice trailers)
{
    if (!u->complete && buf_append(&u->out_trailers, trailers, LINES_BYTES) != WEIR_OK)
        u->link->broken = true;
    u->complete = true;
}

static size_t op_send(struct uplink *base, const struct upstream_request *r, struct slice body,
                      bool complete, struct slice trailers)
{
    struct h2_uplink *u = of(base);
    size_t room = H2_UPLINK_OUT - u->out.len, n = body.len < room ? body.len : room;

    if (u->link == NULL || (r == NULL && u->closed))
        return 0;
    if (buf_append(&u->out, slice_of(body.p, n), H2_UPLINK_OUT) != WEIR_OK) {
        u->link->broken = true;
        n = 0;
    }
    if (complete && n == body.len)
        complete_with(u, trailers);
    u->wants_room = n < body.len;
    if (r != NULL)
        submit(u, r);
    else if (u->resumable && nghttp2_session_resume_data(u->link->ng, u->id) != 0)
        u->link->broken = true;
    u->resumable = false;
    h2_step_later(u->link);
    return n;
}

/* --- the answer */

void h2_uplink_tell_end(struct h2_uplink *u, enum upstream_end how, const char *why)
{
    struct field_list trailers;
    char none[1];

    if (u->told || u->uplink.owner == NULL)
        return;
    u->told = true;
    field_list_init(&trailers, h2_of(u->w)->trailers, LISTED_MAX, none, sizeof none);
    field_list_restore(&trailers, buf_slice(&u->trailers), 0);
    field_list_read(&trailers);
    u->uplink.events->end(u->uplink.owner, how, why, trailers.n > 0 ? &trailers : NULL);
}

static void end_if_whole(struct h2_uplink *u)
{
    if (u->ended && buf_empty(&u->in))
        h2_uplink_tell_end(u, END_CLEAN, "");
}

void h2_uplink_ended(struct h2_uplink *u)
{
    u->ended = true;
    end_if_whole(u);
}

/* Bytes of the answer are lost for want of memory: what follows them must not look whole. */
static void lose(struct h2_uplink *u)
{
    reset(u, NGHTTP2_INTERNAL_ERROR);
    buf_free(&u->in);
    h2_step_later(u->link);
    h2_uplink_tell_end(u, END_LACKING, "out of memory for an answer that waits");
}

void h2_uplink_data(struct h2_uplink *u, struct slice bytes)
{
    struct h2_link *k = u->link;
    int32_t id = u->id;

    if (u->told)
        return;
    if (u->paused || !buf_empty(&u->in)) {
        if (buf_append(&u->in, bytes, k->window + SCRATCH_BYTES) != WEIR_OK)
            lose(u);
        return;
    }
    u->uplink.events->data(u->uplink.owner, bytes);
    if (nghttp2_session_consume_stream(k->ng, id, bytes.len) != 0)
        k->broken = true;
}

static void deliver_kept(struct h2_uplink *u)
{
    struct buf kept = u->in;
    struct h2_link *k = u->link;
    int32_t id = u->id;

    if (buf_empty(&kept))
        return;
    u->in = BUF_INIT;
    u->uplink.events->data(u->uplink.owner, buf_slice(&kept));
    if (k != NULL && !k->dead && nghttp2_session_consume_stream(k->ng, id, kept.len) != 0)
        k->broken = true;
    buf_free(&kept);
}

void h2_uplink_step(struct h2_uplink *u)
{
    if (u->room_due && !u->told) {
        u->room_due = u->wants_room = false;
        u->uplink.events->room(u->uplink.owner);
    }
    if (u->uplink.owner == NULL || u->paused || u->told || buf_empty(&u->in))
        return;
    deliver_kept(u);
    if (u->uplink.owner != NULL)
        end_if_whole(u);
}

void h2_uplink_link_gone(struct h2_uplink *u, enum upstream_end how, const char *why)
{
    detach(u);
    u->closed = true;
    if (u->told || u->uplink.owner == NULL)
        return;
    if (u->ended) {
        deliver_kept(u);
        if (u->uplink.owner != NULL)
            h2_uplink_tell_end(u, END_CLEAN, "");
    } else {
        h2_uplink_tell_end(u, how, why);
    }
}

static void op_want_data(struct uplink *base, bool want)
{
    struct h2_uplink *u = of(base);

    u->paused = !want;
    if (want)
        h2_step_later(u->link);
}

static void op_release(struct uplink *base)
{
    struct h2_uplink *u = of(base);

    reset(u, NGHTTP2_NO_ERROR); /* only where the request is still being sent */
    drop(u);
}

static void op_cancel(struct uplink *base)
{
    struct h2_uplink *u = of(base);

    reset(u, NGHTTP2_CANCEL);
    drop(u);
}

static bool op_may_have_begun(const struct uplink *base)
{
    const struct h2_uplink *u = of(base);

    return u->begun && !u->refused;
}

static const struct upstream_ops h2_ops = {
    .send = op_send,
    .want_data = op_want_data,
    .release = op_release,
    .cancel = op_cancel,
    .may_have_begun = op_may_have_begun,
};

/* --- taking */

static void attach(struct h2_uplink *u, struct h2_link *k)
{
    u->uplink.ops = &h2_ops;
    u->uplink.open = u->uplink.http2 = true;
    u->uplink.any_byte = false;
    u->magic = H2_UPLINK_MAGIC;
    u->w = k->w;
    u->link = k;
    k->n_open++;
    list_init(&u->node);
    list_push_back(&k->uplinks, &u->node);
    loop_deferred_init(&u->deferred, free_deferred);
    h2_link_set_timer(k);
}

bool h2_become(void *mem, const struct h2_becoming *b)
{
    struct h2_link *k = h2_link_create(b);
    struct h2_uplink *u = mem;

    if (k == NULL)
        return false;
    memset(u, 0, sizeof *u);
    u->uplink = b->uplink;
    u->snapshot = b->snapshot;
    attach(u, k);
    return true;
}

static bool has_room(const struct h2_link *k, const struct spoken_for *whose)
{
    return k->said && !k->leaving && !k->broken && !h2_link_is_quiet(k) && k->n_open < k->most &&
           spoken_for_same(&k->spoken_for, whose);
}

/* The newest that may be used.  Where each is for one client there may be many: some are looked at.
 */
static struct h2_link *link_with_room(const struct idle_pool *l, const struct spoken_for *whose)
{
    int looked = 0;

    LIST_EACH(n, &l->links)
    {
        struct h2_link *k = LIST_OBJECT(n, struct h2_link, node);

        if (has_room(k, whose))
            return k;
        if (is_spoken_for(&k->spoken_for) && ++looked == SPOKEN_LOOKED_AT_MAX)
            break;
    }
    return NULL;
}

struct uplink *h2_take(struct worker *w, const struct upstream_target *t,
                       const struct spoken_for *whose, const struct upstream_events *ev,
                       void *owner)
{
    struct h2_link *k = link_with_room(&w->uplinks->pools[t->upstream->slot], whose);
    struct h2_uplink *u = k == NULL ? NULL : slab_take(&w->uplinks->slab);

    if (u == NULL)
        return NULL;
    u->snapshot = t->use->snapshot;
    attach(u, k);
    u->uplink.events = ev;
    u->uplink.owner = owner;
    u->uplink.reused = true;
    counter_add(&w->counters.upstream_reuses, 1);
    return &u->uplink;
}

size_t h2_uplink_bytes(void)
{
    return sizeof(struct h2_uplink);
}
