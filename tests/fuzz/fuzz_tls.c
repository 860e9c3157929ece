/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a stranger where TLS is spoken, through a connection as the daemon makes it: of a client
 * at a listener, or of an upstream.  Nobody gets in who does not finish the handshake, the failure
 * is told once, and nothing of the connection is left.  The first byte chooses the side, and what
 * the TLS of that side asks for.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "weir/base/clock.h"
#include "weir/net/conn.h"
#include "weir/net/tls.h"

enum { ROUNDS_MAX = 2000 };

struct side {
    struct conn *conn;
    int opened, failed;
};

static struct loop *loop;
static struct tls_server *servers[2]; /* [1] asks for a certificate */
static struct tls_client *client;
static int listening = -1;
static struct net_addr at;

/* --- a certificate of our own, made at the start */

static X509 *make_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    WEIR_ASSERT(X509_set_version(cert, X509_VERSION_3) == 1);
    WEIR_ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1);
    WEIR_ASSERT(X509_gmtime_adj(X509_getm_notBefore(cert), -86400) != NULL);
    WEIR_ASSERT(X509_gmtime_adj(X509_getm_notAfter(cert), 864000) != NULL);
    WEIR_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)"a.test", -1, -1, 0) == 1);
    WEIR_ASSERT(X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1);
    WEIR_ASSERT(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key);
    FILE *f = fopen(path, "w");

    WEIR_ASSERT(f != NULL && fchmod(fileno(f), 0600) == 0 && PEM_write_X509(f, cert) == 1);
    WEIR_ASSERT(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void make_contexts(void)
{
    static const char *const alpn[] = {"http/1.1"};
    char folder[] = "/tmp/weir-fuzz-XXXXXX", path[64], why[256];
    struct tls_server_conf s = {.first = {path, path}, .alpn = alpn, .n_alpn = 1};
    struct tls_client_conf c = {
        .ca = path, .server_name = "a.test", .verify = true, .alpn = alpn, .n_alpn = 1};

    WEIR_ASSERT(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/a.pem", folder);
    write_pem(path);
    servers[0] = tls_server_create(&s, why, sizeof why);
    s.client_ca = path;
    servers[1] = tls_server_create(&s, why, sizeof why);
    client = tls_client_create(&c, why, sizeof why);
    WEIR_ASSERT(servers[0] != NULL && servers[1] != NULL && client != NULL);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void start(void)
{
    socklen_t len = sizeof at.u.un;
    struct sockaddr_un any = {.sun_family = AF_UNIX};

    make_contexts();
    loop = loop_create();
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    WEIR_ASSERT(loop != NULL && listening >= 0);
    WEIR_ASSERT(bind(listening, (struct sockaddr *)&any, sizeof any.sun_family) == 0);
    WEIR_ASSERT(listen(listening, 4) == 0);
    WEIR_ASSERT(getsockname(listening, &at.u.sa, &len) == 0);
    at.len = len;
}

/* --- the owner of the connection */

static void on_open(struct conn *c, void *owner)
{
    struct side *s = owner;

    (void)c;
    s->opened++;
}

static void on_fail(struct conn *c, void *owner, enum weir_status st, const char *why)
{
    struct side *s = owner;

    (void)c;
    WEIR_ASSERT(st != WEIR_OK && why != NULL && s->failed == 0);
    s->failed++;
    conn_close(&s->conn);
}

static void on_readable(struct conn *c, void *owner)
{
    struct side *s = owner;
    char mem[4096];
    size_t got;
    enum weir_status rc = conn_read(c, mem, sizeof mem, &got);

    WEIR_ASSERT(rc != WEIR_OK);
    if (rc != WEIR_AGAIN)
        conn_close(&s->conn);
}

static void on_writable(struct conn *c, void *owner)
{
    (void)c;
    (void)owner;
}

static const struct conn_events events = {
    .on_open = on_open, .on_fail = on_fail, .on_readable = on_readable, .on_writable = on_writable};

/* --- the stranger */

static int open_side(struct side *s, unsigned char how)
{
    struct net_addr peer;
    int fds[2];

    if (how & 1) {
        s->conn = conn_connect(loop, &at, client, SLICE_NONE, 10 * NS_PER_S, &events, s);
        WEIR_ASSERT(s->conn != NULL);
        loop_poll(loop);
        return accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    WEIR_ASSERT(net_addr_parse(SLICE_LIT("127.0.0.1:5000"), &peer) == WEIR_OK);
    WEIR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    s->conn = conn_accept(loop, fds[1], &peer, servers[how >> 1 & 1], 10 * NS_PER_S, &events, s);
    WEIR_ASSERT(s->conn != NULL);
    return fds[0];
}

static void hear(int fd)
{
    char mem[8192];

    while (recv(fd, mem, sizeof mem, 0) > 0)
        continue;
}

static void say(int fd, struct slice in)
{
    uint32_t seed = fuzz_seed(in);

    while (in.len > 0) {
        struct slice piece = fuzz_piece(&in, &seed);

        if (send(fd, piece.p, piece.len, MSG_NOSIGNAL) < 0)
            return;
        loop_poll(loop);
        hear(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct side s = {0};
    int fd, rounds = 0;

    if (size == 0)
        return 0;
    if (loop == NULL)
        start();
    fd = open_side(&s, data[0]);
    WEIR_ASSERT(fd >= 0);
    say(fd, slice_of(data + 1, size - 1));
    (void)close(fd);
    while (s.conn != NULL && rounds++ < ROUNDS_MAX)
        loop_poll(loop);
    loop_poll(loop); /* what was deferred */
    WEIR_ASSERT(s.conn == NULL && s.opened == 0 && s.failed == 1);
    return 0;
}
