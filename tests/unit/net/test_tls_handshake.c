/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, who is who, and why not. */
#include <openssl/err.h>
#include <stdio.h>
#include <unistd.h>

#include "tls_test.h"

static struct keys keys;

static void setup(void)
{
    keys_make(&keys);
}

static void teardown(void)
{
    keys_forget(&keys);
}

TestSuite(tls, .init = setup, .fini = teardown);

static const char *const http_1_1[] = {"http/1.1"};
static const char *const h2_first[] = {"h2", "http/1.1"};
static const char *const ftp[] = {"ftp"};

static struct tls_pair pair_of(const struct made *m)
{
    return (struct tls_pair){m->file, m->key_file};
}

static struct tls_server *serve(const struct made *m)
{
    return must_serve(&(struct tls_server_conf){.first = pair_of(m)});
}

/* Both contexts are given away: their last connection ends them. */
static void meet(struct tls_pair_of *p, struct tls_server *s, struct tls_client *k)
{
    tls_open(p, s, k);
    tls_server_release(&s);
    tls_client_release(&k);
    tls_settle(p);
}

static bool says(const struct seen *s, const char *words)
{
    return strstr(s->why, words) != NULL;
}

Test(tls, opens_on_both_sides)
{
    struct tls_pair_of p;

    meet(&p, serve(&keys.a), must_trust(&keys, "a.example"));
    cr_assert(tls_both_open(&p), "%s | %s", p.client_seen.why, p.server_seen.why);
    cr_assert(conn_is_tls(p.client));
    cr_assert_eq(conn_alpn(p.client).len, 0);
    cr_assert_eq(SSL_version(p.client->tls->ssl), TLS1_3_VERSION);
    tls_close(&p);
}

/* The client verifies the name, so it opens only with the right certificate. */
Test(tls, the_certificate_follows_the_name)
{
    static const char *const names[] = {"a.example",   "also-a.example", "b.example",
                                        "x.w.example", "X.W.EXAMPLE",    "127.0.0.1"};
    struct tls_pair more[] = {pair_of(&keys.a), pair_of(&keys.b), pair_of(&keys.wild)};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tls_server_conf c = {.first = pair_of(&keys.by_address), .sni = more, .n_sni = 3};
        struct tls_pair_of p;

        meet(&p, must_serve(&c), must_trust(&keys, names[i]));
        cr_assert(tls_both_open(&p), "%s: %s", names[i], p.client_seen.why);
        tls_close(&p);
    }
}

Test(tls, of_two_certificates_for_a_name_the_first_is_shown)
{
    struct tls_pair more[] = {pair_of(&keys.b), pair_of(&keys.wild)};
    struct tls_server_conf c = {.first = pair_of(&keys.a), .sni = more, .n_sni = 2};
    struct tls_server *s = must_serve(&c);

    cr_assert_eq(tls_names_find(&s->names, "b.example"), s->ctx[1]);
    cr_assert_eq(tls_names_find(&s->names, "b.example."), s->ctx[1]);
    cr_assert_eq(tls_names_find(&s->names, "deep.x.w.example"), NULL);
    cr_assert_eq(tls_names_find(&s->names, "w.example"), NULL);
    cr_assert_eq(tls_names_find(&s->names, ".w.example"), NULL);
    cr_assert_eq(tls_names_find(&s->names, ""), NULL);
    tls_server_release(&s);
}

Test(tls, an_unknown_name_gets_the_first_certificate)
{
    struct tls_pair more[] = {pair_of(&keys.b)};
    struct tls_server_conf c = {.first = pair_of(&keys.a), .sni = more, .n_sni = 1};
    struct tls_pair_of p;

    meet(&p, must_serve(&c), must_trust(&keys, "c.example"));
    cr_assert_eq(p.client_seen.status, WEIR_TLS);
    cr_assert_str_eq(p.client_seen.why, "the peer's certificate is for a.example, also-a.example, "
                                        "not for c.example");
    tls_close(&p);
}

Test(tls, a_wrong_address_is_a_mismatch_too)
{
    struct tls_pair_of p;

    meet(&p, serve(&keys.by_address), must_trust(&keys, "127.0.0.2"));
    cr_assert_str_eq(p.client_seen.why,
                     "the peer's certificate is for 127.0.0.1, ::1, not for 127.0.0.2");
    tls_close(&p);
}

Test(tls, an_unknown_authority_is_named)
{
    struct tls_pair_of p;

    meet(&p, serve(&keys.stranger), must_trust(&keys, "a.example"));
    cr_assert_eq(p.client_seen.status, WEIR_TLS);
    cr_assert(says(&p.client_seen, "not trusted: \"other-authority\""), "%s", p.client_seen.why);
    wait_until(p.l, p.server_seen.fail + p.server_seen.open > 0);
    tls_close(&p);
}

Test(tls, without_verification_anybody_will_do)
{
    char why[256];
    struct tls_client_conf c = {.verify = false};
    struct tls_pair_of p;

    meet(&p, serve(&keys.stranger), tls_client_create(&c, why, sizeof why));
    cr_assert(tls_both_open(&p));
    tls_close(&p);
}

