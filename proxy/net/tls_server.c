/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS towards clients: one OpenSSL context per certificate, chosen by the name the client asks for.
 * Made on the main thread, read by all; the tickets' keys are the one part that changes.
 */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

#include "tls_priv.h"
#include "weir/base/assert.h"

enum { TICKET_LIFE_S = 2 * 3600 };

/* No client needs a name known to us: an unknown one gets the first certificate. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_server *s = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx = name == NULL ? NULL : tls_names_find(&s->names, name);

    (void)alert;
    if (ctx != NULL && ctx != SSL_get_SSL_CTX(ssl) && SSL_set_SSL_CTX(ssl, ctx) == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* Only asked when the client offers protocols; then one of them has to be ours. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    const struct tls_server *s = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, s->alpn, s->alpn_len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool ask_clients(SSL_CTX *ctx, const char *client_ca, struct text *why)
{
    STACK_OF(X509_NAME) * names;

    if (!tls_load_trust(ctx, client_ca, why))
        return false;
    names = SSL_load_client_CA_file(client_ca);
    if (names == NULL)
        ERR_clear_error(); /* a folder: clients choose without the hint */
    else
        SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_explain_verify);
    return true;
}

/* All contexts are alike but for the certificate: OpenSSL mixes them when it changes over. */
static bool set_up(struct tls_server *s, SSL_CTX *ctx)
{
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets instead */
    (void)SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
    if (SSL_CTX_set_session_id_context(ctx, s->sid, sizeof s->sid) != 1 ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_ticket_key) != 1)
        return false;
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, s);
    if (s->alpn_len > 0)
        SSL_CTX_set_alpn_select_cb(ctx, on_alpn, s);
    return true;
}

static bool add_pair(struct tls_server *s, const struct tls_server_conf *c,
                     const struct tls_pair *pair, struct text *why)
{
    SSL_CTX *ctx = tls_ctx_create(TLS_server_method());

    if (ctx == NULL || !set_up(s, ctx)) {
        SSL_CTX_free(ctx);
        text_str(why, "out of memory for a TLS context");
        return false;
    }
    s->ctx[s->n_ctx++] = ctx;
    if (!tls_load_pair(ctx, pair, why))
        return false;
    if (c->client_ca != NULL && !ask_clients(ctx, c->client_ca, why))
        return false;
    if (tls_names_add(&s->names, ctx, (unsigned)s->n_ctx))
        return true;
    text_str(why, "out of memory");
    return false;
}

/* OpenSSL takes a ticket only where the session id context is that of its session. */
static bool begin_sessions(struct tls_server *s, struct tls_server *before)
{
    if (before == NULL)
        return RAND_bytes(s->sid, sizeof s->sid) == 1;
    memcpy(s->sid, before->sid, sizeof s->sid);
    tls_tickets_copy(&s->tickets, &before->tickets);
    return true;
}

static bool fill(struct tls_server *s, const struct tls_server_conf *c, struct text *why)
{
    s->common.socket = tls_socket_method();
    s->ctx = calloc(c->n_sni + 1, sizeof(SSL_CTX *));
    s->alpn = tls_alpn_wire(c->alpn, c->n_alpn, &s->alpn_len);
    if (s->common.socket == NULL || s->ctx == NULL || s->alpn == NULL ||
        !begin_sessions(s, c->resumes)) {
        text_str(why, "out of memory");
        return false;
    }
    if (!add_pair(s, c, &c->first, why))
        return false;
    for (size_t i = 0; i < c->n_sni; i++) {
        if (!add_pair(s, c, &c->sni[i], why))
            return false;
    }
    tls_names_sort(&s->names);
    return true;
}

struct tls_server *tls_server_create(const struct tls_server_conf *c, char *why, size_t why_room)
{
    struct tls_server *s = calloc(1, sizeof *s);
    struct text words;

    text_init(&words, why, why_room);
    if (s == NULL) {
        text_str(&words, "out of memory");
        return NULL;
    }
    atomic_init(&s->common.refs, 1);
    tls_tickets_init(&s->tickets);
    if (!fill(s, c, &words))
        tls_server_release(&s);
    return s;
}

bool tls_server_same_certificates(const struct tls_server *a, const struct tls_server *b)
{
    bool same = a->n_ctx == b->n_ctx;

    for (size_t i = 0; same && i < a->n_ctx; i++)
        same =
            X509_cmp(SSL_CTX_get0_certificate(a->ctx[i]), SSL_CTX_get0_certificate(b->ctx[i])) == 0;
    return same;
}

static int64_t ends_s(SSL_CTX *ctx)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    struct tm tm;

    return cert != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1 ? timegm(&tm) : 0;
}

int64_t tls_server_ends_s(const struct tls_server *t)
{
    int64_t soonest = 0;

    for (size_t i = 0; i < t->n_ctx; i++) {
        int64_t at = ends_s(t->ctx[i]);

        if (at != 0 && (soonest == 0 || at < soonest))
            soonest = at;
    }
    return soonest;
}

void tls_server_release(struct tls_server **sp)
{
    struct tls_server *s = *sp;

    *sp = NULL;
    if (s == NULL || atomic_fetch_sub_explicit(&s->common.refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->n_ctx; i++)
        SSL_CTX_free(s->ctx[i]);
    free(s->ctx);
    free(s->alpn);
    tls_names_free(&s->names);
    tls_tickets_fini(&s->tickets);
    BIO_meth_free(s->common.socket);
    free(s);
}
