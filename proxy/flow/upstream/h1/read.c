/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upstream sends: heads, framing, ends; handed to the exchange as meaning.  One receive a
 * callback, into the worker's scratch; only an unfinished head is kept.
 */
#include "h1_priv.h"

static void note_keep_alive(struct h1_uplink *u, const struct response_head *h)
{
    struct slice v = response_field(h, FIELD_KEEP_ALIVE);

    u->keep = h->keep_alive;
    while (v.len > 0) {
        const char *comma = memchr(v.p, ',', v.len);
        size_t n = comma == NULL ? v.len : (size_t)(comma - v.p);
        struct slice part = slice_trim(slice_of(v.p, n));
        uint64_t number;

        if (slice_starts(part, SLICE_LIT("timeout=")) &&
            parse_u64(slice_from(part, 8), 86400, &number) == WEIR_OK)
            u->keep_alive_s = (uint32_t)number;
        if (slice_starts(part, SLICE_LIT("max=")) &&
            parse_u64(slice_from(part, 4), UINT32_MAX / 2, &number) == WEIR_OK)
            u->keep_alive_max = u->served + (uint32_t)number;
        v = slice_from(v, n < v.len ? n + 1 : n);
    }
}

static void tell_end(struct h1_uplink *u, enum upstream_end how, const char *why)
{
    u->uplink.events->end(u->uplink.owner, how, why, NULL);
}

static void tell_data(struct h1_uplink *u, struct slice bytes)
{
    u->uplink.events->data(u->uplink.owner, bytes);
}

/* The answer is whole; anything behind it spoils the connection. */
static void finish(struct h1_uplink *u, bool more)
{
    u->receiving.whole = true;
    if (more)
        u->keep = false;
    tell_end(u, END_CLEAN, "");
}

static bool over(const struct h1_uplink *u, const void *owner)
{
    return u->state == UPLINK_DEAD || u->uplink.owner != owner;
}

static void body_counted(struct h1_uplink *u, struct slice in)
{
    const void *owner = u->uplink.owner;
    size_t n = in.len < u->receiving.left ? in.len : (size_t)u->receiving.left;

    u->receiving.left -= n;
    tell_data(u, slice_of(in.p, n));
    if (!over(u, owner) && u->receiving.left == 0)
        finish(u, in.len > n);
}

static void body_chunked(struct h1_uplink *u, struct slice in)
{
    const void *owner = u->uplink.owner;

    while (in.len > 0) {
        struct slice data = SLICE_NONE;
        size_t used = 0;
        enum parse p = chunked_next(&u->receiving.chunked, in, &used, &data);

        if (p == PARSE_BAD) {
            uplink_fail(u, END_BAD, "the chunked framing of the answer is broken");
            return;
        }
        in = slice_from(in, used);
        tell_data(u, data);
        if (over(u, owner))
            return;
        if (p == PARSE_DONE) {
            finish(u, in.len > 0);
            return;
        }
        if (used == 0)
            return;
    }
}

static void body(struct h1_uplink *u, struct slice in)
{
    switch (u->receiving.body) {
    case BODY_COUNTED:
        body_counted(u, in);
        return;
    case BODY_CHUNKED:
        body_chunked(u, in);
        return;
    case BODY_TO_CLOSE:
        tell_data(u, in);
        return;
    case BODY_NONE:
        break;
    }
    WEIR_UNREACHABLE("a body where there is none");
}

static void begin_body(struct h1_uplink *u, const struct response_head *h, struct slice rest)
{
    const void *owner = u->uplink.owner;

    note_keep_alive(u, h);
    u->receiving.body = h->body;
    u->receiving.left = h->body == BODY_COUNTED ? h->length : 0;
    chunked_init(&u->receiving.chunked);
    uplink_enter(u, h->switched ? UPLINK_TUNNEL : UPLINK_BODY);
    u->uplink.events->head(u->uplink.owner, h);
    if (over(u, owner))
        return;
    if (h->switched) {
        tell_data(u, rest);
    } else if (h->body == BODY_NONE || (h->body == BODY_COUNTED && h->length == 0)) {
        finish(u, rest.len > 0);
    } else if (rest.len > 0) {
        body(u, rest);
    }
}

