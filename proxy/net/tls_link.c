/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on one connection: OpenSSL between the owner's bytes and the socket.  When to try again is
 * conn.c's and conn_io.c's; contexts are tls_server.c's and tls_client.c's.
 *
 * OpenSSL reaches the socket through a BIO of ours that never makes it wait for room: ciphertext
 * the socket does not take is kept in `out`.  So there are no retries in OpenSSL's sense ("again,
 * with exactly the same bytes"), a read never waits for a write, and the rules are few:
 *
 *  - while `out` holds something, nothing more is encrypted;
 *  - bytes of the owner's that are in `out` are not taken yet (WEIR_AGAIN), for a close would lose
 *    them; they are told as taken (`credit`) by the first write after `out` has gone;
 *  - the error queue of OpenSSL is empty between calls; who finds errors in it empties it.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls_priv.h"
#include "weir/base/assert.h"

enum {
    RECORD_MAX = 16384,
    /* A handshake's flight fits; a peer that has us answer and does not read is cut off. */
    OUT_MAX = 256 * 1024,
};

/* The BIO */

static ssize_t send_now(struct tls_link *l, const char *bytes, size_t n)
{
    ssize_t done;

    do {
        done = send(l->conn->fd, bytes, n, MSG_NOSIGNAL);
    } while (done == -1 && errno == EINTR);
    if (done == -1 && conn_is_later(errno))
        return 0;
    if (done == -1)
        l->io_errno = errno;
    return done;
}

static bool keep(struct tls_link *l, const char *bytes, size_t n)
{
    bool fits = l->out_len + n <= OUT_MAX;
    char *all = fits ? malloc(l->out_len + n) : NULL;

    if (all == NULL) {
        l->io_errno = fits ? ENOMEM : ENOBUFS;
        return false;
    }
    if (l->out_len > 0)
        memcpy(all, l->out + l->out_at, l->out_len);
    memcpy(all + l->out_len, bytes, n);
    free(l->out);
    l->out = all;
    l->out_at = 0;
    l->out_len += n;
    return true;
}

static int socket_write(BIO *b, const char *bytes, int n)
{
    struct tls_link *l = BIO_get_data(b);
    ssize_t done = l->out_len > 0 ? 0 : send_now(l, bytes, (size_t)n);

    BIO_clear_retry_flags(b);
    if (done == -1)
        return -1;
    if (done < n && !keep(l, bytes + done, (size_t)(n - done)))
        return -1;
    return n;
}

static int socket_read(BIO *b, char *to, int room)
{
    struct tls_link *l = BIO_get_data(b);
    ssize_t n;

    BIO_clear_retry_flags(b);
    do {
        n = recv(l->conn->fd, to, (size_t)room, 0);
    } while (n == -1 && errno == EINTR);
    if (n > 0)
        return (int)n;
    if (n == 0)
        l->ended = true;
    else if (conn_is_later(errno))
        BIO_set_retry_read(b);
    else
        l->io_errno = errno;
    return n == 0 ? 0 : -1;
}

