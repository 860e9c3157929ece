/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving bytes over an open connection, and telling its owner when there is something to move.
 * The data path: one recv or one send per call, no allocation, no registration changed unless what
 * is wanted has changed.  On the loop's thread only.
 */
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conn_priv.h"
#include "tls_priv.h"
#include "weir/base/assert.h"

static enum weir_status io_status(int err)
{
    if (conn_is_later(err))
        return WEIR_AGAIN;
    switch (err) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT: /* the peer's machine has gone quiet */
    case EHOSTUNREACH:
    case ENETUNREACH:
        return WEIR_RESET;
    }
    return WEIR_SYS;
}

static enum weir_status read_tls(struct conn *c, void *to, size_t room, size_t *got)
{
    enum weir_status s = tls_link_read(c->tls, to, room, got);

    if (c->tls->out_len > 0) /* an answer of the protocol's own */
        conn_arm_write(c);
    return s;
}

static enum weir_status read_plain(struct conn *c, void *to, size_t room, size_t *got, int flags)
{
    ssize_t n;

    do {
        n = recv(c->fd, to, room, flags);
    } while (n == -1 && errno == EINTR);
    if (n == -1)
        return io_status(errno);
    if (n == 0)
        return WEIR_CLOSED;
    *got = (size_t)n;
    return WEIR_OK;
}

enum weir_status conn_read(struct conn *c, void *to, size_t room, size_t *got)
{
    if (c->broken)
        return WEIR_NO_MEMORY; /* the kernel's */
    if (c->tls != NULL)
        return read_tls(c, to, room, got);
    return read_plain(c, to, room, got, 0);
}

enum weir_status conn_peek(struct conn *c, void *to, size_t room, size_t *got)
{
    WEIR_ASSERT(c->tls == NULL);
    return c->broken ? WEIR_NO_MEMORY : read_plain(c, to, room, got, MSG_PEEK);
}

