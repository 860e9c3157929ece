/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the endpoint: reads request heads, sends answers, one after the other.  Control
 * thread; freed deferred by the loop.  What is answered is answer.c's.
 */
#include "web/web_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define WEB_CLIENT_MAGIC UINT32_C(0x57454243)

enum {
    HEAD_MAX = 16 * 1024, /* browsers send their cookies of the same host along */
    LINE_MAX_BYTES = 4096,
    FIELDS_MAX = 100,
    PAGE_BACKLOG_MAX = 8 * 1024 * 1024, /* the history, once, and what is not read yet */
};
/* A head, from its first byte; between requests: more than a scrape's interval. */
static const struct stream_patience patience = {
    .out_ns = 10 * NS_PER_S, .in_ns = 10 * NS_PER_S, .idle_ns = 60 * NS_PER_S};
static const struct stream_patience open_page = {.out_ns = 10 * NS_PER_S};

static void client_free(struct loop_deferred *d)
{
    struct web_client *c = LIST_OBJECT(d, struct web_client, deferred);

    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    c->magic = 0;
    free(c);
}

void web_client_end(struct web_client *c)
{
    if (c->stream == NULL)
        return;
    c->web->n--;
    c->web->n_pages -= c->page;
    list_remove(&c->node);
    stream_close(&c->stream);
    loop_defer_free(control_loop(c->web->a->control), &c->deferred);
}

static struct slice path_of(struct slice target)
{
    const char *query = target.len == 0 ? NULL : memchr(target.p, '?', target.len);

    return query == NULL ? target : slice_of(target.p, (size_t)(query - target.p));
}

static void take_request(struct web_client *c, const struct request_head *h)
{
    struct web_request r = {path_of(h->target), h->is_head, h->keep_alive};
    const struct settings *s = control_settings(c->web->a->control);

    if (h->body == BODY_CHUNKED || h->length > 0)
        web_refuse(c, 413, "a request here has no body");
    else if (!h->is_head && !slice_eq(h->method, SLICE_LIT("GET")))
        web_refuse(c, 405, "only GET and HEAD: nothing can be changed here");
    else if (h->host.len > 0 &&
             !web_host_is_ours(h->host, c->web->host, s->admin.hosts, s->admin.n_hosts))
        web_refuse(c, 421,
                   "ask by address, localhost, the machine's own name or one of admin.hosts");
    else
        web_answer(c, &r);
}

/* Answers one request; false if there is none whole yet. */
static bool client_next(struct web_client *c)
{
    static const struct head_limits limits = {
        .line = LINE_MAX_BYTES, .head = HEAD_MAX, .fields = FIELDS_MAX, .body = 0};
    struct http_field fields[FIELDS_MAX];
    struct request_head h;
    struct head_error err;
    size_t used;

    switch (request_parse(buf_slice(stream_in(c->stream)), &limits, fields, &h, &used, &err)) {
    case PARSE_MORE:
        return false;
    case PARSE_BAD:
        web_refuse(c, err.status, err.what);
        return true;
    case PARSE_DONE:
        break;
    }
    take_request(c, &h);
    buf_consume(stream_in(c->stream), used);
    return true;
}

static void on_step(void *owner)
{
    struct web_client *c = owner;
    struct buf *in, *out;

    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    in = stream_in(c->stream);
    out = stream_out(c->stream);
    while (buf_empty(out) && !buf_empty(in) && !c->page && !c->ending && client_next(c)) {
        if (c->ending)
            stream_finish(c->stream);
        if (!stream_flush(c->stream))
            return;
    }
    /* What a page or an ended client still says is of no interest, but its going is. */
    stream_want_read(c->stream, buf_empty(out) && !c->page && !c->ending);
    stream_set_patience(c->stream, c->page ? &open_page : &patience);
}

/* A page has nothing more to say; another client may have, and its answer is wanted all the same.
 */
static void on_hangup(void *owner)
{
    struct web_client *c = owner;

    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    if (c->page)
        web_client_end(c);
}

static void on_end(void *owner, enum weir_status s, const char *why)
{
    struct web_client *c = owner;

    (void)s, (void)why;
    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    web_client_end(c);
}

static const struct stream_events web_events = {
    .on_step = on_step,
    .on_hangup = on_hangup,
    .on_end = on_end,
};

void web_client_create(struct web *w, int fd)
{
    struct loop *l = control_loop(w->a->control);
    struct web_client *c = calloc(1, sizeof *c);

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->magic = WEB_CLIENT_MAGIC;
    c->web = w;
    loop_deferred_init(&c->deferred, client_free);
    c->stream = stream_accept(l, fd, HEAD_MAX + 1, &web_events, c);
    if (c->stream == NULL) {
        free(c);
        return;
    }
    list_push_back(&w->clients, &c->node);
    w->n++;
    stream_set_patience(c->stream, &patience);
}

void web_client_make_room(struct web *w)
{
    struct web_client *longest = NULL;

    LIST_EACH(n, &w->clients)
    {
        struct web_client *c = LIST_OBJECT(n, struct web_client, node);

        if (c->page || !buf_empty(stream_out(c->stream)))
            continue;
        if (longest == NULL || stream_moved_ns(c->stream) < stream_moved_ns(longest->stream))
            longest = c;
    }
    if (longest != NULL)
        web_client_end(longest);
}

void web_client_tell(struct web_client *c, struct slice bytes)
{
    if (buf_append(stream_out(c->stream), bytes, PAGE_BACKLOG_MAX) != WEIR_OK)
        web_client_end(c);
    else
        (void)stream_flush(c->stream);
}
