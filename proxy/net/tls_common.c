/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every TLS context of ours has: versions, suites, modes.  The rules of docs/tls.md are the
 * few lines of tls_ctx_create.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "tls_priv.h"
#include "weir/base/assert.h"

/* AEAD with ephemeral elliptic-curve keys only; all suites of TLS 1.3 are of that kind. */
static const char suites_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256:P-384";

static bool set_up(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Buffers only while there is something in them: an idle connection has none. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /*
     * Head and body of a record in one recv.  With it SSL_MODE_AUTO_RETRY has to stay on, as it is
     * by default: a read that stopped after a ticket would leave bytes behind it unseen.
     */
    SSL_CTX_set_read_ahead(ctx, 1);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, suites_1_2) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

SSL_CTX *tls_ctx_create(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx != NULL && set_up(ctx))
        return ctx;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return NULL;
}

/* A length byte before each name (RFC 7301).  NULL when memory is short. */
unsigned char *tls_alpn_wire(const char *const *names, size_t n, unsigned *len)
{
    unsigned char *wire;
    size_t total = 0;

    for (size_t i = 0; i < n; i++) {
        WEIR_ASSERT(strlen(names[i]) > 0 && strlen(names[i]) < 256);
        total += 1 + strlen(names[i]);
    }
    wire = malloc(total + 1);
    if (wire == NULL)
        return NULL;
    *len = (unsigned)total;
    total = 0;
    for (size_t i = 0; i < n; i++) {
        size_t one = strlen(names[i]);

        wire[total] = (unsigned char)one;
        memcpy(wire + total + 1, names[i], one);
        total += 1 + one;
    }
    return wire;
}
