/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a handshake failed, for the log, in words an operator can act on.  Two sources: the
 * verification of the peer's certificate (which knows the certificate) and OpenSSL's error queue
 * (which knows the protocol).
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls_priv.h"

void tls_write_date(struct text *t, const ASN1_TIME *when)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(when, &tm) != 1)
        return text_str(t, "an unreadable date");
    text_printf(t, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* A stranger's bytes: only what is harmless in a line of text, and not too much of it. */
static void write_bytes(struct text *t, const ASN1_STRING *s)
{
    const unsigned char *p = ASN1_STRING_get0_data(s);
    int n = ASN1_STRING_length(s);

    for (int i = 0; i < n && i < 64; i++)
        text_char(t, p[i] > 0x20 && p[i] < 0x7f ? (char)p[i] : p[i] == ' ' ? ' ' : '?');
}

static void write_name(struct text *t, const X509_NAME *name)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

    if (at < 0)
        at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
    if (at < 0)
        return text_str(t, "without a name");
    text_char(t, '"');
    write_bytes(t, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    text_char(t, '"');
}

static bool write_one_alt_name(struct text *t, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    int type;
    const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);

    if (type == GEN_DNS) {
        write_bytes(t, s);
        return true;
    }
    if (type != GEN_IPADD || (ASN1_STRING_length(s) != 4 && ASN1_STRING_length(s) != 16))
        return false;
    text_str(t, inet_ntop(ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s),
                          address, sizeof address));
    return true;
}

/* "a.example, b.example and 3 more" */
static void write_alt_names(struct text *t, const X509 *cert)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int n = sk_GENERAL_NAME_num(all), shown = 0, i;
    size_t before = t->len;

    for (i = 0; i < n && shown < 3; i++) {
        size_t start = t->len;

        if (shown > 0)
            text_str(t, ", ");
        if (write_one_alt_name(t, sk_GENERAL_NAME_value(all, i))) {
            shown++;
        } else {
            t->len = start;
            t->at[start] = '\0';
        }
    }
    if (i < n)
        text_printf(t, " and %d more", n - i);
    if (t->len == before)
        text_str(t, "no name at all");
    GENERAL_NAMES_free(all);
}

static void write_mismatch(struct text *t, X509_STORE_CTX *store, const X509 *cert)
{
    X509_VERIFY_PARAM *wanted = X509_STORE_CTX_get0_param(store);
    const char *host = X509_VERIFY_PARAM_get0_host(wanted, 0);
    char *address = X509_VERIFY_PARAM_get1_ip_asc(wanted);

    text_str(t, "the peer's certificate is for ");
    write_alt_names(t, cert);
    text_printf(t, ", not for %s", host != NULL ? host : address != NULL ? address : "this host");
    OPENSSL_free(address);
}

static void write_unknown_issuer(struct text *t, const X509 *cert)
{
    text_str(t, "the peer's certificate is signed by an authority that is not trusted: ");
    write_name(t, X509_get_issuer_name(cert));
}

static void write_verify(struct text *t, X509_STORE_CTX *store, const X509 *cert)
{
    const char *whose = X509_STORE_CTX_get_error_depth(store) == 0
                            ? "the peer's certificate"
                            : "a certificate above the peer's";

    switch (X509_STORE_CTX_get_error(store)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        text_printf(t, "%s expired on ", whose);
        return tls_write_date(t, X509_get0_notAfter(cert));
    case X509_V_ERR_CERT_NOT_YET_VALID:
        text_printf(t, "%s is not valid before ", whose);
        return tls_write_date(t, X509_get0_notBefore(cert));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return write_mismatch(t, store, cert);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return text_str(t, "the peer's certificate is self-signed and not among the trusted ones");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return write_unknown_issuer(t, cert);
    }
    text_printf(t, "%s was not accepted: %s", whose,
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
}

int tls_explain_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const X509 *cert = X509_STORE_CTX_get_current_cert(store);
    struct tls_link *l = tls_link_of(ssl);

    if (!ok && l->why != NULL && l->why->len == 0 && cert != NULL)
        write_verify(l->why, store, cert);
    return ok;
}

static const struct {
    int reason;
    const char *words;
} reasons[] = {
    {SSL_R_HTTP_REQUEST, "the peer speaks HTTP without TLS"},
    {SSL_R_HTTPS_PROXY_REQUEST, "the peer speaks HTTP without TLS"},
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "the peer does not speak TLS"},
    {SSL_R_BAD_PACKET_LENGTH, "the peer does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer offers no version of TLS from 1.2 on"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the peer accepts no version of TLS from 1.2 on"},
    {SSL_R_NO_SHARED_CIPHER, "the peer offers no cipher suite of ours (ECDHE with AES-GCM or "
                             "ChaCha20)"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the peer accepts none of our cipher suites or demands "
                                          "something else we lack"},
    {SSL_R_NO_SHARED_GROUPS, "the peer offers no elliptic curve of ours"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "the peer offers no signature our certificate can make"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the peer offers by ALPN only protocols we do not speak"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "the peer speaks none of the protocols offered by "
                                                "ALPN"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer showed no certificate"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the peer demands a certificate of ours"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the peer does not trust the authority that signed our "
                                   "certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the peer does not accept our certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the peer does not accept our certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the peer finds our certificate expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the peer finds our certificate revoked"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, "the peer denies us access"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the peer does not know the server name we asked for"},
};

/* Static; *known if the words are ours and not OpenSSL's own. */
static const char *words_for(unsigned long error, bool *known)
{
    const char *raw = ERR_reason_error_string(error);

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reasons[i].reason) {
            *known = true;
            return reasons[i].words;
        }
    }
    *known = false;
    return raw == NULL ? "no reason was given" : raw;
}

void tls_explain_error(struct text *why)
{
    bool known;
    const char *words = words_for(ERR_peek_last_error(), &known);

    if (!known)
        text_str(why, "the TLS handshake failed: ");
    text_str(why, words);
}
