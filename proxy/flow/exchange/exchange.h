/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_EXCHANGE_H
#define WEIR_FLOW_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/flow/control.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"

#include "client/client.h"

/*
 * An exchange: one request and its answer, from its head to its record, between a client
 * (client/client.h) and an upstream (upstream/upstream.h).  On the thread of its worker.
 */

/* What is known of a client besides its request. */
struct client_facts {
    const struct net_addr *peer;
    bool tls;
    bool trusted; /* its forwarding fields and request id are believed */
};

/*
 * A request's head arrived.  Returns the exchange (borrowed; it ends with `end` or
 * exchange_client_gone), or NULL when there is no memory for one: the client's side answers by
 * closing.  Everything the exchange needs of `h` is copied.
 */
struct exchange *exchange_request(struct worker *w, struct client *c, const struct request_head *h,
                                  const struct client_facts *cf);
/* The head could not be read; h holds what was understood of it, or is NULL. */
struct exchange *exchange_bad_request(struct worker *w, struct client *c,
                                      const struct head_error *err, const struct request_head *h,
                                      const struct client_facts *cf);
/* Starts it, once the client's side has noted it; it may be over when this returns. */
void exchange_go(struct exchange *x);
/* Body bytes (unframed).  No more may come after want_body(false); it may be over by it. */
void exchange_body(struct exchange *x, struct slice bytes);
/* trailers: kept ones (field_list_keep), copied; NONE for none. */
void exchange_body_end(struct exchange *x, struct slice trailers);
/* The body broke its framing, a limit or a timeout: answered if that is still possible. */
void exchange_body_bad(struct exchange *x, int status, enum cause cause, const char *what);
/* The client is gone and is not called again. */
void exchange_client_gone(struct exchange *x);
/* The client's backlog is small again. */
void exchange_resume(struct exchange *x);

/* --- for the worker */

struct exchanges *exchanges_create(uint32_t max); /* NULL: no memory */
void exchanges_destroy(struct exchanges **e);
/* The addresses of an upstream are known, or why there are none: who waits for them goes on. */
void exchange_addresses_known(struct worker *w, int slot);
/* What still runs ends because weir does: said in its record, whatever ends it. */
void exchanges_blame_the_end(struct worker *w);
/* The process ends: each an honest error, or a visible cut. */
void exchanges_abandon(struct worker *w);
/* Describes up to max live ones; returns how many. */
size_t exchanges_list(const struct worker *w, struct live_request *list, size_t max);
/* What one takes in memory, without its connections. */
size_t exchange_bytes(void);

#endif