static long socket_ctrl(BIO *b, int what, long num, void *ptr)
{
    (void)b, (void)num, (void)ptr;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *tls_socket_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir socket");

    if (m != NULL && BIO_meth_set_write(m, socket_write) == 1 &&
        BIO_meth_set_read(m, socket_read) == 1 && BIO_meth_set_ctrl(m, socket_ctrl) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* Making and freeing */

static struct tls_link *create(SSL_CTX *ctx, struct tls_common *common, struct conn *c)
{
    struct tls_link *l = calloc(1, sizeof *l);
    BIO *socket;

    if (l == NULL)
        return NULL;
    l->conn = c;
    l->ssl = SSL_new(ctx);
    socket = BIO_new(common->socket);
    if (l->ssl == NULL || socket == NULL || SSL_set_app_data(l->ssl, l) != 1) {
        (void)BIO_free(socket);
        SSL_free(l->ssl);
        free(l);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(socket, l);
    BIO_set_init(socket, 1);
    SSL_set_bio(l->ssl, socket, socket);
    atomic_fetch_add_explicit(&common->refs, 1, memory_order_relaxed);
    return l;
}

struct tls_link *tls_link_accept(struct tls_server *s, struct conn *c)
{
    struct tls_link *l = create(s->ctx[0], &s->common, c);

    if (l == NULL)
        return NULL;
    l->server = s;
    SSL_set_accept_state(l->ssl);
    return l;
}

static void offer_session(struct tls_link *l)
{
    SSL_SESSION *session = tls_client_session(l->client);

    if (session != NULL)
        (void)SSL_set_session(l->ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error(); /* a full handshake, then */
}

struct tls_link *tls_link_connect(struct tls_client *k, struct conn *c)
{
    struct tls_link *l = create(k->ctx, &k->common, c);

    if (l == NULL)
        return NULL;
    l->client = k;
    SSL_set_connect_state(l->ssl);
    if (k->send_name && SSL_set_tlsext_host_name(l->ssl, k->server_name) != 1) {
        ERR_clear_error();
        tls_link_free(&l);
        return NULL;
    }
    offer_session(l);
    return l;
}

/*
 * The session outlives a connection that was merely closed: OpenSSL would call it unfit for
 * resumption unless told that the ends were orderly.  Whether they were is the owner's to judge.
 */
void tls_link_free(struct tls_link **lp)
{
    struct tls_link *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    if (l->dead != WEIR_TLS)
        SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(l->ssl);
    tls_server_release(&l->server);
    tls_client_release(&l->client);
    free(l->out);
    free(l);
}

/* Moving bytes */

static enum weir_status die(struct tls_link *l, enum weir_status s)
{
    l->dead = s;
    l->drained = true;
    ERR_clear_error();
    return s;
}

static enum weir_status socket_status(const struct tls_link *l)
{
    return l->io_errno == ENOMEM ? WEIR_NO_MEMORY : WEIR_RESET;
}

/*
 * OpenSSL tells the cause first and what came of it behind.  An internal error is its own as well:
 * not every lack of memory is told by its name, and a peer's alert of that kind has another reason.
 */
static bool lacked_memory(void)
{
    int first = ERR_GET_REASON(ERR_peek_error()), last = ERR_GET_REASON(ERR_peek_last_error());

    return first == ERR_R_MALLOC_FAILURE || last == ERR_R_MALLOC_FAILURE ||
           first == ERR_R_INTERNAL_ERROR || last == ERR_R_INTERNAL_ERROR;
}

/* What a call of OpenSSL's that did not succeed means. */
static enum weir_status judge(struct tls_link *l, int rc)
{
    int error = SSL_get_error(l->ssl, rc);

    switch (error) {
    case SSL_ERROR_WANT_READ:
        return WEIR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return WEIR_CLOSED;
    case SSL_ERROR_SYSCALL:
        return socket_status(l);
    }
    if (l->ended && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return WEIR_RESET;
    return lacked_memory() ? WEIR_NO_MEMORY : WEIR_TLS;
}

static void explain_broken(const struct tls_link *l, enum weir_status s, struct text *why)
{
    if (s == WEIR_NO_MEMORY)
        text_str(why, "out of memory during the TLS handshake");
    else if (l->ended)
        text_str(why, "the peer closed the connection during the TLS handshake");
    else
        text_printf(why, "the connection broke during the TLS handshake: %s",
                    strerror(l->io_errno));
}

enum weir_status tls_link_handshake(struct tls_link *l, struct text *why)
{
    enum weir_status s;
    int rc;

    l->why = why;
    rc = SSL_do_handshake(l->ssl);
    l->why = NULL;
    if (rc == 1)
        return WEIR_OK;
    s = judge(l, rc);
    if (s == WEIR_AGAIN)
        return s;
    if (s != WEIR_TLS)
        explain_broken(l, s, why);
    else if (why->len == 0)
        tls_explain_error(why);
    return die(l, s);
}

enum weir_status tls_link_read(struct tls_link *l, void *to, size_t room, size_t *got)
{
    enum weir_status s;
    size_t n;
    int rc;

    if (l->dead != WEIR_OK)
        return l->dead;
    rc = SSL_read_ex(l->ssl, to, room, &n);
    if (rc == 1) {
        *got = n;
        return WEIR_OK;
    }
    s = judge(l, 0);
    l->drained = true;
    return s == WEIR_AGAIN || s == WEIR_CLOSED ? s : die(l, s);
}

enum weir_status tls_link_flush(struct tls_link *l)
{
    ssize_t done;

    if (l->out_len == 0)
        return WEIR_OK;
    done = send_now(l, l->out + l->out_at, l->out_len);
    if (done == -1)
        return die(l, socket_status(l));
    l->out_at += (size_t)done;
    l->out_len -= (size_t)done;
    if (l->out_len > 0)
        return WEIR_AGAIN;
    free(l->out);
    l->out = NULL;
    if (l->fin_due)
        (void)shutdown(l->conn->fd, SHUT_WR);
    return WEIR_OK;
}

static size_t total_of(const struct iovec *iov, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += iov[i].iov_len;
    return sum;
}

/* A head and the beginning of its body, copied together, make one record instead of two. */
static size_t gather(char *to, const struct iovec *iov, int n)
{
    size_t len = 0;

    for (int i = 0; i < n && len < RECORD_MAX; i++) {
        size_t part = iov[i].iov_len;

        if (part > RECORD_MAX - len)
            part = RECORD_MAX - len;
        if (part > 0)
            memcpy(to + len, iov[i].iov_base, part);
        len += part;
    }
    return len;
}

static enum weir_status encrypt(struct tls_link *l, const struct iovec *iov, int n, size_t *done)
{
    char record[RECORD_MAX];
    const char *from = iov->iov_base;
    size_t len = iov->iov_len;
    enum weir_status s;

    if (n > 1 && len < RECORD_MAX) {
        len = gather(record, iov, n);
        from = record;
    }
    if (len > RECORD_MAX)
        len = RECORD_MAX;
    if (SSL_write_ex(l->ssl, from, len, done) == 1)
        return WEIR_OK;
    s = judge(l, 0);
    return s == WEIR_AGAIN ? s : die(l, s == WEIR_CLOSED ? WEIR_RESET : s);
}

static enum weir_status tell_credit(struct tls_link *l, size_t offered, size_t *wrote)
{
    size_t told = l->credit < offered ? l->credit : offered;

    l->credit -= told;
    *wrote = told;
    return WEIR_OK;
}

enum weir_status tls_link_write(struct tls_link *l, const struct iovec *iov, int n, size_t *wrote)
{
    size_t offered = total_of(iov, n), done;
    enum weir_status s;

    if (l->dead != WEIR_OK)
        return l->dead;
    if (offered == 0) {
        *wrote = 0;
        return WEIR_OK;
    }
    s = tls_link_flush(l);
    if (s != WEIR_OK)
        return s;
    if (l->credit > 0)
        return tell_credit(l, offered, wrote);
    s = encrypt(l, iov, n, &done);
    if (s != WEIR_OK)
        return s;
    if (l->out_len > 0) {
        l->credit = done;
        return WEIR_AGAIN;
    }
    *wrote = done;
    return WEIR_OK;
}

/* With bytes of the owner's still on the way the end would be a lie. */
void tls_link_notify(struct tls_link *l)
{
    bool sent = (SSL_get_shutdown(l->ssl) & SSL_SENT_SHUTDOWN) != 0;

    if (l->dead != WEIR_OK || l->out_len > 0 || l->credit > 0 || sent)
        return;
    if (SSL_shutdown(l->ssl) < 0)
        ERR_clear_error();
}

void tls_link_shutdown(struct tls_link *l)
{
    if (l->dead == WEIR_OK && SSL_shutdown(l->ssl) < 0)
        ERR_clear_error();
    if (l->out_len > 0)
        l->fin_due = true;
    else
        (void)shutdown(l->conn->fd, SHUT_WR);
}

bool tls_link_pending(const struct tls_link *l)
{
    return !l->drained && SSL_has_pending(l->ssl) == 1;
}