/* Files that are out of date are not loaded; this one becomes so under a running server. */
static void meet_replaced(struct tls_pair_of *p, int from_days, int to_days)
{
    struct made m = {.name = "timed", .alt = "DNS:a.example", .by = &keys.ca};
    struct tls_server *s = serve(&keys.a);

    m.from_days = from_days;
    m.to_days = to_days;
    make_cert(keys.folder, &m);
    cr_assert_eq(SSL_CTX_use_certificate(s->ctx[0], m.cert), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey(s->ctx[0], m.key), 1);
    meet(p, s, must_trust(&keys, "a.example"));
    forget_cert(&m);
}

Test(tls, an_expired_certificate_is_refused_with_its_date)
{
    struct tls_pair_of p;

    meet_replaced(&p, -20, -10);
    cr_assert_eq(p.client_seen.status, WEIR_TLS);
    cr_assert(says(&p.client_seen, "the peer's certificate expired on 20"), "%s",
              p.client_seen.why);
    tls_close(&p);
}

Test(tls, a_certificate_of_the_future_is_refused_with_its_date)
{
    struct tls_pair_of p;

    meet_replaced(&p, 10, 20);
    cr_assert(says(&p.client_seen, "is not valid before 20"), "%s", p.client_seen.why);
    tls_close(&p);
}

/* Client certificates */

static struct tls_client *client_with(const struct made *m, char *why, size_t room)
{
    struct tls_client_conf c = {.ca = keys.ca.file,
                                .server_name = "a.example",
                                .verify = true,
                                .certificate = m == NULL ? NULL : m->file,
                                .key = m == NULL ? NULL : m->key_file};

    return tls_client_create(&c, why, room);
}

static void meet_asking(struct tls_pair_of *p, const struct made *m)
{
    struct tls_server_conf c = {.first = pair_of(&keys.a), .client_ca = keys.ca.file};
    char why[256] = "";

    meet(p, must_serve(&c), client_with(m, why, sizeof why));
    wait_until(p->l, p->server_seen.open + p->server_seen.fail == 1);
}

Test(tls, a_client_with_the_right_certificate_is_let_in)
{
    struct tls_pair_of p;

    meet_asking(&p, &keys.client);
    cr_assert_eq(p.server_seen.open, 1, "%s", p.server_seen.why);
    tls_close(&p);
}

Test(tls, a_client_without_a_certificate_is_not)
{
    struct tls_pair_of p;
    char byte;
    size_t n;

    meet_asking(&p, NULL);
    cr_assert_eq(p.server_seen.status, WEIR_TLS);
    cr_assert_str_eq(p.server_seen.why, "the peer showed no certificate");
    /* Under TLS 1.3 the client learns it only when it reads. */
    wait_until(p.l, conn_read(p.client, &byte, 1, &n) == WEIR_TLS);
    tls_close(&p);
}

Test(tls, a_client_of_another_authority_is_not)
{
    struct tls_pair_of p;

    meet_asking(&p, &keys.stranger);
    cr_assert_eq(p.server_seen.status, WEIR_TLS);
    cr_assert(says(&p.server_seen, "\"other-authority\""), "%s", p.server_seen.why);
    tls_close(&p);
}

/* ALPN */

static void meet_speaking(struct tls_pair_of *p, const char *const *server, size_t n_server,
                          const char *const *client, size_t n_client)
{
    struct tls_server_conf s = {.first = pair_of(&keys.a), .alpn = server, .n_alpn = n_server};
    struct tls_client_conf c = {.verify = false, .alpn = client, .n_alpn = n_client};
    char why[256];

    meet(p, must_serve(&s), tls_client_create(&c, why, sizeof why));
}

Test(tls, the_server_chooses_among_the_protocols_offered)
{
    struct tls_pair_of p;

    meet_speaking(&p, http_1_1, 1, h2_first, 2);
    cr_assert(slice_eq(conn_alpn(p.client), SLICE_LIT("http/1.1")));
    cr_assert(slice_eq(conn_alpn(p.server), SLICE_LIT("http/1.1")));
    tls_close(&p);
}

Test(tls, a_client_that_offers_nothing_is_let_in)
{
    struct tls_pair_of p;

    meet_speaking(&p, http_1_1, 1, NULL, 0);
    cr_assert(tls_both_open(&p));
    cr_assert_eq(conn_alpn(p.server).len, 0);
    tls_close(&p);
}

Test(tls, no_common_protocol_is_a_failure_on_both_sides)
{
    struct tls_pair_of p;

    meet_speaking(&p, http_1_1, 1, ftp, 1);
    cr_assert_str_eq(p.server_seen.why, "the peer offers by ALPN only protocols we do not speak");
    wait_until(p.l, p.client_seen.fail == 1);
    cr_assert_str_eq(p.client_seen.why, "the peer speaks none of the protocols offered by ALPN");
    tls_close(&p);
}

