/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_CLIENT_H
#define WEIR_ADMIN_CLIENT_H

#include "call/call.h"
#include "weir/base/list.h"
#include "weir/net/listener.h"
#include "weir/net/stream.h"

/* One connection of the admin socket.  Control thread. */

/* A uid that may not connect, and when the log last said so; said_ns 0: none yet. */
enum { STRANGERS_MAX = 16 };
struct stranger {
    unsigned uid, said, more; /* lines in these ten seconds; connections without one */
    uint64_t said_ns;
};

struct socket_server {
    struct stranger strangers[STRANGERS_MAX];
    struct admin *a;
    struct listener *listener;
    int fd;
    struct list clients;
    unsigned n, n_watching;
    struct command_args args; /* of the command that runs now: large, so here */
};

enum client_place { CLIENT_READING, CLIENT_ANSWERING, CLIENT_WAITING, CLIENT_WATCHING };

struct client {
    uint32_t magic;
    struct list node;
    struct loop_deferred deferred;
    struct socket_server *server;
    struct stream *stream;
    unsigned uid;
    enum client_place place;
    bool json;   /* watching: as objects */
    bool ending; /* no more lines come: close when all is answered */
    struct socket_hold *hold;
};

/* Takes over fd; it is closed when there is no memory. */
void client_create(struct socket_server *s, int fd, unsigned uid);
void client_end(struct client *c);
/* An event for one who watches; dropped when it reads too slowly. */
void client_tell(struct client *c, struct slice line);

#endif
