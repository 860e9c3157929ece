/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "weir/net/addr.h"

static void on_ready(void *owner)
{
    ((struct redis_test *)owner)->ready++;
}

static void on_down(enum link_fault f, const char *why, void *owner)
{
    struct redis_test *t = owner;

    t->downs++;
    t->fault = f;
    (void)snprintf(t->why, sizeof t->why, "%s", why);
}

static const struct link_events events = {on_ready, on_down};

static void listen_on_loopback(struct redis_test *t)
{
    struct net_addr at;
    struct sockaddr_in in;
    socklen_t len = sizeof in;

    cr_assert_eq(net_addr_parse(SLICE_LIT("127.0.0.1:0"), &at), WEIR_OK);
    t->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(t->listening, &at.u.sa, at.len), 0);
    cr_assert_eq(listen(t->listening, 4), 0);
    cr_assert_eq(getsockname(t->listening, (struct sockaddr *)&in, &len), 0);
    t->means.hosts[0].port = ntohs(in.sin_port);
}

void redis_test_open(struct redis_test *t, const char *user, const char *password,
                     uint64_t timeout_ns)
{
    *t = (struct redis_test){.listening = -1, .other = -1};
    (void)snprintf(t->means.hosts[0].name, sizeof t->means.hosts[0].name, "127.0.0.1");
    t->means.n_hosts = 1;
    (void)snprintf(t->means.user, sizeof t->means.user, "%s", user);
    (void)snprintf(t->means.password, sizeof t->means.password, "%s", password);
    t->means.has_password = password[0] != '\0';
    listen_on_loopback(t);
    t->loop = loop_create();
    t->resolver = resolver_create(t->loop);
    t->link = link_create(t->loop, t->resolver, &t->means, timeout_ns, 1, &events, t);
    cr_assert_not_null(t->link);
}

void redis_test_close(struct redis_test *t)
{
    link_destroy(&t->link);
    resolver_destroy(&t->resolver);
    loop_destroy(&t->loop);
    if (t->other != -1)
        (void)close(t->other);
    (void)close(t->listening);
}

void redis_test_accept(struct redis_test *t)
{
    if (t->other != -1)
        (void)close(t->other);
    t->other = -1;
    wait_until(t, (t->other = accept4(t->listening, NULL, NULL, SOCK_NONBLOCK)) != -1);
}

/* Takes what has come; false: it is not all yet. */
static bool has_come(struct redis_test *t, char *got, size_t room, size_t wanted)
{
    size_t n = strlen(got);
    ssize_t more = recv(t->other, got + n, room - 1 - n, 0);

    if (more > 0)
        n += (size_t)more;
    return n >= wanted;
}

void redis_test_expect(struct redis_test *t, const char *bytes)
{
    char got[512] = "";

    wait_until(t, has_come(t, got, sizeof got, strlen(bytes)));
    cr_assert_str_eq(got, bytes);
}

void redis_test_say(struct redis_test *t, const char *bytes)
{
    cr_assert_eq(write(t->other, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

static void on_answer(const struct reply *r, void *arg)
{
    struct redis_test *t = arg;

    t->answers++;
    t->none += r == NULL;
    (void)snprintf(t->last, sizeof t->last, "%.*s", r == NULL ? 0 : (int)r->text.len,
                   r == NULL ? "" : r->text.p);
}

bool redis_test_ping(struct redis_test *t)
{
    return link_call(t->link, (struct slice[1]){SLICE_LIT("PING")}, 1, on_answer, t);
}
