/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver against a small name server of the test's own, over UDP and TCP on loopback. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "net_test.h"
#include "resolver_priv.h"
#include "weir/net/listener.h"

/* The server */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, NXDOMAIN = 3, SERVFAIL = 2 };

struct record {
    int type;
    unsigned ttl;
    const char *value; /* an address */
};

struct name_server {
    int udp, tcp;
    struct net_addr at;
    struct event *udp_ev, *tcp_ev, *tcp_conn_ev;
    int udp_questions, tcp_questions;
    char last_name[256];

    int rcode; /* what it says, to every question */
    bool truncate, silent, alias;
    const struct record *records;
    size_t n_records;
};

static size_t put16(unsigned char *at, unsigned n)
{
    at[0] = (unsigned char)(n >> 8);
    at[1] = (unsigned char)n;
    return 2;
}

static size_t put_record(unsigned char *at, const struct record *r)
{
    size_t len = r->type == TYPE_A ? 4 : 16, n = 0;

    n += put16(at + n, 0xc00c); /* the name in the question */
    n += put16(at + n, (unsigned)r->type);
    n += put16(at + n, 1);
    n += put16(at + n, r->ttl >> 16);
    n += put16(at + n, r->ttl & 0xffff);
    n += put16(at + n, (unsigned)len);
    cr_assert_eq(inet_pton(r->type == TYPE_A ? AF_INET : AF_INET6, r->value, at + n), 1);
    return n + len;
}

/* An alias of the name for itself: senseless, but it has a lifetime. */
static size_t put_alias(unsigned char *at)
{
    static const unsigned char alias[] = {0xc0, 12, 0, TYPE_CNAME, 0, 1,    0,
                                          0,    0,  7, 0,          2, 0xc0, 12};

    memcpy(at, alias, sizeof alias);
    return sizeof alias;
}

static size_t question_end(const unsigned char *q, char *name)
{
    size_t at = 12, n = 0;

    while (q[at] != 0) {
        memcpy(name + n, q + at + 1, q[at]);
        n += q[at];
        name[n++] = '.';
        at += 1u + q[at];
    }
    name[n == 0 ? 0 : n - 1] = '\0';
    return at + 5;
}

static size_t answer(struct name_server *s, const unsigned char *q, unsigned char *out, bool tcp)
{
    size_t n = question_end(q, s->last_name);
    int type = q[n - 4] << 8 | q[n - 3];
    bool cut = s->truncate && !tcp;
    unsigned count = 0;

    memcpy(out, q, n);
    (void)put16(out + 2, 0x8180u | (cut ? 0x0200u : 0u) | (unsigned)s->rcode);
    if (s->alias && ++count > 0)
        n += put_alias(out + n);
    for (size_t i = 0; !cut && s->rcode == 0 && i < s->n_records; i++) {
        if (s->records[i].type != type)
            continue;
        n += put_record(out + n, &s->records[i]);
        count++;
    }
    (void)put16(out + 6, count);
    (void)put16(out + 8, 0);
    (void)put16(out + 10, 0);
    return n;
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
    struct name_server *s = arg;
    unsigned char q[512], out[4096];
    struct net_addr from = {.len = sizeof from.u};
    ssize_t n = recvfrom(fd, q, sizeof q, 0, &from.u.sa, &from.len);

    (void)what;
    if (n < 17)
        return;
    s->udp_questions++;
    if (!s->silent)
        (void)sendto(fd, out, answer(s, q, out, false), 0, &from.u.sa, from.len);
}

static void on_tcp_question(evutil_socket_t fd, short what, void *arg)
{
    struct name_server *s = arg;
    unsigned char q[512], out[4096];
    ssize_t n = recv(fd, q, sizeof q, 0);

    (void)what;
    if (n < 19)
        return;
    s->tcp_questions++;
    n = (ssize_t)answer(s, q + 2, out + 2, true);
    (void)put16(out, (unsigned)n);
    (void)send(fd, out, (size_t)n + 2, 0);
}

static void on_tcp(evutil_socket_t fd, short what, void *arg)
{
    struct name_server *s = arg;
    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (s->tcp_conn_ev != NULL)
        event_free(s->tcp_conn_ev);
    s->tcp_conn_ev =
        event_new(event_get_base(s->tcp_ev), conn, EV_READ | EV_PERSIST, on_tcp_question, s);
    (void)event_add(s->tcp_conn_ev, NULL);
}

