/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_CONN_H
#define WEIR_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "weir/base/buf.h"
#include "weir/base/slice.h"
#include "weir/net/addr.h"
#include "weir/net/loop.h"

/*
 * One connected peer, plain or TLS.  Owner and thread: whoever opened it, on that loop's thread.
 * Moves bytes, knows no protocol.  No byte is buffered here: what the kernel (or OpenSSL) does not
 * take, the caller keeps.
 *
 * Callbacks come from the loop only, never from inside a call made here.  All may call any function
 * here, conn_close included (the memory goes deferred by the loop).
 */
struct conn;
struct tls_server;
struct tls_client;

struct conn_events {
    /* A connect (and TLS handshake) came through, or an accepted TLS handshake did. */
    void (*on_open)(struct conn *c, void *owner);
    /*
     * It did not: WEIR_NO_MEMORY (descriptors, ports or memory are short on this side),
     * WEIR_REFUSED, WEIR_TIMEOUT, WEIR_TLS, WEIR_RESET, WEIR_SYS.  `why` is a sentence part for the
     * log, alive during the call.  The owner calls conn_close.
     */
    void (*on_fail)(struct conn *c, void *owner, enum weir_status s, const char *why);
    /*
     * Bytes, an end or an error wait to be read.  Level-triggered while reading is wanted.  With
     * TLS it may be for nothing (WEIR_AGAIN): what came was the protocol's own.
     */
    void (*on_readable)(struct conn *c, void *owner);
    /* There is room again.  Once per conn_want_write. */
    void (*on_writable)(struct conn *c, void *owner);
    /*
     * The peer closed its side or broke off, seen while reading was not wanted (EPOLLRDHUP).
     * `reset` if it broke off.  At most once.  NULL: not asked for.
     */
    void (*on_hangup)(struct conn *c, void *owner, bool reset);
};

/*
 * Takes over an accepted descriptor (non-blocking).  peer: as accept gave it, for a connection that
 * is reset already has none to ask for; NULL: the kernel is asked.  tls NULL: plain, open at once
 * (no on_open).
 * With tls: on_open after the handshake, on_fail otherwise or after handshake_ns.
 * Reading is wanted from the start.  NULL when out of memory: fd is closed.
 */
struct conn *conn_accept(struct loop *l, int fd, const struct net_addr *peer,
                         struct tls_server *tls, uint64_t handshake_ns,
                         const struct conn_events *ev, void *owner);

/*
 * Begins to connect, without blocking; on_open or on_fail follows, the latter at the latest after
 * connect_ns (handshake included).  tls NULL: plain.  first: bytes that are sent before anything
 * else, TLS included (the PROXY protocol's header), copied; NONE for none.  NULL when there is no
 * descriptor or memory.
 */
struct conn *conn_connect(struct loop *l, const struct net_addr *to, struct tls_client *tls,
                          struct slice first, uint64_t connect_ns, const struct conn_events *ev,
                          void *owner);

/*
 * Goes on with TLS as the server of an open, plain connection: on_open or on_fail follows, the
 * latter at the latest after handshake_ns.  False: no memory, and nothing has changed.
 */
bool conn_begin_tls(struct conn *c, struct tls_server *tls, uint64_t handshake_ns);

/* Whom an open connection speaks for: conn_peer from now on. */
void conn_set_peer(struct conn *c, const struct net_addr *peer);

/* Hands an open connection to another owner (of the same loop). */
void conn_set_owner(struct conn *c, const struct conn_events *ev, void *owner);

/*
 * WEIR_OK: *got > 0 bytes.  WEIR_AGAIN.  WEIR_CLOSED: end of stream (for TLS: close_notify came).
 * WEIR_RESET: broken off (TLS: also an end without close_notify).  WEIR_TLS, WEIR_SYS.
 */
enum weir_status conn_read(struct conn *c, void *to, size_t room, size_t *got) WEIR_MUST_CHECK;

/* As conn_read, of a plain connection, and the bytes stay to be read. */
enum weir_status conn_peek(struct conn *c, void *to, size_t room, size_t *got) WEIR_MUST_CHECK;

/*
 * WEIR_OK: *wrote > 0 of the bytes were taken (maybe not all).  WEIR_AGAIN.  WEIR_RESET, WEIR_TLS.
 * After WEIR_AGAIN the next write has to begin with the same bytes, however many: with TLS they may
 * be encrypted already.  TLS takes one record (16 KiB) a call, of several pieces if need be.
 */
enum weir_status conn_write(struct conn *c, const struct iovec *iov, int n,
                            size_t *wrote) WEIR_MUST_CHECK;

/* All of it, unless the connection takes no more; *bytes is then what is left. */
enum weir_status conn_write_all(struct conn *c, struct slice *bytes) WEIR_MUST_CHECK;
/* From the front of what waits, once; WEIR_AGAIN also when nothing does. */
enum weir_status conn_write_waiting(struct conn *c, struct buf *waiting) WEIR_MUST_CHECK;

/*
 * Back-pressure: while reading is not wanted, on_readable does not come.  Persistent: costs a
 * system call only when it changes.
 */
void conn_want_read(struct conn *c, bool want);
bool conn_wants_read(const struct conn *c);
void conn_want_write(struct conn *c); /* one on_writable, when there is room */

/* TLS: bytes already decrypted and waiting; they bring no new readiness of the socket. */
bool conn_has_pending(const struct conn *c);

/* Sends FIN (TLS: close_notify) after what was written. */
void conn_shutdown(struct conn *c);
/* The next close breaks the connection (RST): the peer cannot take it for an orderly end. */
void conn_break(struct conn *c);
/*
 * An orderly end for the peer (with TLS: close_notify, unless bytes were left unsent), if it was
 * not broken before.  Freed after the callback; sets *c to NULL.  NULL is fine.
 */
void conn_close(struct conn **c);

bool conn_is_tls(const struct conn *c);
const struct net_addr *conn_peer(const struct conn *c);
/* Where the peer reached this side; family AF_UNSPEC if the kernel does not say. */
void conn_local(const struct conn *c, struct net_addr *out);
/* The protocol agreed by ALPN, empty without. */
struct slice conn_alpn(const struct conn *c);
/*
 * Plain TCP: how many of our bytes the peer's kernel has acknowledged since the connection was
 * opened, `first` of conn_connect included; 0 = not known (TLS, unix).
 */
uint64_t conn_acked(const struct conn *c);
/* Bytes the kernel (SIOCOUTQ) or TLS still holds unsent; for drains and memory reports. */
size_t conn_unsent(const struct conn *c);

#endif
