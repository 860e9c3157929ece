/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CODEC_H
#define WEIR_FLOW_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"

/*
 * The client's side of an exchange, whatever protocol it speaks.  The codec owns framing,
 * connections and their timeouts; the exchange owns what the request means and what is answered.
 *
 *   codec → exchange:  exchange_request, exchange_body, exchange_body_end, exchange_client_gone,
 *                      exchange_resume
 *   exchange → codec:  the operations below, never after `end`, `cut` or exchange_client_gone
 */
struct codec;
struct exchange;

struct codec_ops {
    /* An interim answer (100). */
    void (*interim)(struct codec *c, int status);
    /*
     * Begins the answer.  `lines` are whole field lines ("name: value\r\n"), without Connection and
     * framing, which are the codec's.  body: NONE, COUNTED with its length, or CHUNKED for "length
     * not known".
     */
    void (*head)(struct codec *c, int status, struct slice reason, struct slice lines,
                 enum body_kind body, uint64_t length);
    /* Body bytes; all are taken.  The codec may gather them until the callback is over. */
    void (*data)(struct codec *c, struct slice bytes);
    /* The answer is whole. */
    void (*end)(struct codec *c);
    /* The answer is not whole, and the client must be able to see it. */
    void (*cut)(struct codec *c);
    /* Bytes taken but not yet gone to the client. */
    size_t (*backlog)(const struct codec *c);
    /* May more of the request's body come?  Back-pressure. */
    void (*want_body)(struct codec *c, bool want);
    /* After this answer the connection is not kept. */
    void (*close_after)(struct codec *c);
    /* 101 has been sent by `head`; from now on bytes both ways, by data and exchange_body. */
    void (*tunnel)(struct codec *c);
    /* Bytes written before the framing of the body would end: is it chunked or HTTP/2? */
    bool (*can_add)(const struct codec *c);
};

struct codec {
    const struct codec_ops *ops;
};

/* What is known of a client besides its request. */
struct client_facts {
    const struct net_addr *peer;
    bool tls;
    bool trusted; /* its forwarding fields and request id are believed */
};

/*
 * A request's head arrived.  Returns the exchange (borrowed; it ends with `end`, `cut` or
 * exchange_client_gone), or NULL when there is no memory for one: the codec answers 503 by closing.
 * Everything the exchange needs of `h` is copied.
 */
struct worker;
struct exchange *exchange_request(struct worker *w, struct codec *c, const struct request_head *h,
                                  const struct client_facts *cf);
/* The head could not be read; h holds what was understood of it, or is NULL. */
struct exchange *exchange_bad_request(struct worker *w, struct codec *c,
                                      const struct head_error *err, const struct request_head *h,
                                      const struct client_facts *cf);
/* Starts it, once the codec has noted it; it may be over when this returns. */
void exchange_go(struct exchange *x);
/* Body bytes (unframed).  The codec stops when want_body(false) was called, and may be over by it.
 */
void exchange_body(struct exchange *x, struct slice bytes);
void exchange_body_end(struct exchange *x);
/* The body broke its framing, a limit or a timeout: answered if that is still possible. */
void exchange_body_bad(struct exchange *x, int status, enum cause cause, const char *what);
/* The client is gone; the codec may not be called again. */
void exchange_client_gone(struct exchange *x);
/* The codec's backlog is small again. */
void exchange_resume(struct exchange *x);

#endif
