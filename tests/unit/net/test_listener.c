/* SPDX-License-Identifier: Apache-2.0 */
/* Binding and accepting. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_test.h"
#include "weir/net/listener.h"

struct accepted {
    int fd[64], n;
    struct net_addr peer;
    struct listener **close_after; /* closes the listener when that many are in */
    int after;
};

static void on_client(int fd, const struct net_addr *peer, void *arg)
{
    struct accepted *a = arg;

    a->fd[a->n++] = fd;
    a->peer = *peer;
    if (a->close_after != NULL && a->n == a->after)
        listener_close(a->close_after);
}

static void close_all(struct accepted *a)
{
    for (int i = 0; i < a->n; i++)
        (void)close(a->fd[i]);
    a->n = 0;
}

static int dial(const struct net_addr *at)
{
    int fd = socket(at->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(connect(fd, &at->u.sa, at->len), 0);
    return fd;
}

Test(listener, hands_on_clients_with_their_address)
{
    struct loop *l = loop_create();
    struct accepted a = {0};
    struct net_addr at, client = {.len = sizeof client.u};
    int fd = listen_somewhere(&at), other, on = 0;
    socklen_t len = sizeof on;
    struct listener *s = listener_open(l, fd, on_client, &a);

    other = dial(&at);
    wait_until(l, a.n == 1);
    cr_assert_eq(getsockname(other, &client.u.sa, &client.len), 0);
    cr_assert(net_addr_equal(&a.peer, &client));
    cr_assert(fcntl(a.fd[0], F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(a.fd[0], F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(getsockopt(a.fd[0], IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    cr_assert_neq(on, 0, "inherited from the listening socket");
    listener_close(&s);
    cr_assert_null(s);
    close_all(&a);
    (void)close(other);
    (void)close(fd);
    loop_destroy(&l);
}

Test(listener, rests_while_paused)
{
    struct loop *l = loop_create();
    struct accepted a = {0};
    struct net_addr at;
    int fd = listen_somewhere(&at), other;
    struct listener *s = listener_open(l, fd, on_client, &a);

    listener_pause(s, true);
    other = dial(&at);
    settle(l);
    cr_assert_eq(a.n, 0);
    listener_pause(s, false);
    wait_until(l, a.n == 1);
    listener_close(&s);
    close_all(&a);
    (void)close(other);
    (void)close(fd);
    loop_destroy(&l);
}

Test(listener, may_be_closed_by_its_client)
{
    struct loop *l = loop_create();
    struct accepted a = {.after = 2};
    struct net_addr at;
    int fd = listen_somewhere(&at), other[4];
    struct listener *s;

    for (int i = 0; i < 4; i++)
        other[i] = dial(&at);
    s = listener_open(l, fd, on_client, &a);
    a.close_after = &s;
    wait_until(l, a.n == 2);
    settle(l);
    cr_assert_eq(a.n, 2);
    cr_assert_null(s);
    for (int i = 0; i < 4; i++)
        (void)close(other[i]);
    close_all(&a);
    (void)close(fd);
    loop_destroy(&l);
}

/* The descriptors are used up: it rests, does not spin, and comes back. */
Test(listener, survives_a_lack_of_descriptors)
{
    struct loop *l = loop_create();
    struct accepted a = {0};
    struct net_addr at;
    int fd = listen_somewhere(&at), other, spare[256], n = 0;
    struct listener *s = listener_open(l, fd, on_client, &a);
    struct rlimit few, before;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 100;
    other = dial(&at);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < 256 && (spare[n] = dup(fd)) != -1)
        n++;
    settle(l);
    cr_assert_eq(a.n, 0);
    while (n > 0)
        (void)close(spare[--n]);
    settle(l);
    cr_assert_eq(a.n, 0, "it rests for a while");
    wait_until(l, a.n == 1);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    listener_close(&s);
    close_all(&a);
    (void)close(other);
    (void)close(fd);
    loop_destroy(&l);
}

/* Binding */

static struct net_addr parse(const char *text)
{
    struct net_addr a;

    cr_assert_eq(net_addr_parse(slice_str(text), &a), WEIR_OK, "%s", text);
    return a;
}

Test(listen_bind, an_address_taken_is_refused_and_says_so)
{
    const char *why = NULL;
    struct net_addr at;
    int fd = listen_somewhere(&at), second = -1;

    cr_assert_eq(listen_bind(&at, 1, 0, 0, &second, &why), WEIR_REFUSED);
    cr_assert_eq(errno, EADDRINUSE);
    cr_assert_str_eq(why, "another program listens on this address");
    cr_assert_eq(second, -1);
    cr_assert_eq(listen_probe(&at, 0, &why), WEIR_REFUSED);
    (void)close(fd);
    cr_assert_eq(listen_probe(&at, 0, &why), WEIR_OK);
}

Test(listen_bind, a_shared_address_is_bound_by_each_worker_but_probed_as_taken)
{
    const char *why = NULL;
    struct net_addr at = parse("127.0.0.1:0");
    int first, second;

    cr_assert_eq(listen_bind(&at, 1, LISTEN_SHARED, 0, &first, &why), WEIR_OK, "%s", why);
    at.len = sizeof at.u;
    cr_assert_eq(getsockname(first, &at.u.sa, &at.len), 0);
    cr_assert_eq(listen_bind(&at, 1, LISTEN_SHARED, 0, &second, &why), WEIR_OK, "%s", why);
    cr_assert_eq(listen_probe(&at, 0, &why), WEIR_REFUSED);
    (void)close(first);
    (void)close(second);
}

Test(listen_bind, an_address_of_another_machine_is_refused)
{
    const char *why = NULL;
    struct net_addr at = parse("192.0.2.1:0");
    int fd;

    cr_assert_eq(listen_bind(&at, 1, 0, 0, &fd, &why), WEIR_REFUSED);
    cr_assert_str_eq(why, "this machine has no such address");
}

Test(listen_bind, ipv6_leaves_ipv4_alone_where_it_is_told_to)
{
    const char *why = NULL;
    struct net_addr six = parse("[::]:0"), four = parse("0.0.0.0:0");
    int fd6, fd4;

    cr_assert_eq(listen_bind(&six, 1, LISTEN_IPV6_ONLY, 0, &fd6, &why), WEIR_OK, "%s", why);
    six.len = sizeof six.u;
    cr_assert_eq(getsockname(fd6, &six.u.sa, &six.len), 0);
    four.u.in.sin_port = six.u.in6.sin6_port;
    cr_assert_eq(listen_bind(&four, 1, 0, 0, &fd4, &why), WEIR_OK, "%s", why);
    (void)close(fd6);
    (void)close(fd4);
}

static void see_ipv4(int fd, const struct net_addr *peer, void *arg)
{
    struct net_addr *seen = arg;

    *seen = *peer;
    (void)close(fd);
}

Test(listener, an_ipv6_address_takes_ipv4_as_well_and_shows_it_as_ipv4)
{
    struct loop *l = loop_create();
    const char *why = NULL;
    struct net_addr six = parse("[::]:0"), four = parse("127.0.0.1:0"), seen = {0};
    struct listener *listener;
    int fd, client = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(listen_bind(&six, 1, 0, 0, &fd, &why), WEIR_OK, "%s", why);
    six.len = sizeof six.u;
    cr_assert_eq(getsockname(fd, &six.u.sa, &six.len), 0);
    four.u.in.sin_port = six.u.in6.sin6_port;
    cr_assert_eq(listen_probe(&four, 0, &why), WEIR_REFUSED);
    listener = listener_open(l, fd, see_ipv4, &seen);
    cr_assert_eq(connect(client, &four.u.sa, four.len), 0);
    for (int i = 0; i < 1000 && seen.len == 0; i++)
        loop_poll(l);
    cr_assert_eq(seen.u.sa.sa_family, AF_INET);
    cr_assert_eq(seen.u.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    (void)close(client);
    listener_close(&listener);
    (void)close(fd);
    loop_destroy(&l);
}

struct place {
    char folder[32], text[64];
    struct net_addr at;
};

static void place_make(struct place *p)
{
    *p = (struct place){.folder = "/tmp/weir-test-XXXXXX"};
    cr_assert_not_null(mkdtemp(p->folder));
    (void)snprintf(p->text, sizeof p->text, "unix:%s/s", p->folder);
    p->at = parse(p->text);
}

static void place_forget(struct place *p)
{
    (void)unlink(p->at.u.un.sun_path);
    (void)rmdir(p->folder);
}

Test(listen_bind, a_unix_socket_has_its_mode_and_unnamed_peers)
{
    struct loop *l = loop_create();
    struct accepted a = {0};
    const char *why = NULL;
    char text[NET_ADDR_TEXT_MAX];
    struct listener *s;
    struct place p;
    struct stat st;
    int fd, other;

    place_make(&p);
    cr_assert_eq(listen_bind(&p.at, 4, 0, 0660, &fd, &why), WEIR_OK, "%s", why);
    cr_assert_eq(stat(p.at.u.un.sun_path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0660);
    s = listener_open(l, fd, on_client, &a);
    other = dial(&p.at);
    wait_until(l, a.n == 1);
    net_addr_format(&a.peer, text);
    cr_assert_str_eq(text, "unix:");
    listener_close(&s);
    close_all(&a);
    (void)close(other);
    (void)close(fd);
    place_forget(&p);
    loop_destroy(&l);
}

Test(listen_bind, a_dead_socket_file_is_replaced_a_live_one_is_not)
{
    const char *why = NULL;
    struct place p;
    int fd, second = -1;

    place_make(&p);
    cr_assert_eq(listen_bind(&p.at, 4, 0, 0600, &fd, &why), WEIR_OK, "%s", why);
    cr_assert_eq(listen_bind(&p.at, 4, 0, 0600, &second, &why), WEIR_REFUSED);
    cr_assert_str_eq(why, "another program listens on this path");
    cr_assert_eq(listen_probe(&p.at, 0, &why), WEIR_REFUSED);
    (void)close(dial(&p.at)); /* the live one is still reached */
    (void)close(fd);
    cr_assert_eq(listen_probe(&p.at, 0, &why), WEIR_OK);
    cr_assert_eq(listen_bind(&p.at, 4, 0, 0600, &fd, &why), WEIR_OK, "%s", why);
    (void)close(fd);
    place_forget(&p);
}

Test(listen_bind, a_file_in_the_way_is_left_alone)
{
    const char *why = NULL;
    struct place p;
    struct stat st;
    int fd;

    place_make(&p);
    (void)close(open(p.at.u.un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(listen_bind(&p.at, 4, 0, 0600, &fd, &why), WEIR_REFUSED);
    cr_assert_str_eq(why, "a file that is not a socket has this name");
    cr_assert_eq(stat(p.at.u.un.sun_path, &st), 0);
    place_forget(&p);
}
