/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_SOCKET_H
#define WEIR_ADMIN_SOCKET_H

#include "call/call.h"

/*
 * The admin socket's connections: a line in, lines out.  Bounded in number, in bytes of a line, in
 * bytes that wait to be read and in time; nothing here waits for a client.  Control thread.
 */
struct socket_server;

/* Takes over fd.  NULL when out of memory: fd is closed. */
struct socket_server *socket_open(struct admin *a, int fd);
/* Nobody new connects. */
void socket_retire(struct socket_server *s);
void socket_close(struct socket_server **s);

/*
 * For CALL_LATER: the client of a call may be gone when its answer is ready.  A hold stands for it;
 * socket_hold_take gives the client back (NULL if it is gone) and frees the hold.
 */
struct socket_hold;
struct socket_hold *socket_hold(struct call *c); /* NULL when out of memory */
/* Fills c for the rest of the call (line excepted); false if the client is gone. Frees the hold. */
bool socket_hold_take(struct socket_hold **h, struct call *c);
/* After the answer was written into c->out: sends it and goes on. */
void socket_answered(struct call *c);

/* To all who watch: text or the JSON object, each a whole line without its end. */
bool socket_is_watched(const struct socket_server *s);
void socket_broadcast(struct socket_server *s, struct slice text, struct slice json);

#endif