/* Interim answers are swallowed; returns the bytes of `in` that were used. */
static size_t head(struct h1_uplink *u, struct slice in, bool *more)
{
    const struct head_limits *limits = &u->snapshot->response_limits;
    size_t total = 0;

    *more = false;
    for (;;) {
        struct response_head h;
        struct head_error err;
        size_t used = 0;
        struct slice rest = slice_from(in, total);

        if (!head_is_due(&u->receiving.head_wait, rest, limits)) {
            *more = true;
            return total;
        }
        switch (response_parse(rest, limits, u->to_head, u->upgrade, u->w->scratch.fields, &h,
                               &used, &err)) {
        case PARSE_MORE:
            *more = true;
            return total;
        case PARSE_BAD:
            uplink_fail(u, END_BAD, err.what);
            return in.len;
        case PARSE_DONE:
            break;
        }
        u->receiving.head_wait = (struct head_wait){0};
        total += used;
        if (h.status >= 100 && h.status < 200 && !h.switched) {
            if (++u->receiving.interims > 16) {
                uplink_fail(u, END_BAD, "too many interim answers");
                return in.len;
            }
            continue;
        }
        begin_body(u, &h, slice_from(in, total));
        return in.len;
    }
}

static void on_head_bytes(struct h1_uplink *u, struct slice in)
{
    bool more;
    size_t used = head(u, in, &more);

    if (u->state == UPLINK_DEAD || !more || used == in.len)
        return;
    if (buf_append(&u->receiving.in, slice_from(in, used),
                   (size_t)u->snapshot->settings->limits.response_head + SCRATCH_BYTES) != WEIR_OK)
        uplink_fail(u, END_LACKING, "out of memory for the head");
}

static void on_kept_head(struct h1_uplink *u)
{
    struct buf whole = u->receiving.in;
    bool more;
    size_t used;

    u->receiving.in = BUF_INIT;
    used = head(u, buf_slice(&whole), &more);
    if (u->state != UPLINK_DEAD && more) {
        buf_consume(&whole, used);
        u->receiving.in = whole;
        return;
    }
    buf_free(&whole);
}

static void on_end(struct h1_uplink *u, enum weir_status s)
{
    bool orderly = s == WEIR_CLOSED;

    if (u->state == UPLINK_IDLE || u->uplink.owner == NULL) {
        uplink_close(u);
        return;
    }
    u->keep = false;
    if (orderly && (u->state == UPLINK_TUNNEL ||
                    (u->state == UPLINK_BODY && u->receiving.body == BODY_TO_CLOSE))) {
        u->receiving.whole = true;
        tell_end(u, END_CLEAN, "");
    } else {
        tell_end(u, upstream_broken_end(s), weir_status_text(s));
    }
    if (u->state != UPLINK_DEAD)
        uplink_close(u);
}

static bool receive(struct h1_uplink *u)
{
    struct worker *w = u->w;
    bool kept = !buf_empty(&u->receiving.in);
    size_t got = 0, room = SCRATCH_BYTES;
    char *at = w->scratch.in;
    enum weir_status rc = WEIR_OK;

    if (kept)
        rc = buf_reserve(&u->receiving.in, 4096,
                         (size_t)u->snapshot->settings->limits.response_head + SCRATCH_BYTES, &at,
                         &room);
    if (rc != WEIR_OK) {
        bool lacks = rc == WEIR_NO_MEMORY;

        uplink_fail(u, lacks ? END_LACKING : END_BAD,
                    lacks ? "out of memory for the head" : "the head is too long");
        return false;
    }
    rc = conn_read(u->conn, at, room, &got);
    if (rc == WEIR_AGAIN)
        return false;
    if (rc != WEIR_OK) {
        on_end(u, rc);
        return false;
    }
    u->uplink.any_byte = true;
    if (kept) {
        buf_commit(&u->receiving.in, got);
        on_kept_head(u);
    } else if (u->state == UPLINK_HEAD) {
        on_head_bytes(u, slice_of(at, got));
    } else if (u->state == UPLINK_BODY) {
        body(u, slice_of(at, got));
    } else if (u->state == UPLINK_TUNNEL) {
        if (u->uplink.owner != NULL) /* else it lingers */
            tell_data(u, slice_of(at, got));
    } else {
        uplink_close(u); /* idle: bytes nobody asked for */
    }
    return u->state != UPLINK_DEAD && u->uplink.owner != NULL;
}

void uplink_on_readable(struct conn *c, void *owner)
{
    struct h1_uplink *u = owner;

    WEIR_CHECK(u, UPLINK_MAGIC);
    while (receive(u) && conn_has_pending(c) && conn_wants_read(c))
        continue;
}
