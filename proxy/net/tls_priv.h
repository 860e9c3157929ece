/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_TLS_PRIV_H
#define WEIR_NET_TLS_PRIV_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "conn_priv.h"
#include "weir/base/text.h"
#include "weir/net/tls.h"

/* What servers and clients have in common; the first member of both. */
struct tls_common {
    _Atomic unsigned refs;
    BIO_METHOD *socket; /* how OpenSSL reaches the socket (tls_link.c) */
};

/* The names of the certificates, sorted; wildcards are kept as ".example.com". */
struct tls_name {
    char *text; /* lower case */
    SSL_CTX *ctx;
    unsigned rank; /* of two certificates for one name the first wins */
};
struct tls_names {
    struct tls_name *at;
    size_t n;
};

enum { TICKET_KEYS = 3 };
struct ticket_key {
    unsigned char name[16], secret[32], mac[32];
    uint64_t born_ns; /* 0: unused */
};
struct tls_tickets {
    pthread_mutex_t lock;
    struct ticket_key key[TICKET_KEYS]; /* newest first */
};

struct tls_server {
    struct tls_common common;
    SSL_CTX **ctx; /* one per certificate; [0] begins every handshake */
    size_t n_ctx;
    struct tls_names names;
    unsigned char *alpn; /* as on the wire, in our order */
    unsigned alpn_len;
    unsigned char sid[SSL_MAX_SID_CTX_LENGTH]; /* what its tickets are for */
    struct tls_tickets tickets;
};

struct tls_client {
    struct tls_common common;
    SSL_CTX *ctx;
    char *server_name;
    bool send_name;       /* SNI: not for addresses */
    pthread_mutex_t lock; /* of session */
    SSL_SESSION *session; /* the newest the server gave us */
};

/* tls_link.c: TLS on one connection. */
struct tls_link {
    SSL *ssl;
    struct conn *conn;
    struct tls_server *server; /* one of the two; held */
    struct tls_client *client;
    struct text *why; /* during a handshake step: what the verification found */

    char *out; /* ciphertext the socket had no room for; the next bytes to go */
    size_t out_at, out_len;
    size_t credit; /* bytes of the owner's in there, or sent meanwhile, and not yet told */

    int io_errno;          /* of the last socket call that failed */
    bool ended;            /* the socket's end came */
    bool drained;          /* nothing more to read until the socket is readable again */
    bool fin_due;          /* shut the socket down when `out` is gone */
    enum weir_status dead; /* the link has failed: what every call returns; WEIR_OK: alive */
};

struct tls_link *tls_link_accept(struct tls_server *s, struct conn *c);
struct tls_link *tls_link_connect(struct tls_client *k, struct conn *c);
void tls_link_free(struct tls_link **l);
/* WEIR_OK: done.  WEIR_AGAIN.  Else failed, and why is filled. */
enum weir_status tls_link_handshake(struct tls_link *l, struct text *why) WEIR_MUST_CHECK;
enum weir_status tls_link_read(struct tls_link *l, void *to, size_t room,
                               size_t *got) WEIR_MUST_CHECK;
enum weir_status tls_link_write(struct tls_link *l, const struct iovec *iov, int n,
                                size_t *wrote) WEIR_MUST_CHECK;
/* Sends what is left in `out`: WEIR_OK when nothing is. */
enum weir_status tls_link_flush(struct tls_link *l) WEIR_MUST_CHECK;
void tls_link_shutdown(struct tls_link *l);
void tls_link_notify(struct tls_link *l); /* close_notify, if all was sent; before a close */
bool tls_link_pending(const struct tls_link *l);
BIO_METHOD *tls_socket_method(void);

/* tls_client.c: a copy of the newest session, the caller's; NULL if there is none. */
SSL_SESSION *tls_client_session(struct tls_client *k);

/* tls_common.c */
SSL_CTX *tls_ctx_create(const SSL_METHOD *method);
unsigned char *tls_alpn_wire(const char *const *names, size_t n, unsigned *len);

/* tls_files.c: false with `why` filled on failure. */
bool tls_load_pair(SSL_CTX *ctx, const struct tls_pair *p, struct text *why);
bool tls_load_trust(SSL_CTX *ctx, const char *file_or_folder, struct text *why);

/* tls_names.c */
bool tls_names_add(struct tls_names *names, SSL_CTX *ctx, unsigned rank);
void tls_names_sort(struct tls_names *names);
SSL_CTX *tls_names_find(const struct tls_names *names, const char *wanted);
void tls_names_free(struct tls_names *names);

/* tls_tickets.c */
void tls_tickets_init(struct tls_tickets *t);
/* Before t is in use; `from` may be. */
void tls_tickets_copy(struct tls_tickets *t, struct tls_tickets *from);
void tls_tickets_fini(struct tls_tickets *t);
int tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int encrypt);

/* tls_explain.c */
/* The newest entry of OpenSSL's error queue in plain words, for a handshake. */
void tls_explain_error(struct text *why);
/* Verification callback: writes what is wrong with the peer's certificate. */
int tls_explain_verify(int ok, X509_STORE_CTX *store);
void tls_write_date(struct text *t, const ASN1_TIME *when);

static inline struct tls_link *tls_link_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

#endif