/* Peers of other kinds: a bare descriptor, driven by hand. */

static void serve_fd(struct tls_pair_of *p, struct tls_server *s, uint64_t limit_ns, int *other)
{
    int ours;

    *p = (struct tls_pair_of){.l = loop_create()};
    tcp_pair(&ours, other);
    p->server = conn_accept(p->l, ours, NULL, s, limit_ns, &counting, &p->server_seen);
    tls_server_release(&s);
}

Test(tls, plain_http_is_recognised)
{
    struct tls_pair_of p;
    int other;

    serve_fd(&p, serve(&keys.a), NS_PER_S, &other);
    cr_assert_gt(send(other, "GET / HTTP/1.1\r\n\r\n", 18, 0), 0);
    wait_until(p.l, p.server_seen.fail == 1);
    cr_assert_eq(p.server_seen.status, WEIR_TLS);
    cr_assert_str_eq(p.server_seen.why, "the peer speaks HTTP without TLS");
    tls_close(&p);
    (void)close(other);
}

Test(tls, a_server_without_tls_is_recognised)
{
    struct tls_pair_of p = {.l = loop_create()};
    struct tls_client *k = must_trust(&keys, "a.example");
    struct net_addr at;
    int listening = listen_somewhere(&at), other;

    p.client = conn_connect(p.l, &at, k, SLICE_NONE, 5 * NS_PER_S, &counting, &p.client_seen);
    tls_client_release(&k);
    wait_until(p.l, (other = accept(listening, NULL, NULL)) != -1);
    cr_assert_gt(send(other, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, 0), 0);
    wait_until(p.l, p.client_seen.fail == 1);
    cr_assert_str_eq(p.client_seen.why, "the peer does not speak TLS");
    tls_close(&p);
    (void)close(other);
    (void)close(listening);
}

Test(tls, a_peer_that_leaves_during_the_handshake_is_a_reset)
{
    struct tls_pair_of p;
    int other;

    serve_fd(&p, serve(&keys.a), NS_PER_S, &other);
    (void)close(other);
    wait_until(p.l, p.server_seen.fail == 1);
    cr_assert_eq(p.server_seen.status, WEIR_RESET);
    cr_assert_str_eq(p.server_seen.why, "the peer closed the connection during the TLS handshake");
    tls_close(&p);
}

Test(tls, a_silent_peer_times_out)
{
    struct tls_pair_of p;
    int other;

    serve_fd(&p, serve(&keys.a), 5 * NS_PER_MS, &other);
    wait_until(p.l, p.server_seen.fail == 1);
    cr_assert_eq(p.server_seen.status, WEIR_TIMEOUT);
    cr_assert_str_eq(p.server_seen.why, "the peer did not finish the TLS handshake in time");
    tls_close(&p);
    (void)close(other);
}

/* A client of OpenSSL's with settings of its own, stepped by hand until it is done or has failed.
 */
static void meet_odd(struct tls_pair_of *p, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    int ours, other, rc = -1;

    *p = (struct tls_pair_of){.l = loop_create()};
    tcp_pair(&other, &ours); /* theirs is the non-blocking one here */
    cr_assert_eq(evutil_make_socket_nonblocking(ours), 0);
    {
        struct tls_server *s = serve(&keys.a);

        p->server = conn_accept(p->l, ours, NULL, s, 5 * NS_PER_S, &counting, &p->server_seen);
        tls_server_release(&s);
    }
    cr_assert_eq(SSL_set_fd(ssl, other), 1);
    SSL_set_connect_state(ssl);
    while (rc != 1 && p->server_seen.fail == 0) {
        rc = SSL_do_handshake(ssl);
        loop_poll(p->l);
    }
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(other);
}

Test(tls, versions_before_1_2_are_refused)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct tls_pair_of p;

    SSL_CTX_set_security_level(ctx, 0);
    cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
    cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_1_VERSION), 1);
    cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION), 1);
    meet_odd(&p, ctx);
    cr_assert_str_eq(p.server_seen.why, "the peer offers no version of TLS from 1.2 on");
    tls_close(&p);
}

Test(tls, suites_without_aead_or_ecdhe_are_refused)
{
    static const char *const lists[] = {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA",
                                        "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        struct tls_pair_of p;

        cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
        cr_assert_eq(SSL_CTX_set_cipher_list(ctx, lists[i]), 1);
        meet_odd(&p, ctx);
        cr_assert_eq(p.server_seen.status, WEIR_TLS, "%s", lists[i]);
        cr_assert(says(&p.server_seen, "the peer offers no cipher suite of ours"), "%s",
                  p.server_seen.why);
        tls_close(&p);
    }
}

Test(tls, tls_1_2_with_aead_and_ecdhe_is_fine)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct tls_pair_of p;

    cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-CHACHA20-POLY1305"), 1);
    meet_odd(&p, ctx);
    wait_until(p.l, p.server_seen.open == 1);
    tls_close(&p);
}