static void server_start(struct name_server *s, struct loop *l)
{
    *s = (struct name_server){.tcp = listen_somewhere(&s->at)};
    s->at.len = sizeof s->at.u;
    cr_assert_eq(getsockname(s->tcp, &s->at.u.sa, &s->at.len), 0);
    s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->udp, &s->at.u.sa, s->at.len), 0);
    s->udp_ev = event_new(loop_base(l), s->udp, EV_READ | EV_PERSIST, on_udp, s);
    s->tcp_ev = event_new(loop_base(l), s->tcp, EV_READ | EV_PERSIST, on_tcp, s);
    (void)event_add(s->udp_ev, NULL);
    (void)event_add(s->tcp_ev, NULL);
}

static void server_stop(struct name_server *s)
{
    event_free(s->udp_ev);
    event_free(s->tcp_ev);
    if (s->tcp_conn_ev != NULL) {
        (void)close(event_get_fd(s->tcp_conn_ev));
        event_free(s->tcp_conn_ev);
    }
    (void)close(s->udp);
    (void)close(s->tcp);
}

/* The watcher */

struct told {
    int times;
    size_t n;
    char text[1024]; /* the addresses, sorted, or the complaint */
    struct resolver_watch **unwatch;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void on_told(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    char lines[RESOLVER_ADDRS_MAX][NET_ADDR_TEXT_MAX];
    struct told *t = arg;

    t->times++;
    t->n = n;
    (void)snprintf(t->text, sizeof t->text, "%s", n == 0 ? why : "");
    for (size_t i = 0; i < n; i++)
        net_addr_format(&addrs[i], lines[i]);
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(t->text);

        (void)snprintf(t->text + at, sizeof t->text - at, "%s%s", i == 0 ? "" : " ", lines[i]);
    }
    if (t->unwatch != NULL)
        resolver_unwatch(t->unwatch);
}

struct bench {
    struct loop *l;
    struct resolver *r;
    struct name_server s;
    struct resolver_watch *w;
    struct told told;
};

static void set_up(struct bench *b, const struct record *records, size_t n)
{
    *b = (struct bench){.l = loop_create()};
    b->r = resolver_create(b->l);
    cr_assert_not_null(b->r);
    server_start(&b->s, b->l);
    b->s.records = records;
    b->s.n_records = n;
    cr_assert_eq(resolver_use_server(b->r, &b->s.at), WEIR_OK);
    b->w = resolver_watch(b->r, "backend.example.com", 8000, on_told, &b->told);
    cr_assert_not_null(b->w);
    cr_assert_eq(b->told.times, 0, "told from the loop only");
}

static void tear_down(struct bench *b)
{
    resolver_destroy(&b->r);
    server_stop(&b->s);
    loop_destroy(&b->l);
}

/* As if the answer's time were up. */
static void time_passes(struct bench *b)
{
    int before = b->s.udp_questions;

    loop_timer_stop(&b->w->timer);
    loop_timer_at(&b->w->timer, 1);
    wait_until(b->l, b->s.udp_questions > before && !b->w->pending);
}

static double next_look_s(const struct bench *b)
{
    return (double)(b->w->timer.due_ns - loop_now_ns(b->l)) / 1e9;
}

static const struct record both[] = {
    {TYPE_A, 60, "192.0.2.1"}, {TYPE_A, 50, "192.0.2.2"}, {TYPE_AAAA, 70, "2001:db8::1"}};

Test(resolver, finds_addresses_of_both_families)
{
    struct bench b;

    set_up(&b, both, 3);
    wait_until(b.l, b.told.times == 1);
    cr_assert_str_eq(b.told.text, "192.0.2.1:8000 192.0.2.2:8000 [2001:db8::1]:8000");
    cr_assert_str_eq(b.s.last_name, "backend.example.com");
    cr_assert_eq(b.s.udp_questions, 2);
    tear_down(&b);
}

Test(resolver, asks_again_when_the_shortest_lifetime_is_up)
{
    struct bench b;

    set_up(&b, both, 3);
    wait_until(b.l, b.told.times == 1);
    cr_assert_float_eq(next_look_s(&b), 50, 1);
    time_passes(&b);
    cr_assert_eq(b.told.times, 1, "nothing new");
    b.s.n_records = 1;
    time_passes(&b);
    cr_assert_eq(b.told.times, 2);
    cr_assert_str_eq(b.told.text, "192.0.2.1:8000");
    tear_down(&b);
}

Test(resolver, another_order_is_no_news)
{
    static const struct record turned[] = {
        {TYPE_A, 50, "192.0.2.2"}, {TYPE_A, 60, "192.0.2.1"}, {TYPE_AAAA, 70, "2001:db8::1"}};
    struct bench b;

    set_up(&b, both, 3);
    wait_until(b.l, b.told.times == 1);
    b.s.records = turned;
    time_passes(&b);
    cr_assert_eq(b.told.times, 1);
    tear_down(&b);
}

