/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_TLS_TEST_H
#define WEIR_TESTS_TLS_TEST_H

#include <openssl/ssl.h>

#include "net_test.h"
#include "tls_priv.h"
#include "weir/net/tls.h"

/* A certificate to make; times in days from now. */
struct made {
    const char *name;      /* of the subject */
    const char *alt;       /* as in openssl.cnf: "DNS:a.example,IP:127.0.0.1"; NULL: none */
    const struct made *by; /* who signs; NULL: itself */
    int from_days, to_days;
    bool is_ca;
    X509 *cert;
    EVP_PKEY *key;
    char file[128], key_file[128]; /* PEM */
};
/* Makes it and writes its files below the folder. */
void make_cert(const char *folder, struct made *m);
void forget_cert(struct made *m);

/* A folder of certificates all tests use: an authority and what it signed. */
struct keys {
    char folder[32];
    struct made ca, other_ca;
    struct made a, b, wild, by_address, client, stranger;
};
void keys_make(struct keys *k);
void keys_forget(struct keys *k);

/* A server and a client of ours, connected over loopback in one loop. */
struct tls_pair_of {
    struct loop *l;
    struct conn *client, *server;
    struct seen client_seen, server_seen;
};
void tls_open(struct tls_pair_of *p, struct tls_server *s, struct tls_client *k);
void tls_close(struct tls_pair_of *p);
/* Turns the loop until both sides are open or at least one has failed. */
void tls_settle(struct tls_pair_of *p);
bool tls_both_open(const struct tls_pair_of *p);

struct tls_server *must_serve(const struct tls_server_conf *c);
struct tls_client *must_trust(const struct keys *k, const char *server_name);

#endif
