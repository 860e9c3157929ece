/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS towards upstreams: what to trust, which name to expect, and the newest session for
 * resumption. Made on the main thread, used by all; only the session changes, under its lock, once
 * a handshake.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "tls_priv.h"
#include "weir/base/assert.h"

/*
 * Keeps a copy, for the session itself goes on changing with its connection, on that thread.  The
 * copy kept before it goes.
 */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *k = tls_link_of(ssl)->client;
    SSL_SESSION *copy = SSL_SESSION_dup(session), *old;

    if (copy == NULL)
        return 0;
    WEIR_ASSERT(pthread_mutex_lock(&k->lock) == 0);
    old = k->session;
    k->session = copy;
    WEIR_ASSERT(pthread_mutex_unlock(&k->lock) == 0);
    SSL_SESSION_free(old);
    return 0; /* no reference taken */
}

SSL_SESSION *tls_client_session(struct tls_client *k)
{
    SSL_SESSION *copy = NULL;

    WEIR_ASSERT(pthread_mutex_lock(&k->lock) == 0);
    if (k->session != NULL)
        copy = SSL_SESSION_dup(k->session);
    WEIR_ASSERT(pthread_mutex_unlock(&k->lock) == 0);
    return copy;
}

static bool expect_name(struct tls_client *k, bool numeric, struct text *why)
{
    X509_VERIFY_PARAM *p = SSL_CTX_get0_param(k->ctx);
    bool ok;

    if (k->server_name == NULL) {
        text_str(why, "there is no name to verify the server's certificate against");
        return false;
    }
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = numeric ? X509_VERIFY_PARAM_set1_ip_asc(p, k->server_name) == 1
                 : X509_VERIFY_PARAM_set1_host(p, k->server_name, 0) == 1;
    if (!ok)
        text_printf(why, "%s cannot be verified as a server's name", k->server_name);
    return ok;
}

static bool set_up_trust(struct tls_client *k, const struct tls_client_conf *c, bool numeric,
                         struct text *why)
{
    if (!c->verify) {
        SSL_CTX_set_verify(k->ctx, SSL_VERIFY_NONE, NULL);
        return true;
    }
    SSL_CTX_set_verify(k->ctx, SSL_VERIFY_PEER, tls_explain_verify);
    if (c->ca != NULL && !tls_load_trust(k->ctx, c->ca, why))
        return false;
    if (c->ca == NULL && SSL_CTX_set_default_verify_paths(k->ctx) != 1) {
        ERR_clear_error();
        text_str(why, "the system's trusted certificates cannot be loaded");
        return false;
    }
    return expect_name(k, numeric, why);
}

static bool set_up_alpn(struct tls_client *k, const struct tls_client_conf *c)
{
    unsigned len;
    unsigned char *wire = tls_alpn_wire(c->alpn, c->n_alpn, &len);
    /* This one function of OpenSSL's returns 0 for success. */
    bool ok = wire != NULL && (len == 0 || SSL_CTX_set_alpn_protos(k->ctx, wire, len) == 0);

    free(wire);
    return ok;
}

static bool fill(struct tls_client *k, const struct tls_client_conf *c, struct text *why)
{
    struct tls_pair own = {.certificate = c->certificate, .key = c->key};
    bool numeric = false;
    struct net_addr a;

    k->common.socket = tls_socket_method();
    k->ctx = tls_ctx_create(TLS_client_method());
    if (c->server_name != NULL) {
        k->server_name = strdup(c->server_name);
        numeric = net_addr_make(slice_str(c->server_name), 0, &a) == WEIR_OK;
        k->send_name = k->server_name != NULL && !numeric;
    }
    if (k->common.socket == NULL || k->ctx == NULL || !set_up_alpn(k, c) ||
        (c->server_name != NULL && k->server_name == NULL)) {
        text_str(why, "out of memory for a TLS context");
        return false;
    }
    (void)SSL_CTX_set_session_cache_mode(
        k->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(k->ctx, on_new_session);
    if (!set_up_trust(k, c, numeric, why))
        return false;
    return c->certificate == NULL || tls_load_pair(k->ctx, &own, why);
}

struct tls_client *tls_client_create(const struct tls_client_conf *c, char *why, size_t why_room)
{
    struct tls_client *k = calloc(1, sizeof *k);
    struct text words;

    text_init(&words, why, why_room);
    if (k == NULL) {
        text_str(&words, "out of memory");
        return NULL;
    }
    atomic_init(&k->common.refs, 1);
    WEIR_ASSERT(pthread_mutex_init(&k->lock, NULL) == 0);
    if (!fill(k, c, &words))
        tls_client_release(&k);
    return k;
}

void tls_client_release(struct tls_client **kp)
{
    struct tls_client *k = *kp;

    *kp = NULL;
    if (k == NULL || atomic_fetch_sub_explicit(&k->common.refs, 1, memory_order_acq_rel) > 1)
        return;
    SSL_SESSION_free(k->session);
    SSL_CTX_free(k->ctx);
    free(k->server_name);
    BIO_meth_free(k->common.socket);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}
