/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_H
#define WEIR_FLOW_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/http/field_list.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"

/*
 * The client's side of an exchange, whatever protocol it speaks: a connection of HTTP/1, or a
 * stream of HTTP/2.  It owns framing, connections and their timeouts; the exchange owns what the
 * request means and what is answered.
 *
 *   client → exchange:  exchange_request, exchange_go, exchange_body, exchange_body_end,
 *                       exchange_body_bad, exchange_client_gone, exchange_resume
 *   exchange → client:  the operations below, never after `end` or exchange_client_gone
 *
 * All on the worker's thread.  An operation may not call back into the exchange; what follows from
 * it (pipelined bytes, a broken connection) is done after the callback (loop_defer_free).
 */
struct client;
struct exchange;

/* How an answer ends. */
enum client_end {
    CLIENT_END_WHOLE,
    /* Not whole, and its body says so in the stream's own words; who does not know them sees the
     * cut: HTTP/1 leaves the framing open, HTTP/2 resets the stream after the data. */
    CLIENT_END_TOLD,
    /* Not whole, and the client must be able to see it: broken framing, or a reset. */
    CLIENT_END_CUT,
};

/* A head without Connection, framing and pseudo fields.  All is borrowed for the call. */
struct answer_head {
    int status;
    struct slice reason; /* NONE: the usual one */
    const struct field_list *fields;
    enum body_kind body; /* NONE, COUNTED, or CHUNKED for "length not known" */
    uint64_t length;     /* of a counted body */
};

struct client_ops {
    /* An interim answer (100). */
    void (*interim)(struct client *c, int status);
    /* Begins the answer. */
    void (*head)(struct client *c, const struct answer_head *h);
    /* Body bytes; all are taken, and gathered until the round of the loop ends. */
    void (*data)(struct client *c, struct slice bytes);
    /* The last call.  trailers: NULL for none; a protocol without them leaves them out. */
    void (*end)(struct client *c, enum client_end how, const struct field_list *trailers);
    /* Bytes taken but not yet gone to the client. */
    size_t (*backlog)(const struct client *c);
    /* May more of the request's body come?  Back-pressure. */
    void (*want_body)(struct client *c, bool want);
    /* After this answer the connection is not kept, where it carries one request at a time. */
    void (*close_after)(struct client *c);
    /* 101 has been sent by `head`; from now on bytes both ways, by data and exchange_body. */
    void (*tunnel)(struct client *c);
    /* May bytes be written that the head did not announce: is the body's length open? */
    bool (*can_add)(const struct client *c);
    /* Where it reached weir. */
    void (*local)(const struct client *c, struct net_addr *out);
};

struct client {
    const struct client_ops *ops;
};

/* The same for an exchange whose client may be gone (NULL): then nothing happens. */
static inline void client_interim(struct client *c, int status)
{
    if (c != NULL)
        c->ops->interim(c, status);
}
static inline void client_head(struct client *c, const struct answer_head *h)
{
    if (c != NULL)
        c->ops->head(c, h);
}
static inline void client_data(struct client *c, struct slice bytes)
{
    if (c != NULL)
        c->ops->data(c, bytes);
}
static inline size_t client_backlog(const struct client *c)
{
    return c == NULL ? 0 : c->ops->backlog(c);
}
static inline void client_want_body(struct client *c, bool want)
{
    if (c != NULL)
        c->ops->want_body(c, want);
}
static inline void client_close_after(struct client *c)
{
    if (c != NULL)
        c->ops->close_after(c);
}
static inline void client_tunnel(struct client *c)
{
    if (c != NULL)
        c->ops->tunnel(c);
}
static inline bool client_can_add(const struct client *c)
{
    return c != NULL && c->ops->can_add(c);
}
static inline void client_local(const struct client *c, struct net_addr *out)
{
    *out = (struct net_addr){0};
    if (c != NULL)
        c->ops->local(c, out);
}
/* Ends it and forgets it, so that nothing is called after it. */
static inline void client_end(struct client **cp, enum client_end how,
                              const struct field_list *trailers)
{
    struct client *c = *cp;

    *cp = NULL;
    if (c != NULL)
        c->ops->end(c, how, trailers);
}

/*
 * The client connections of a worker: made by it, at most `max`, on its thread.  gone is called for
 * each that ends, before its connection is closed.
 */
struct clients;
struct worker;
struct clients *clients_create(struct worker *w, uint32_t max, void (*gone)(struct worker *w));
void clients_destroy(struct clients **c);
/*
 * Takes over an accepted descriptor, whose client is counted in its listener's addresses already,
 * unless it comes through the PROXY protocol; false: no memory, and it is closed.
 */
bool clients_open(struct worker *w, int fd, const struct net_addr *peer, int listener);
/*
 * Counts a client in; the one of the listener that is idle longest may have to go for it.  False:
 * the listener, or the address, has as many as it may.
 */
struct addresses;
bool clients_let_in(struct worker *w, struct addresses *a, const struct net_addr *peer);
/* The connection that has been idle longest (`of` NULL: of any listener) goes; false: none may. */
bool clients_make_room(struct worker *w, const struct addresses *of);
bool clients_can_make_room(const struct worker *w);
/* Once a second: the least rate of bodies. */
void clients_check_rates(struct worker *w);
/* Answers whose head is not out yet end their connections; HTTP/2 is told to come no more. */
void clients_lame_duck(struct worker *w);
/* The process is ending: idle connections go, but those whose first request may be under way. */
void clients_end_idle(struct worker *w);
/* New settings are in force: what was announced by the old ones is taken back. */
void clients_settings_changed(struct worker *w);
void clients_close(struct worker *w);
/* What one takes in memory, without its connection; and a stream of HTTP/2. */
size_t clients_bytes(void);
size_t clients_stream_bytes(void);

#endif
