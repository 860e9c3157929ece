/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weir-bench relay`: what a relay costs at least.  Bytes from a client to one upstream connection
 * of its own and back, one recv and one send each, nothing parsed.  The limit the proxies are
 * measured against.  One epoll loop, one thread.
 * Told to, it does one thing wrong (wrong.h), for the harness to find out.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/loop.h"
#include "bench/common/units.h"
#include "bench/compare/held.h"
#include "bench/compare/wrong.h"
#include "weir/base/assert.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"

enum { FD_MAX = 65536, READ_SIZE = 64 * 1024, EVENTS_AT_ONCE = 512 };
static const size_t unsent_max = (size_t)4 << 20;

/* One side of a pair, by its descriptor. */
struct side {
    bool open, waits; /* waits: for room, EPOLLOUT is on */
    bool is_client;
    int other;
    struct buf unsent; /* bytes that are to go out here */
    uint64_t number;   /* of the pair */
    size_t answered;   /* bytes a client got, for a relay that cuts */
};

struct relay {
    int epoll, listener, signals;
    struct address upstream;
    struct side *sides;
    uint64_t n_pairs;
    struct wrong wrong;
    struct list held; /* of a relay that delays */
    struct grow said; /* by the relay itself */
};

static void watch(const struct relay *r, int fd, uint32_t what, int op)
{
    struct epoll_event e = {.events = what, .data.fd = fd};

    WEIR_ASSERT(epoll_ctl(r->epoll, op, fd, &e) == 0);
}

static void forget_one(struct relay *r, int fd)
{
    struct side *s = &r->sides[fd];

    if (!s->open)
        return;
    buf_free(&s->unsent);
    s->open = s->waits = false;
    (void)close(fd);
}

static void forget(struct relay *r, int fd)
{
    int other = r->sides[fd].other;

    forget_one(r, fd);
    forget_one(r, other);
}

static void wait_for_room(struct relay *r, int fd, bool on)
{
    struct side *s = &r->sides[fd];

    if (s->waits == on)
        return;
    s->waits = on;
    watch(r, fd, on ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void send_on(struct relay *r, int fd, struct slice bytes)
{
    struct side *s = &r->sides[fd];
    ssize_t n = 0;

    if (buf_empty(&s->unsent)) {
        n = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != ENOTCONN) {
            forget(r, fd);
            return;
        }
        n = n < 0 ? 0 : n;
    }
    bytes = slice_from(bytes, (size_t)n);
    if (bytes.len == 0)
        return;
    if (buf_append(&s->unsent, bytes, unsent_max) != WEIR_OK)
        forget(r, fd);
    else
        wait_for_room(r, fd, true);
}

static void release_held(struct relay *r)
{
    struct held *h;

    while ((h = held_take(&r->held, mono_now_ns())) != NULL) {
        if (r->sides[h->fd].open && r->sides[h->fd].number == h->whose)
            send_on(r, h->fd, slice_of(h->bytes, h->n));
        free(h);
    }
}

static void cut(struct relay *r, int client, struct slice bytes)
{
    struct side *s = &r->sides[client];
    size_t room = r->wrong.cut_bytes - s->answered;

    if (bytes.len < room) {
        s->answered += bytes.len;
        send_on(r, client, bytes);
        return;
    }
    send_on(r, client, slice_of(bytes.p, room));
    if (s->open)
        forget(r, client);
}

static void answer_wrongly(struct relay *r, int client, struct slice bytes)
{
    switch (r->wrong.kind) {
    case WRONG_NOTHING:
    case WRONG_NULL:
    case WRONG_LIE:
    case WRONG_ALTER: /* done where they were read */
        send_on(r, client, bytes);
        return;
    case WRONG_DELAY:
        held_add(&r->held, client, r->sides[client].number, mono_now_ns() + r->wrong.delay_ns,
                 bytes);
        return;
    case WRONG_CUT:
        cut(r, client, bytes);
        return;
    }
    WEIR_UNREACHABLE("what is wrong with a relay");
}

static void pass(struct relay *r, int fd, struct slice bytes)
{
    const struct side *s = &r->sides[fd];

    if (r->wrong.kind == WRONG_NOTHING) {
        send_on(r, s->other, bytes);
        return;
    }
    if (!s->is_client) {
        answer_wrongly(r, s->other, bytes);
        return;
    }
    grow_clear(&r->said);
    if (wrong_answer(&r->wrong, bytes, &r->said))
        send_on(r, fd, grow_slice(&r->said));
    else
        send_on(r, s->other, bytes);
}

static void on_readable(struct relay *r, int fd)
{
    char bytes[READ_SIZE];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0 && r->wrong.kind == WRONG_ALTER && !r->sides[fd].is_client)
        wrong_alter(bytes, (size_t)n);
    if (n <= 0)
        forget(r, fd);
    else
        pass(r, fd, slice_of(bytes, (size_t)n));
}

static void on_writable(struct relay *r, int fd)
{
    struct side *s = &r->sides[fd];

    while (!buf_empty(&s->unsent)) {
        struct slice bytes = buf_slice(&s->unsent);
        ssize_t n = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            forget(r, fd);
            return;
        }
        buf_consume(&s->unsent, (size_t)n);
    }
    wait_for_room(r, fd, false);
}

static void take(struct relay *r, int fd, int other, bool is_client)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    r->sides[fd] =
        (struct side){.open = true, .is_client = is_client, .other = other, .number = r->n_pairs};
    watch(r, fd, EPOLLIN, EPOLL_CTL_ADD);
}

static void on_acceptable(struct relay *r)
{
    int client, up;

    while ((client = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        up = socket(r->upstream.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (client >= FD_MAX || up < 0 || up >= FD_MAX ||
            (connect(up, (struct sockaddr *)&r->upstream.sa, r->upstream.len) != 0 &&
             errno != EINPROGRESS)) {
            (void)close(client);
            if (up >= 0)
                (void)close(up);
            continue;
        }
        r->n_pairs++;
        take(r, client, up, true);
        take(r, up, client, false);
    }
}

static void serve(struct relay *r)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        int wait_ms = list_empty(&r->held) ? -1 : held_wait_ms(&r->held, mono_now_ns());
        int n = epoll_wait(r->epoll, events, EVENTS_AT_ONCE, wait_ms);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == r->signals)
                return;
            if (fd == r->listener) {
                on_acceptable(r);
                continue;
            }
            if (r->sides[fd].open && (events[i].events & EPOLLOUT) != 0)
                on_writable(r, fd);
            if (r->sides[fd].open && (events[i].events & (uint32_t)~EPOLLOUT) != 0)
                on_readable(r, fd);
        }
        if (!list_empty(&r->held))
            release_held(r);
    }
}

static int listen_on(const struct address *a)
{
    int on = 1, fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0 && listen(fd, 4096) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void set_up(struct relay *r)
{
    sigset_t set;

    process_prepare();
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    r->signals = signalfd(-1, &set, SFD_CLOEXEC);
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->sides = calloc(FD_MAX, sizeof r->sides[0]);
    list_init(&r->held);
    WEIR_ASSERT(r->signals >= 0 && r->epoll >= 0 && r->sides != NULL);
    watch(r, r->listener, EPOLLIN, EPOLL_CTL_ADD);
    watch(r, r->signals, EPOLLIN, EPOLL_CTL_ADD);
}

struct options {
    const char *listen, *to, *wrong;
};

static const struct opt opts[] = {
    {"listen", "HOST:PORT", OPT_TEXT, offsetof(struct options, listen), 0, 0,
     "where it accepts (127.0.0.1:8081)"},
    {"to", "HOST:PORT", OPT_TEXT, offsetof(struct options, to), 0, 0,
     "where the bytes go (127.0.0.1:8000)"},
    {"wrong", "WHAT", OPT_TEXT, offsetof(struct options, wrong), 0, 0,
     "do one thing wrong, to see it found out: delay=300ms (answers), cut=2000 (bytes), alter,\n"
     "null (200 with nothing), lie=1 (half of the people are refused with this Retry-After,\n"
     "and again when they come back)"},
};

static const struct cli cli = {.name = "relay",
                               .usage = "[options]",
                               .summary = "Relays bytes and does nothing else: the limit proxies "
                                          "are measured against.",
                               .opts = opts,
                               .n_opts = sizeof opts / sizeof opts[0]};

int cmd_relay(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:8081", .to = "127.0.0.1:8000"};
    struct relay r = {0};
    struct address a;

    switch (cli_parse(&cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    if (address_parse(slice_str(o.listen), &a) != WEIR_OK ||
        address_parse(slice_str(o.to), &r.upstream) != WEIR_OK)
        return cli_wrong(&cli, "wanted addresses as HOST:PORT");
    if (o.wrong != NULL && wrong_parse(slice_str(o.wrong), &r.wrong) != WEIR_OK)
        return cli_wrong(
            &cli, "--wrong %s: wanted delay=TIME, cut=BYTES, null, alter or lie=SECONDS", o.wrong);
    r.listener = listen_on(&a);
    if (r.listener < 0) {
        (void)cli_wrong(&cli, "cannot listen on %s: %s", o.listen, strerror(errno));
        return 1;
    }
    set_up(&r);
    serve(&r);
    held_clear(&r.held);
    grow_free(&r.said);
    free(r.sides);
    return 0;
}