Test(resolver, lifetimes_are_clamped)
{
    static const struct record none[] = {{TYPE_A, 0, "192.0.2.1"}};
    static const struct record ever[] = {{TYPE_A, 2000000, "192.0.2.1"}};
    struct bench b;

    set_up(&b, none, 1);
    wait_until(b.l, b.told.times == 1);
    cr_assert_float_eq(next_look_s(&b), 1, 0.5);
    b.s.records = ever;
    time_passes(&b);
    cr_assert_float_eq(next_look_s(&b), 3600, 1);
    tear_down(&b);
}

Test(resolver, a_short_lived_alias_counts)
{
    struct bench b;

    set_up(&b, both, 3);
    b.s.alias = true;
    wait_until(b.l, b.told.times == 1);
    cr_assert_eq(b.told.n, 3);
    cr_assert_float_eq(next_look_s(&b), 7, 1);
    tear_down(&b);
}

Test(resolver, a_failure_is_told_once_and_the_recovery_too)
{
    struct bench b;

    set_up(&b, both, 3);
    wait_until(b.l, b.told.times == 1);
    b.s.rcode = NXDOMAIN;
    time_passes(&b);
    cr_assert_eq(b.told.times, 2);
    cr_assert_eq(b.told.n, 0);
    cr_assert_str_eq(b.told.text, "Domain name not found");
    cr_assert_float_eq(next_look_s(&b), 5, 0.5);
    time_passes(&b);
    cr_assert_eq(b.told.times, 2);
    b.s.rcode = 0;
    time_passes(&b);
    cr_assert_eq(b.told.times, 3);
    cr_assert_eq(b.told.n, 3, "the same addresses, but they are back");
    tear_down(&b);
}

Test(resolver, a_name_without_addresses_is_a_failure)
{
    struct bench b;

    set_up(&b, NULL, 0);
    wait_until(b.l, b.told.times == 1);
    cr_assert_eq(b.told.n, 0);
    tear_down(&b);
}

Test(resolver, an_answer_too_long_for_a_datagram_is_fetched_by_tcp)
{
    static struct record many[40];
    static char text[40][16];
    struct bench b;

    for (int i = 0; i < 40; i++) {
        (void)snprintf(text[i], sizeof text[i], "192.0.2.%d", i + 1);
        many[i] = (struct record){TYPE_A, 60, text[i]};
    }
    set_up(&b, many, 40);
    b.s.truncate = true;
    wait_until(b.l, b.told.times == 1);
    cr_assert_gt(b.s.tcp_questions, 0);
    cr_assert_eq(b.told.n, RESOLVER_ADDRS_MAX);
    tear_down(&b);
}

Test(resolver, a_silent_server_does_not_block_the_loop)
{
    struct bench b;
    int rounds = 0;

    set_up(&b, both, 3);
    b.s.silent = true;
    wait_until(b.l, b.s.udp_questions >= 2 && ++rounds > 100);
    cr_assert_eq(b.told.times, 0);
    cr_assert(b.w->pending);
    tear_down(&b); /* with the question under way */
}

Test(resolver, a_watch_may_end_at_any_time)
{
    struct bench b;

    set_up(&b, both, 3);
    b.s.silent = true;
    wait_until(b.l, b.s.udp_questions == 2);
    resolver_unwatch(&b.w);
    cr_assert_null(b.w);
    b.w = resolver_watch(b.r, "other.example.com", 1, on_told, &b.told);
    b.s.silent = false;
    b.told.unwatch = &b.w;
    wait_until(b.l, b.told.times == 1);
    cr_assert_null(b.w);
    settle(b.l);
    tear_down(&b);
}

Test(resolver, numbers_and_this_machine_need_no_server)
{
    static const struct {
        const char *host, *text;
    } rows[] = {{"192.0.2.9", "192.0.2.9:80"},
                {"2001:db8::9", "[2001:db8::9]:80"},
                {"localhost", "127.0.0.1:80"},
                {"Chat.LOCALHOST", "127.0.0.1:80"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;

        set_up(&b, NULL, 0);
        resolver_unwatch(&b.w);
        b.w = resolver_watch(b.r, rows[i].host, 80, on_told, &b.told);
        wait_until(b.l, b.told.times == 1);
        cr_assert_not_null(strstr(b.told.text, rows[i].text), "%s", b.told.text);
        cr_assert_eq(b.s.udp_questions, 0);
        tear_down(&b);
    }
}

Test(resolver, a_host_that_is_too_long_is_not_watched)
{
    struct loop *l = loop_create();
    struct resolver *r = resolver_create(l);
    char host[300];

    memset(host, 'a', sizeof host);
    host[sizeof host - 1] = '\0';
    cr_assert_null(resolver_watch(r, host, 80, on_told, NULL));
    resolver_destroy(&r);
    loop_destroy(&l);
}
