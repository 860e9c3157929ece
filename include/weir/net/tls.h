/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_TLS_H
#define WEIR_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/status.h"

/*
 * TLS 1.2 and 1.3 (OpenSSL 3): AEAD with ECDHE, no renegotiation, no compression, no early data,
 * strict ALPN, session resumption both ways.  Contexts are immutable once made and shared by all
 * threads; ended with the last connection (reference counted), so a reload may drop one at once.
 */
struct tls_server;
struct tls_client;

struct tls_pair {
    const char *certificate, *key; /* PEM files, chain included; key may be in the same file */
};

struct tls_server_conf {
    struct tls_pair first;      /* for clients without SNI or with an unknown name */
    const struct tls_pair *sni; /* further ones, chosen by the names in each certificate */
    size_t n_sni;
    const char *client_ca;   /* ask clients for certificates signed by these; NULL = do not */
    const char *const *alpn; /* in order of preference, e.g. {"http/1.1"} */
    size_t n_alpn;
    /* Tickets of this one are taken, too, for as long as their keys live: of the listener before a
     * reload.  NULL = none.  Not with client_ca: who resumes is not asked for a certificate. */
    struct tls_server *resumes;
};

struct tls_client_conf {
    const char *ca;          /* PEM file or folder of trust anchors; NULL = the system's */
    const char *server_name; /* for SNI and verification; a numeric address verifies as such */
    bool verify;
    const char *certificate, *key; /* shown to the upstream; NULL = none */
    const char *const *alpn;
    size_t n_alpn;
};

/*
 * Reads and checks the files.  On failure NULL and in `why` a sentence part that names the file and
 * what is wrong with it (unreadable, not PEM, key does not match, expired, ...).
 */
struct tls_server *tls_server_create(const struct tls_server_conf *c, char *why, size_t why_room);
struct tls_client *tls_client_create(const struct tls_client_conf *c, char *why, size_t why_room);
/* Do both show the same certificates, in the same order?  (Of the first of each chain.) */
bool tls_server_same_certificates(const struct tls_server *a, const struct tls_server *b);
/* When the first of its certificates ends, in seconds since 1970; 0 = not known. */
int64_t tls_server_ends_s(const struct tls_server *t);
void tls_server_release(struct tls_server **t);
void tls_client_release(struct tls_client **t);

#endif
