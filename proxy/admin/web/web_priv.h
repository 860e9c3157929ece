/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_WEB_CLIENT_H
#define WEIR_ADMIN_WEB_CLIENT_H

#include "call/call.h"
#include "weir/base/list.h"
#include "weir/http/head.h"
#include "weir/net/listener.h"
#include "weir/net/stream.h"

/* One connection of the endpoint.  Control thread. */

struct web {
    struct admin *a;
    struct listener *listener;
    int fd;
    struct list clients;
    unsigned n, n_pages;
    struct buf metrics; /* /metrics as rendered last: however often it is asked for */
    uint64_t metrics_ns;
    char host[256];       /* this machine's name, which requests may name */
    struct live_ask *ask; /* the fleet was asked for the pages; NULL: not now */
    uint64_t ask_due_ns;
};

struct web_client {
    uint32_t magic;
    struct list node;
    struct loop_deferred deferred;
    struct web *web;
    struct stream *stream;
    bool page;   /* is told what happens */
    bool ending; /* no further request: close when the output is sent */
};

void web_client_create(struct web *w, int fd);
void web_client_end(struct web_client *c);
/* At the most there may be: the one that has been idle longest goes, or has been slow longest. */
void web_client_make_room(struct web *w);
/* Bytes for an open page; dropped when it reads too slowly. */
void web_client_tell(struct web_client *c, struct slice bytes);

/* What the answer to a request is made of; see answer.c. */
struct web_request {
    struct slice path; /* without the query */
    bool is_head, keep_alive;
};
/* Appends the whole answer to the output; may make c an open page. */
void web_answer(struct web_client *c, const struct web_request *r);
/* An answer of one line; closes. */
void web_refuse(struct web_client *c, int status, const char *what);

/* May a request name this host?  Guards against DNS rebinding (host.c). */
bool web_host_is_ours(struct slice host, const char *machine, char *const *hosts, size_t n_hosts);

/* The first bytes of a page's stream; then one frame a second, and one per event. */
void live_begin(struct web_client *c);
/* Once a second: what the pages show of the fleet. */
void live_fleet(struct web *w);
/* Nobody waits for it any more. */
void live_fleet_end(struct web *w);
/* To all pages, what fn writes; nothing where it does not fit. */
void web_tell(struct web *w, render_fn *fn, const void *arg);

#endif
