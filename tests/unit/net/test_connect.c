/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, over loopback TCP and unix sockets. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_test.h"
#include "weir/net/listener.h"

static struct conn *connect_to(struct loop *l, const char *text, struct seen *seen)
{
    struct net_addr a;

    cr_assert_eq(net_addr_parse(slice_str(text), &a), WEIR_OK);
    return conn_connect(l, &a, NULL, SLICE_NONE, 5 * NS_PER_S, &counting, seen);
}

Test(connect, opens_and_moves_bytes)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct net_addr at;
    int listening = listen_somewhere(&at), other;
    struct conn *c = conn_connect(l, &at, NULL, SLICE_NONE, NS_PER_S, &counting, &seen);
    char buf[4];
    size_t n;

    cr_assert_not_null(c);
    cr_assert_eq(seen.open, 0, "told from the loop only");
    wait_until(l, seen.open == 1);
    cr_assert_eq(seen.fail, 0);
    wait_until(l, (other = accept(listening, NULL, NULL)) != -1);
    cr_assert_eq(send(other, "hi", 2, 0), 2);
    wait_until(l, seen.readable > 0);
    cr_assert_eq(conn_read(c, buf, sizeof buf, &n), WEIR_OK);
    cr_assert(net_addr_equal(conn_peer(c), &at));
    conn_close(&c);
    (void)close(other);
    (void)close(listening);
    loop_destroy(&l);
}

Test(connect, nobody_listening_is_refused)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct net_addr at;
    int listening = listen_somewhere(&at);
    struct conn *c;

    (void)close(listening);
    c = conn_connect(l, &at, NULL, SLICE_NONE, NS_PER_S, &counting, &seen);
    wait_until(l, seen.fail == 1);
    cr_assert_eq(seen.status, WEIR_REFUSED);
    cr_assert_str_eq(seen.why, "Connection refused");
    conn_close(&c);
    loop_destroy(&l);
}

Test(connect, a_missing_unix_socket_is_refused_from_the_loop)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct conn *c = connect_to(l, "unix:/nonexistent/weir.sock", &seen);

    cr_assert_eq(seen.fail, 0);
    loop_poll(l);
    cr_assert_eq(seen.fail, 1);
    cr_assert_eq(seen.status, WEIR_REFUSED);
    cr_assert_str_eq(seen.why, "there is no socket at this path");
    conn_close(&c);
    loop_destroy(&l);
}

Test(connect, may_be_given_up_before_it_is_decided)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct conn *c = connect_to(l, "unix:/nonexistent/weir.sock", &seen);

    conn_close(&c);
    settle(l);
    cr_assert_eq(seen.fail + seen.open, 0);
    loop_destroy(&l);
}

/* A backlog of one that nobody empties: the kernel drops further SYNs. */
Test(connect, a_silent_peer_times_out)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct conn *c[8];
    struct net_addr at;
    int listening = listen_somewhere(&at);

    cr_assert_eq(listen(listening, 0), 0);
    for (int i = 0; i < 8; i++)
        c[i] = conn_connect(l, &at, NULL, SLICE_NONE, 20 * NS_PER_MS, &counting, &seen);
    wait_until(l, seen.fail > 0);
    cr_assert_eq(seen.status, WEIR_TIMEOUT);
    for (int i = 0; i < 8; i++)
        conn_close(&c[i]);
    (void)close(listening);
    loop_destroy(&l);
}

/* What comes before anything else */

Test(connect, first_bytes_are_sent_before_any_other)
{
    struct loop *l = loop_create();
    struct seen seen = {0};
    struct net_addr at;
    int listening = listen_somewhere(&at), other;
    struct conn *c = conn_connect(l, &at, NULL, SLICE_LIT("first "), NS_PER_S, &counting, &seen);
    struct slice rest = SLICE_LIT("then");
    char got[16] = "";

    wait_until(l, seen.open + seen.fail > 0);
    cr_assert_eq(seen.open, 1);
    cr_assert_eq(conn_write_all(c, &rest), WEIR_OK);
    other = accept(listening, NULL, NULL);
    cr_assert_eq(recv(other, got, 10, MSG_WAITALL), 10);
    cr_assert_str_eq(got, "first then");
    conn_close(&c);
    (void)close(other);
    (void)close(listening);
    loop_destroy(&l);
}

/* Unix sockets */

Test(connect, works_over_a_unix_socket)
{
    char folder[] = "/tmp/weir-test-XXXXXX", text[64];
    struct loop *l = loop_create();
    struct seen seen = {0};
    const char *why = NULL;
    struct net_addr a;
    struct conn *c;
    int listening, other;
    size_t n;
    char buf[4];

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(text, sizeof text, "unix:%s/s", folder);
    cr_assert_eq(net_addr_parse(slice_str(text), &a), WEIR_OK);
    cr_assert_eq(listen_bind(&a, 4, 0, 0600, &listening, &why), WEIR_OK, "%s", why);
    c = connect_to(l, text, &seen);
    cr_assert_eq(seen.open, 0);
    wait_until(l, seen.open == 1);
    other = accept(listening, NULL, NULL);
    conn_want_read(c, false);
    cr_assert_eq(send(other, "hi", 2, 0), 2);
    settle(l);
    cr_assert_eq(close(other), 0);
    wait_until(l, seen.hangup == 1);
    conn_want_read(c, true);
    wait_until(l, seen.readable > 0);
    cr_assert_eq(conn_read(c, buf, sizeof buf, &n), WEIR_OK);
    cr_assert_eq(conn_read(c, buf, sizeof buf, &n), WEIR_CLOSED);
    conn_close(&c);
    (void)close(listening);
    (void)unlink(a.u.un.sun_path);
    (void)rmdir(folder);
    loop_destroy(&l);
}
