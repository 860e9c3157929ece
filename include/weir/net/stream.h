/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_STREAM_H
#define WEIR_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/net/conn.h"

/*
 * A connection with what came and what is to leave: for peers that ask a little and are answered,
 * not for the data path.  Bounded in bytes and in time.  Owner and thread: whoever opened it, on
 * that loop's thread.
 *
 * A deadline counts from the last movement: a byte that the peer took, the first byte of what is in
 * `in`, a call of stream_moved.
 */
struct stream;

struct stream_events {
    /* A connect came through.  NULL: nothing is to be done then. */
    void (*on_open)(void *owner);
    /* Bytes were added to `in`, or output that had waited is sent. */
    void (*on_step)(void *owner);
    /* The peer says no more, but may still read.  NULL: that is the end, WEIR_CLOSED. */
    void (*on_input_end)(void *owner);
    /* The same, seen while nothing was read; there may be bytes before it.  NULL: not asked for. */
    void (*on_hangup)(void *owner);
    /*
     * The end, once; the owner calls stream_close, now or later, and may look at `in` and `out`
     * before that.  WEIR_OK: all was sent after stream_finish.  WEIR_LIMIT: `in` is full.
     * WEIR_TIMEOUT, WEIR_NO_MEMORY, and what conn_read, conn_write and on_fail say; `why` is a
     * sentence part, alive during the call.  May come from inside stream_flush.
     */
    void (*on_end)(void *owner, enum weir_status s, const char *why);
};

/* How long it may take; 0: for ever.  The first that applies counts. */
struct stream_patience {
    uint64_t out_ns;  /* while output waits for the peer to read */
    uint64_t in_ns;   /* while something is in `in` */
    uint64_t idle_ns; /* otherwise */
};

/* Takes over fd, a plain socket.  in_max: most bytes of `in`.  NULL when out of memory: closed. */
struct stream *stream_accept(struct loop *l, int fd, size_t in_max, const struct stream_events *ev,
                             void *owner);
/* As conn_connect.  What is put before it is open is sent then.  NULL: no descriptor or memory. */
struct stream *stream_connect(struct loop *l, const struct net_addr *to, struct tls_client *tls,
                              struct slice first, uint64_t connect_ns, size_t in_max,
                              const struct stream_events *ev, void *owner);
/* Ends it without a word to the owner.  Freed after the callback; sets *s to NULL.  NULL is fine.
 */
void stream_close(struct stream **s);

/* What came and is not consumed; what is to be sent.  The owner consumes one and fills the other.
 */
struct buf *stream_in(struct stream *s);
struct buf *stream_out(struct stream *s);

/* Sends what is in `out`, as far as the peer takes it.  False: on_end was called. */
bool stream_flush(struct stream *s);
/* Nothing more is read; the end comes when `out` is sent. */
void stream_finish(struct stream *s);

/* While reading is not wanted, nothing is added to `in`. */
void stream_want_read(struct stream *s, bool want);

void stream_set_patience(struct stream *s, const struct stream_patience *p);
/* Beside the patience: an absolute time, 0 = none. */
void stream_set_limit(struct stream *s, uint64_t at_ns);
void stream_moved(struct stream *s);
uint64_t stream_moved_ns(const struct stream *s);

#endif
