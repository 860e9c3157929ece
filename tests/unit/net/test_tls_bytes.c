/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes over TLS: records, blocking, ends. */
#include <stdio.h>
#include <unistd.h>

#include "tls_test.h"
#include "weir/base/hash.h"

static struct keys keys;

static void setup(void)
{
    keys_make(&keys);
}

static void teardown(void)
{
    keys_forget(&keys);
}

TestSuite(tls_bytes, .init = setup, .fini = teardown);

static void meet(struct tls_pair_of *p)
{
    struct tls_server_conf c = {.first = {keys.a.file, keys.a.key_file}};
    struct tls_server *s = must_serve(&c);
    struct tls_client *k = must_trust(&keys, "a.example");

    tls_open(p, s, k);
    tls_server_release(&s);
    tls_client_release(&k);
    tls_settle(p);
    cr_assert(tls_both_open(p), "%s | %s", p->client_seen.why, p->server_seen.why);
    p->server_seen = p->client_seen = (struct seen){0};
}

static void write_all(struct conn *c, const char *text)
{
    size_t n;

    cr_assert_eq(conn_write(c, &(struct iovec){(char *)text, strlen(text)}, 1, &n), WEIR_OK);
    cr_assert_eq(n, strlen(text));
}

Test(tls_bytes, a_head_and_its_body_are_one_record)
{
    struct tls_pair_of p;
    char buf[64];
    size_t n;

    meet(&p);
    cr_assert_eq(conn_write(p.client, (struct iovec[]){{"head ", 5}, {"body", 4}}, 2, &n), WEIR_OK);
    cr_assert_eq(n, 9);
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_OK);
    cr_assert_eq(n, 9, "a read gives one record at most");
    cr_assert(memcmp(buf, "head body", 9) == 0);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_AGAIN);
    tls_close(&p);
}

static size_t taken;

static void read_three(struct conn *c, struct seen *s)
{
    char buf[3];
    size_t n;

    (void)s;
    if (conn_read(c, buf, sizeof buf, &n) == WEIR_OK)
        taken += n;
}

/* The socket is silent after the first callback: OpenSSL has it all. */
Test(tls_bytes, what_is_decrypted_already_is_reported_again)
{
    static char block[10000];
    struct tls_pair_of p;
    size_t n;

    meet(&p);
    taken = 0;
    p.server_seen.then = read_three;
    cr_assert_eq(conn_write(p.client, &(struct iovec){block, sizeof block}, 1, &n), WEIR_OK);
    wait_until(p.l, taken == sizeof block);
    cr_assert_not(conn_has_pending(p.server));
    p.server_seen.readable = 0;
    settle(p.l);
    cr_assert_eq(p.server_seen.readable, 0, "and then it is quiet");
    tls_close(&p);
}

Test(tls_bytes, a_pause_holds_what_is_decrypted_already)
{
    struct tls_pair_of p;
    char byte;
    size_t n;

    meet(&p);
    write_all(p.client, "abc");
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, &byte, 1, &n), WEIR_OK);
    conn_want_read(p.server, false);
    settle(p.l);
    p.server_seen.readable = 0;
    settle(p.l);
    cr_assert_eq(p.server_seen.readable, 0);
    cr_assert(conn_has_pending(p.server));
    conn_want_read(p.server, true);
    cr_assert_eq(p.server_seen.readable, 0, "from the loop only");
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, &byte, 1, &n), WEIR_OK);
    cr_assert_eq(byte, 'b');
    tls_close(&p);
}

/*
 * A sender that is blocked now and then, offers less than before or more, cut at other places: the
 * stream has to come out as if nothing had happened.
 */
enum { STREAM = 3 << 20 };

struct stream {
    char *bytes;
    size_t sent, received;
    struct rng rng;
    int blocked;
};

static void send_some(struct stream *st, struct conn *c)
{
    size_t offer = 1 + rng_next(&st->rng) % 40000, cut, n;
    struct iovec iov[2];

    if (offer > STREAM - st->sent)
        offer = STREAM - st->sent;
    if (offer == 0)
        return;
    cut = rng_next(&st->rng) % (offer + 1);
    iov[0] = (struct iovec){st->bytes + st->sent, cut};
    iov[1] = (struct iovec){st->bytes + st->sent + cut, offer - cut};
    switch ((int)conn_write(c, iov, 2, &n)) {
    case WEIR_OK:
        cr_assert(n > 0 && n <= offer);
        st->sent += n;
        return;
    case WEIR_AGAIN:
        st->blocked++;
        return;
    }
    cr_assert_fail("the write failed");
}

