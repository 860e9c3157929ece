/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made on the spot and a pair of TLS connections, for the tests of TLS. */
#include "tls_test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/listener.h"

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    cr_assert_not_null(ext, "%s", value);
    cr_assert_eq(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static void fill_cert(struct made *m)
{
    X509 *issuer = m->by == NULL ? m->cert : m->by->cert;
    X509_NAME *name = X509_get_subject_name(m->cert);
    static long serial = 1;

    cr_assert_eq(X509_set_version(m->cert, X509_VERSION_3), 1);
    cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(m->cert), ++serial), 1);
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(m->cert), m->from_days * 86400L));
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(m->cert), m->to_days * 86400L));
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                            (const unsigned char *)m->name, -1, -1, 0),
                 1);
    cr_assert_eq(X509_set_issuer_name(m->cert, X509_get_subject_name(issuer)), 1);
    cr_assert_eq(X509_set_pubkey(m->cert, m->key), 1);
    add_extension(m->cert, issuer, NID_basic_constraints,
                  m->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (m->alt != NULL)
        add_extension(m->cert, issuer, NID_subject_alt_name, m->alt);
}

static void write_files(const char *folder, struct made *m)
{
    FILE *f;

    (void)snprintf(m->file, sizeof m->file, "%s/%s.pem", folder, m->name);
    (void)snprintf(m->key_file, sizeof m->key_file, "%s/%s.key", folder, m->name);
    f = fopen(m->file, "w");
    cr_assert_not_null(f);
    cr_assert_eq(PEM_write_X509(f, m->cert), 1);
    cr_assert_eq(fclose(f), 0);
    f = fopen(m->key_file, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fchmod(fileno(f), 0600), 0);
    cr_assert_eq(PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL), 1);
    cr_assert_eq(fclose(f), 0);
}

void make_cert(const char *folder, struct made *m)
{
    m->cert = X509_new();
    m->key = EVP_EC_gen("P-256");
    cr_assert(m->cert != NULL && m->key != NULL);
    fill_cert(m);
    cr_assert_gt(X509_sign(m->cert, m->by == NULL ? m->key : m->by->key, EVP_sha256()), 0);
    write_files(folder, m);
}

void forget_cert(struct made *m)
{
    (void)unlink(m->file);
    (void)unlink(m->key_file);
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

static struct made *each_of(struct keys *k, int i)
{
    struct made *const all[] = {&k->ca,   &k->other_ca,   &k->a,      &k->b,
                                &k->wild, &k->by_address, &k->client, &k->stranger};

    return i < (int)(sizeof all / sizeof *all) ? all[i] : NULL;
}

void keys_make(struct keys *k)
{
    const struct made *ca = &k->ca, *other = &k->other_ca;

    *k = (struct keys){
        .folder = "/tmp/weir-test-XXXXXX",
        .ca = {.name = "test-authority", .to_days = 10, .is_ca = true},
        .other_ca = {.name = "other-authority", .to_days = 10, .is_ca = true},
        .a = {.name = "a", .alt = "DNS:a.example,DNS:also-a.example", .by = ca, .to_days = 10},
        .b = {.name = "b", .alt = "DNS:B.example", .by = ca, .to_days = 10},
        .wild = {.name = "wild", .alt = "DNS:*.w.example,DNS:b.example", .by = ca, .to_days = 10},
        .by_address = {.name = "address", .alt = "IP:127.0.0.1,IP:::1", .by = ca, .to_days = 10},
        .client = {.name = "client", .by = ca, .to_days = 10},
        .stranger = {.name = "stranger", .alt = "DNS:a.example", .by = other, .to_days = 10},
    };
    cr_assert_not_null(mkdtemp(k->folder));
    for (int i = 0; each_of(k, i) != NULL; i++)
        make_cert(k->folder, each_of(k, i));
}

void keys_forget(struct keys *k)
{
    for (int i = 0; each_of(k, i) != NULL; i++)
        forget_cert(each_of(k, i));
    (void)rmdir(k->folder);
}

void tls_open(struct tls_pair_of *p, struct tls_server *s, struct tls_client *k)
{
    struct net_addr at;
    int listening = listen_somewhere(&at), fd;

    *p = (struct tls_pair_of){.l = loop_create()};
    p->client = conn_connect(p->l, &at, k, SLICE_NONE, 10 * NS_PER_S, &counting, &p->client_seen);
    cr_assert_not_null(p->client);
    wait_until(p->l, (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1);
    p->server = conn_accept(p->l, fd, NULL, s, 10 * NS_PER_S, &counting, &p->server_seen);
    cr_assert_not_null(p->server);
    (void)close(listening);
}

bool tls_both_open(const struct tls_pair_of *p)
{
    return p->client_seen.open == 1 && p->server_seen.open == 1;
}

void tls_settle(struct tls_pair_of *p)
{
    wait_until(p->l, tls_both_open(p) || p->client_seen.fail + p->server_seen.fail > 0);
    settle(p->l);
}

void tls_close(struct tls_pair_of *p)
{
    conn_close(&p->client);
    conn_close(&p->server);
    loop_destroy(&p->l);
}

struct tls_server *must_serve(const struct tls_server_conf *c)
{
    char why[256] = "";
    struct tls_server *s = tls_server_create(c, why, sizeof why);

    cr_assert_not_null(s, "%s", why);
    return s;
}

struct tls_client *must_trust(const struct keys *k, const char *server_name)
{
    struct tls_client_conf c = {.ca = k->ca.file, .server_name = server_name, .verify = true};
    char why[256] = "";
    struct tls_client *t = tls_client_create(&c, why, sizeof why);

    cr_assert_not_null(t, "%s", why);
    return t;
}
