/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving bytes over an open connection, and telling its owner when there is something to move.
 * The data path: one recv or one send per call, no allocation, no registration changed unless what
 * is wanted has changed.  On the loop's thread only.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "conn_priv.h"
#include "weir/base/assert.h"

static enum weir_status io_status(int err)
{
    switch (err) {
    case EAGAIN:
        return WEIR_AGAIN;
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT: /* the peer's machine has gone quiet */
    case EHOSTUNREACH:
    case ENETUNREACH:
        return WEIR_RESET;
    }
    return WEIR_SYS;
}

enum weir_status conn_read(struct conn *c, void *to, size_t room, size_t *got)
{
    ssize_t n;

    if (c->broken)
        return WEIR_SYS;
    do {
        n = recv(c->fd, to, room, 0);
    } while (n == -1 && errno == EINTR);
    if (n == -1)
        return io_status(errno);
    if (n == 0)
        return WEIR_CLOSED;
    *got = (size_t)n;
    return WEIR_OK;
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
    do {
        done = send_some(c, iov, n);
    } while (done == -1 && errno == EINTR);
    if (done == -1)
        return errno == EAGAIN ? WEIR_AGAIN : WEIR_RESET;
    *wrote = (size_t)done;
    return WEIR_OK;
}

/* Something arrived that nobody wants: from here on only the peer's going is of interest. */
static void conn_park(struct conn *c)
{
    (void)event_del(&c->read_ev);
    c->read_armed = false;
    if (c->gone_told || c->ev->on_hangup == NULL)
        return;
    if (hangup_watch(c->loop, c->fd, c) == WEIR_OK)
        c->watched = true;
}

void conn_hung_up(struct conn *c, bool reset)
{
    WEIR_CHECK(c, CONN_MAGIC);
    if (!c->watched)
        return;
    hangup_unwatch(c->loop, c->fd);
    c->watched = false;
    c->gone_told = true;
    c->ev->on_hangup(c, c->owner, reset);
}

void conn_on_read(struct conn *c)
{
    if (!c->want_read)
        conn_park(c);
    else
        c->ev->on_readable(c, c->owner);
}

void conn_on_write(struct conn *c)
{
    bool told = c->want_write;

    c->want_write = false;
    if (told)
        c->ev->on_writable(c, c->owner);
    if (c->state == CONN_OPEN && !c->want_write)
        conn_disarm_write(c);
}

void conn_on_ready(struct conn *c)
{
    if (c->want_read)
        c->ev->on_readable(c, c->owner);
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
    if (want && c->state == CONN_OPEN)
        conn_arm_read(c);
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
    (void)c;
    return false;
}

bool conn_is_quiet(const struct conn *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK) == -1 && errno == EAGAIN;
}

void conn_shutdown(struct conn *c)
{
    (void)shutdown(c->fd, SHUT_WR);
}

struct slice conn_alpn(const struct conn *c)
{
    (void)c;
    return SLICE_NONE;
}