static void receive_some(struct stream *st, struct conn *c)
{
    char buf[20000];
    size_t n;

    if (conn_read(c, buf, 1 + rng_next(&st->rng) % sizeof buf, &n) != WEIR_OK)
        return;
    cr_assert_eq(memcmp(buf, st->bytes + st->received, n), 0, "at %zu", st->received);
    st->received += n;
}

Test(tls_bytes, a_blocked_stream_comes_out_whole)
{
    struct stream st = {.bytes = malloc(STREAM)};
    struct tls_pair_of p;
    int small = 16384;

    meet(&p);
    cr_assert_eq(setsockopt(p.client->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    rng_seed(&st.rng, 7);
    for (size_t i = 0; i < STREAM; i++)
        st.bytes[i] = (char)rng_next(&st.rng);
    while (st.received < STREAM) {
        for (int i = 0; i < 40; i++)
            send_some(&st, p.client);
        for (int i = 0; i < 40; i++)
            receive_some(&st, p.server);
        loop_poll(p.l);
    }
    cr_assert_gt(st.blocked, 0);
    cr_assert_eq(st.sent, STREAM);
    free(st.bytes);
    tls_close(&p);
}

Test(tls_bytes, a_blocked_writer_is_told_when_there_is_room)
{
    static char block[20000];
    struct tls_pair_of p;
    size_t n, sum = 0;

    meet(&p);
    while (conn_write(p.client, &(struct iovec){block, sizeof block}, 1, &n) == WEIR_OK)
        sum += n;
    cr_assert_gt(conn_unsent(p.client), 0);
    conn_want_write(p.client);
    settle(p.l);
    cr_assert_eq(p.client_seen.writable, 0);
    while (p.client_seen.writable == 0) {
        while (conn_read(p.server, block, sizeof block, &n) == WEIR_OK)
            sum -= n;
        loop_poll(p.l);
    }
    cr_assert_eq(conn_write(p.client, &(struct iovec){block, sizeof block}, 1, &n), WEIR_OK);
    sum += n;
    while (sum > 0) {
        loop_poll(p.l);
        while (conn_read(p.server, block, sizeof block, &n) == WEIR_OK)
            sum -= n;
    }
    settle(p.l);
    cr_assert_eq(p.client_seen.writable, 1);
    tls_close(&p);
}

/* Ends */

Test(tls_bytes, an_orderly_end_is_closed)
{
    struct tls_pair_of p;
    char buf[8];
    size_t n;

    meet(&p);
    write_all(p.client, "bye");
    conn_shutdown(p.client);
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_OK);
    wait_until(p.l, conn_read(p.server, buf, sizeof buf, &n) == WEIR_CLOSED);
    write_all(p.server, "and you");
    wait_until(p.l, p.client_seen.readable > 0);
    cr_assert_eq(conn_read(p.client, buf, sizeof buf, &n), WEIR_OK, "half-closed only");
    tls_close(&p);
}

/* Somebody on the way may end a TCP connection, but cannot forge the end of TLS. */
Test(tls_bytes, an_end_without_notice_is_a_reset)
{
    struct tls_pair_of p;
    char buf[8];
    size_t n;

    meet(&p);
    write_all(p.client, "half an ans");
    cr_assert_eq(shutdown(p.client->fd, SHUT_WR), 0);
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_OK);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_OK);
    wait_until(p.l, conn_read(p.server, buf, sizeof buf, &n) == WEIR_RESET);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_RESET, "and stays one");
    cr_assert_eq(conn_write(p.server, &(struct iovec){"x", 1}, 1, &n), WEIR_RESET);
    tls_close(&p);
}

static enum weir_status read_end(struct tls_pair_of *p)
{
    static char buf[20000];
    enum weir_status s = WEIR_AGAIN;
    size_t n;

    wait_until(p->l, (s = conn_read(p->server, buf, sizeof buf, &n)) != WEIR_AGAIN && s != WEIR_OK);
    return s;
}

Test(tls_bytes, a_close_is_an_orderly_end_and_a_broken_one_is_not)
{
    struct tls_pair_of p;

    meet(&p);
    write_all(p.client, "bye");
    conn_close(&p.client);
    cr_assert_eq(read_end(&p), WEIR_CLOSED);
    tls_close(&p);
    meet(&p);
    conn_break(p.client);
    conn_close(&p.client);
    cr_assert_eq(read_end(&p), WEIR_RESET);
    tls_close(&p);
}

