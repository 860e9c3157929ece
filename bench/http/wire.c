/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the load generator, plain and TLS.  One owner, one thread. */
#include "bench/http/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

SSL_CTX *wire_tls_context(const char *ca, bool insecure)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool good = ctx != NULL;

    if (good && insecure)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    else if (good)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (good && !insecure)
        good = ca == NULL ? SSL_CTX_set_default_verify_paths(ctx) == 1
                          : SSL_CTX_load_verify_locations(ctx, ca, NULL) == 1;
    if (!good) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

static enum weir_status from_errno(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: /* a unix socket that is not there */
        return WEIR_REFUSED;
    case ETIMEDOUT:
        return WEIR_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return WEIR_RESET;
    default:
        return WEIR_SYS;
    }
}

static bool begin_tls(struct wire *w, SSL_CTX *tls, const char *name)
{
    w->ssl = SSL_new(tls);
    if (w->ssl == NULL || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_set1_host(w->ssl, name) != 1)
        return false;
    (void)SSL_set_tlsext_host_name(w->ssl, name);
    SSL_set_connect_state(w->ssl);
    return true;
}

enum weir_status wire_connect(struct wire *w, const struct address *a, SSL_CTX *tls,
                              const char *name)
{
    int on = 1;

    *w =
        (struct wire){.fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (w->fd < 0)
        return WEIR_SYS;
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(w->fd, (const struct sockaddr *)&a->sa, a->len) != 0 && errno != EINPROGRESS) {
        enum weir_status rc = from_errno(errno);
        wire_close(w);
        return rc;
    }
    if (tls != NULL && !begin_tls(w, tls, name)) {
        wire_close(w);
        return WEIR_TLS;
    }
    return WEIR_OK;
}

static enum weir_status tls_result(struct wire *w, int rc, bool *want_write)
{
    switch (SSL_get_error(w->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        *want_write = false;
        return WEIR_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *want_write = true;
        return WEIR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return WEIR_CLOSED;
    case SSL_ERROR_SYSCALL:
        return errno == 0 ? WEIR_CLOSED : from_errno(errno);
    default:
        ERR_clear_error();
        return WEIR_TLS;
    }
}

enum weir_status wire_go_on(struct wire *w, bool *want_write)
{
    int error = 0, rc;
    socklen_t len = sizeof error;

    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return WEIR_SYS;
    if (error != 0)
        return from_errno(error);
    if (w->ssl != NULL) {
        ERR_clear_error();
        rc = SSL_do_handshake(w->ssl);
        if (rc != 1)
            return tls_result(w, rc, want_write);
    }
    w->ready = true;
    return WEIR_OK;
}

enum weir_status wire_read(struct wire *w, void *at, size_t room, size_t *n)
{
    bool want_write;
    ssize_t got;

    if (w->ssl != NULL) {
        ERR_clear_error();
        errno = 0;
        int rc = SSL_read_ex(w->ssl, at, room, n);
        return rc == 1 ? WEIR_OK : tls_result(w, rc, &want_write);
    }
    got = recv(w->fd, at, room, 0);
    if (got == 0)
        return WEIR_CLOSED;
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? WEIR_AGAIN : from_errno(errno);
    *n = (size_t)got;
    return WEIR_OK;
}

enum weir_status wire_write(struct wire *w, const void *at, size_t len, size_t *n)
{
    bool want_write;
    ssize_t put;

    if (w->ssl != NULL) {
        ERR_clear_error();
        errno = 0;
        int rc = SSL_write_ex(w->ssl, at, len, n);
        return rc == 1 ? WEIR_OK : tls_result(w, rc, &want_write);
    }
    put = send(w->fd, at, len, MSG_NOSIGNAL);
    if (put < 0)
        return errno == EAGAIN || errno == EINTR ? WEIR_AGAIN : from_errno(errno);
    *n = (size_t)put;
    return WEIR_OK;
}

bool wire_has_more(const struct wire *w)
{
    return w->ssl != NULL && SSL_pending(w->ssl) > 0;
}

void wire_close(struct wire *w)
{
    SSL_free(w->ssl);
    if (w->fd >= 0)
        (void)close(w->fd);
    *w = (struct wire){.fd = -1};
}