static ssize_t send_some(struct conn *c, const struct iovec *iov, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

    if (n == 1)
        return send(c->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

enum weir_status conn_write(struct conn *c, const struct iovec *iov, int n, size_t *wrote)
{
    ssize_t done;

    WEIR_ASSERT(n > 0 && n <= IOV_MAX);
    if (c->broken)
        return WEIR_RESET;
    if (c->tls != NULL)
        return tls_link_write(c->tls, iov, n, wrote);
    do {
        done = send_some(c, iov, n);
    } while (done == -1 && errno == EINTR);
    if (done == -1)
        return conn_is_later(errno) ? WEIR_AGAIN : WEIR_RESET;
    *wrote = (size_t)done;
    return WEIR_OK;
}

static enum weir_status write_slice(struct conn *c, struct slice bytes, size_t *wrote)
{
    struct iovec iov = {(void *)(uintptr_t)bytes.p, bytes.len};

    return conn_write(c, &iov, 1, wrote);
}

enum weir_status conn_write_all(struct conn *c, struct slice *bytes)
{
    while (bytes->len > 0) {
        size_t wrote = 0;
        enum weir_status rc = write_slice(c, *bytes, &wrote);

        if (rc != WEIR_OK)
            return rc;
        *bytes = slice_from(*bytes, wrote);
    }
    return WEIR_OK;
}

enum weir_status conn_write_waiting(struct conn *c, struct buf *waiting)
{
    size_t wrote = 0;
    enum weir_status rc =
        buf_empty(waiting) ? WEIR_AGAIN : write_slice(c, buf_slice(waiting), &wrote);

    if (rc == WEIR_OK)
        buf_consume(waiting, wrote);
    return rc;
}

/* Without memory for it the going stays unseen; timeouts remain. */
static void watch_for_hangup(struct conn *c)
{
    if (c->watched || c->gone_told || c->ev->on_hangup == NULL)
        return;
    c->watched = hangup_watch(c->loop, c->fd, c) == WEIR_OK;
}

/* Something arrived that nobody wants: from here on only the peer's going is of interest. */
static void park(struct conn *c)
{
    (void)event_del(&c->read_ev);
    c->read_armed = false;
    watch_for_hangup(c);
}

void conn_hung_up(struct conn *c, bool reset)
{
    WEIR_CHECK(c, CONN_MAGIC);
    if (!c->watched)
        return;
    hangup_unwatch(c->loop, c->fd);
    c->watched = false;
    if (c->ev->on_hangup == NULL) /* the owner of then asked for it, the present one does not */
        return;
    c->gone_told = true;
    c->ev->on_hangup(c, c->owner, reset);
}

void conn_set_owner(struct conn *c, const struct conn_events *ev, void *owner)
{
    WEIR_ASSERT(c->state == CONN_OPEN);
    c->ev = ev;
    c->owner = owner;
    if (!c->read_armed)
        watch_for_hangup(c);
}

void conn_after(struct conn *c)
{
    if (c->tls == NULL || (c->state != CONN_OPEN && c->state != CONN_HANDSHAKE))
        return;
    if (c->tls->out_len > 0)
        conn_arm_write(c);
    if (c->state == CONN_OPEN && c->want_read && tls_link_pending(c->tls))
        loop_make_ready(c->loop, &c->u.ready);
}

void conn_on_read(struct conn *c)
{
    if (c->tls != NULL)
        c->tls->drained = false;
    if (c->state == CONN_HANDSHAKE) {
        conn_handshake(c);
    } else if (!c->want_read) {
        park(c);
    } else {
        c->ev->on_readable(c, c->owner);
        conn_after(c);
    }
}

void conn_on_write(struct conn *c)
{
    bool told = c->want_write;

    if (c->tls != NULL && tls_link_flush(c->tls) == WEIR_AGAIN)
        return;
    c->want_write = false;
    if (told)
        c->ev->on_writable(c, c->owner);
    if (!c->want_write && (c->state == CONN_OPEN || c->state == CONN_HANDSHAKE))
        conn_disarm_write(c);
    conn_after(c);
}

void conn_on_ready(struct conn *c)
{
    if (c->broken && c->want_write) {
        c->want_write = false;
        c->ev->on_writable(c, c->owner);
    }
    if (c->state != CONN_OPEN || !c->want_read)
        return;
    c->ev->on_readable(c, c->owner);
    conn_after(c);
}

/*
 * Turning it off only takes a note.  If nothing arrives before it is turned on again, as in most
 * requests, the kernel never hears of it.
 */
void conn_want_read(struct conn *c, bool want)
{
    if (c->want_read == want)
        return;
    c->want_read = want;
    if (!want || c->state != CONN_OPEN)
        return;
    conn_arm_read(c);
    if (c->broken)
        loop_make_ready(c->loop, &c->u.ready);
    conn_after(c);
}

bool conn_wants_read(const struct conn *c)
{
    return c->want_read;
}

void conn_want_write(struct conn *c)
{
    WEIR_ASSERT(c->state == CONN_OPEN);
    c->want_write = true;
    conn_arm_write(c);
}

bool conn_has_pending(const struct conn *c)
{
    return c->tls != NULL && tls_link_pending(c->tls);
}

void conn_shutdown(struct conn *c)
{
    if (c->tls == NULL) {
        (void)shutdown(c->fd, SHUT_WR);
        return;
    }
    tls_link_shutdown(c->tls);
    if (c->tls->out_len > 0)
        conn_arm_write(c);
}

struct slice conn_alpn(const struct conn *c)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    if (c->tls != NULL)
        SSL_get0_alpn_selected(c->tls->ssl, &name, &len);
    return slice_of(name, len);
}

/* --- what the kernel says of it */

void conn_local(const struct conn *c, struct net_addr *out)
{
    socklen_t len = sizeof out->u;

    *out = (struct net_addr){0};
    if (getsockname(c->fd, &out->u.sa, &len) == 0)
        out->len = len;
}

uint64_t conn_acked(const struct conn *c)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    memset(&info, 0, sizeof info);
    if (c->tls != NULL || c->peer.u.sa.sa_family == AF_UNIX ||
        getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || info.tcpi_bytes_acked == 0)
        return 0;
    return info.tcpi_bytes_acked - 1; /* the first one is the SYN's */
}

size_t conn_unsent(const struct conn *c)
{
    size_t held = c->tls == NULL ? 0 : c->tls->out_len;
    int n = 0;

    return ioctl(c->fd, SIOCOUTQ, &n) == 0 && n > 0 ? held + (size_t)n : held;
}