Test(tls_bytes, a_close_with_bytes_left_is_no_orderly_end)
{
    static char block[20000];
    struct tls_pair_of p;
    size_t n;

    meet(&p);
    while (conn_write(p.client, &(struct iovec){block, sizeof block}, 1, &n) == WEIR_OK)
        ;
    conn_close(&p.client);
    cr_assert_eq(read_end(&p), WEIR_RESET);
    tls_close(&p);
}

Test(tls_bytes, a_forged_record_is_a_failure)
{
    struct tls_pair_of p;
    char buf[8];
    size_t n;

    meet(&p);
    cr_assert_eq(send(p.client->fd, "\x17\x03\x03\x00\x20 this was not encrypted by us ..", 37, 0),
                 37);
    wait_until(p.l, p.server_seen.readable > 0);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_TLS);
    cr_assert_eq(conn_read(p.server, buf, sizeof buf, &n), WEIR_TLS);
    tls_close(&p);
}

Test(tls_bytes, a_peer_that_goes_while_not_read_is_told)
{
    struct tls_pair_of p;

    meet(&p);
    conn_want_read(p.server, false);
    conn_break(p.client);
    conn_close(&p.client);
    wait_until(p.l, p.server_seen.hangup == 1);
    cr_assert(p.server_seen.reset);
    tls_close(&p);
}

/* After the handshake a server sends tickets, and an idle connection has nothing to read. */
Test(tls_bytes, tickets_are_no_bytes)
{
    struct tls_pair_of p;
    char byte;
    size_t n;

    meet(&p);
    cr_assert_eq(conn_read(p.client, &byte, 1, &n), WEIR_AGAIN);
    write_all(p.server, "x");
    wait_until(p.l, conn_read(p.client, &byte, 1, &n) == WEIR_OK);
    cr_assert_eq(conn_read(p.client, &byte, 1, &n), WEIR_AGAIN);
    conn_shutdown(p.server);
    wait_until(p.l, conn_read(p.client, &byte, 1, &n) == WEIR_CLOSED);
    tls_close(&p);
}

/* Resumption */

static struct tls_server *server;
static struct tls_client *client;

static bool meet_again(bool tidy)
{
    struct tls_pair_of p;
    bool reused;
    char byte;
    size_t n;

    tls_open(&p, server, client);
    tls_settle(&p);
    cr_assert(tls_both_open(&p), "%s | %s", p.client_seen.why, p.server_seen.why);
    cr_assert_eq(conn_read(p.client, &byte, 1, &n), WEIR_AGAIN, "this reads the tickets");
    reused = SSL_session_reused(p.client->tls->ssl) == 1;
    cr_assert_eq(reused, SSL_session_reused(p.server->tls->ssl) == 1);
    if (tidy)
        conn_shutdown(p.client);
    tls_close(&p);
    return reused;
}

static void prepare_resumption(int version)
{
    struct tls_server_conf c = {.first = {keys.a.file, keys.a.key_file}};

    server = must_serve(&c);
    client = must_trust(&keys, "a.example");
    cr_assert_eq(SSL_CTX_set_max_proto_version(client->ctx, version), 1);
}

static void end_resumption(void)
{
    tls_server_release(&server);
    tls_client_release(&client);
}

Test(tls_bytes, a_second_connection_resumes)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        prepare_resumption(version);
        cr_assert_not(meet_again(true));
        cr_assert(meet_again(true), "version %x", (unsigned)version);
        cr_assert(meet_again(false), "version %x", (unsigned)version);
        cr_assert(meet_again(true), "after a close without notice, version %x", (unsigned)version);
        end_resumption();
    }
}

Test(tls_bytes, a_ticket_outlives_one_change_of_key)
{
    prepare_resumption(TLS1_3_VERSION);
    cr_assert_not(meet_again(true));
    server->tickets.key[0].born_ns -= 3600 * NS_PER_S;
    cr_assert(meet_again(true));
    cr_assert_neq(server->tickets.key[1].born_ns, 0, "a fresh key is in front");
    cr_assert(meet_again(true));
    end_resumption();
}

Test(tls_bytes, a_ticket_does_not_outlive_its_key)
{
    prepare_resumption(TLS1_3_VERSION);
    cr_assert_not(meet_again(true));
    server->tickets.key[0].born_ns -= 3 * 3600 * NS_PER_S;
    cr_assert_not(meet_again(true));
    cr_assert(meet_again(true));
    end_resumption();
}

Test(tls_bytes, another_server_cannot_open_the_ticket)
{
    struct tls_server_conf c = {.first = {keys.a.file, keys.a.key_file}};

    prepare_resumption(TLS1_3_VERSION);
    cr_assert_not(meet_again(true));
    tls_server_release(&server);
    server = must_serve(&c);
    cr_assert_not(meet_again(true));
    end_resumption();
}
