/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of net/ share. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "weir/net/listener.h"

static void after(struct conn *c, struct seen *s)
{
    if (s->then != NULL)
        s->then(c, s);
}

static void on_open(struct conn *c, void *owner)
{
    struct seen *s = owner;

    s->open++;
    after(c, s);
}

static void on_fail(struct conn *c, void *owner, enum weir_status status, const char *why)
{
    struct seen *s = owner;

    s->fail++;
    s->status = status;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
    after(c, s);
}

static void on_readable(struct conn *c, void *owner)
{
    struct seen *s = owner;

    s->readable++;
    after(c, s);
}

static void on_writable(struct conn *c, void *owner)
{
    struct seen *s = owner;

    s->writable++;
    after(c, s);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct seen *s = owner;

    s->hangup++;
    s->reset = reset;
    after(c, s);
}

const struct conn_events counting = {on_open, on_fail, on_readable, on_writable, on_hangup};
const struct conn_events no_hangup = {on_open, on_fail, on_readable, on_writable, NULL};

void settle(struct loop *l)
{
    for (int i = 0; i < 5; i++)
        loop_poll(l);
}

int listen_somewhere(struct net_addr *at)
{
    const char *why = NULL;
    struct net_addr a;
    int fd = -1;

    cr_assert_eq(net_addr_parse(SLICE_LIT("127.0.0.1:0"), &a), WEIR_OK);
    cr_assert_eq(listen_bind(&a, 16, 0, 0, &fd, &why), WEIR_OK, "%s", why);
    at->len = sizeof at->u;
    cr_assert_eq(getsockname(fd, &at->u.sa, &at->len), 0);
    return fd;
}

void tcp_pair(int *ours, int *other)
{
    struct net_addr at;
    int listening = listen_somewhere(&at);

    *other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(*other, &at.u.sa, at.len), 0);
    *ours = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert_neq(*ours, -1);
    (void)close(listening);
}

void pair_open(struct pair *p)
{
    int ours;

    *p = (struct pair){.l = loop_create()};
    cr_assert_not_null(p->l);
    p->seen.loop = p->l;
    tcp_pair(&ours, &p->other);
    p->c = conn_accept(p->l, ours, NULL, NULL, 0, &counting, &p->seen);
    cr_assert_not_null(p->c);
}

void pair_break(struct pair *p)
{
    struct linger at_once = {.l_onoff = 1};

    cr_assert_eq(setsockopt(p->other, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    cr_assert_eq(close(p->other), 0);
    p->other = -1;
}

void pair_close(struct pair *p)
{
    conn_close(&p->c);
    if (p->other != -1)
        (void)close(p->other);
    loop_destroy(&p->l);
}
