/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lean backend: one epoll loop, a fixed answer, a wheel of streams.  One thread.  Connections
 * are an array indexed by descriptor; a request in pieces is rare and gets a buffer of its own.
 */
#include "bench/compare/null.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench/common/grow.h"
#include "bench/common/loop.h"
#include "bench/http/head.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/list.h"

enum { FD_MAX = 65536, READ_SIZE = 64 * 1024, EVENTS_AT_ONCE = 512, WHEEL_MAX = 60000 };

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 166\r\n\r\n"
    "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":0,\"model\":\"null\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ok\"},"
    "\"finish_reason\":\"stop\"}]}";

static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n";

#define EVENT_BEFORE                                                                               \
    "data: {\"id\":\"chatcmpl-0\",\"object\":\"chat.completion.chunk\",\"created\":0,"             \
    "\"model\":\"null\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t"
#define EVENT_AFTER " \"},\"finish_reason\":null}]}\n\n"
enum { EVENT_SIZE = sizeof EVENT_BEFORE - 1 + NULL_STAMP_DIGITS + sizeof EVENT_AFTER - 1 };

struct peer {
    bool open, streams;
    uint32_t left;    /* events of its stream; 0: without end */
    struct list node; /* on the wheel */
    struct grow part; /* of a request that is not whole yet */
};

struct null_server {
    struct null_conf conf;
    int epoll, listener, timer, signals;
    struct peer *peers; /* by descriptor */
    struct list *wheel; /* interval_ms places */
    uint32_t place, next_place;
    uint64_t started_ns, ticks;
};

static void watch(const struct null_server *s, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    WEIR_ASSERT(epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0);
}

static void forget(struct null_server *s, int fd)
{
    struct peer *p = &s->peers[fd];

    if (!p->open)
        return;
    list_remove(&p->node);
    grow_free(&p->part);
    p->open = p->streams = false;
    (void)close(fd);
}

static void send_all(struct null_server *s, int fd, const char *bytes, size_t n)
{
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

    /* a client that is too slow for a fixed answer has no place in a measurement */
    if (sent != (ssize_t)n)
        forget(s, fd);
}

static void send_event(struct null_server *s, int fd)
{
    char bytes[EVENT_SIZE + 16];
    int n = snprintf(bytes, sizeof bytes, "%x\r\n" EVENT_BEFORE "%0*" PRIu64 EVENT_AFTER "\r\n",
                     EVENT_SIZE, NULL_STAMP_DIGITS, mono_now_ns());

    send_all(s, fd, bytes, (size_t)n);
}

static void end_stream(struct null_server *s, int fd)
{
    static const char end[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    struct peer *p = &s->peers[fd];

    list_remove(&p->node);
    p->streams = false;
    send_all(s, fd, end, sizeof end - 1);
}

/* The next of a stream, and its end where that was the last. */
static void go_on(struct null_server *s, int fd)
{
    struct peer *p = &s->peers[fd];

    send_event(s, fd);
    if (p->open && p->left > 0 && --p->left == 0)
        end_stream(s, fd);
}

/* After "max_tokens":, 0 for none. */
static uint32_t most_events(struct slice body)
{
    static const char key[] = "\"max_tokens\":";
    const char *at = memmem(body.p, body.len, key, sizeof key - 1), *end = body.p + body.len;
    uint32_t n = 0;

    for (at = at == NULL ? end : at + sizeof key - 1; at < end && *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint32_t)(*at - '0');
    return n;
}

static void begin_stream(struct null_server *s, int fd, uint32_t events)
{
    struct peer *p = &s->peers[fd];

    send_all(s, fd, stream_head, sizeof stream_head - 1);
    if (!p->open)
        return;
    p->streams = true;
    p->left = events;
    s->next_place = (s->next_place + 7) % s->conf.interval_ms; /* spread over the wheel */
    list_push_back(&s->wheel[s->next_place], &p->node);
    go_on(s, fd);
}

/* One request off the front of *in.  False: not whole, or the peer is gone. */
static bool take_request(struct null_server *s, int fd, struct slice *in)
{
    struct head h;
    struct body b;
    struct slice content;

    if (head_parse(*in, &h) != WEIR_OK)
        return false;
    if (body_of_request(&h, &b) != WEIR_OK || b.kind == BODY_CHUNKED) {
        forget(s, fd);
        return false;
    }
    if (in->len < h.size + b.left)
        return false;
    content = slice_of(in->p + h.size, b.left);
    *in = slice_from(*in, h.size + b.left);
    if (content.len > 0 && memmem(content.p, content.len, "\"stream\":true", 13) != NULL)
        begin_stream(s, fd, most_events(content));
    else
        send_all(s, fd, answer, sizeof answer - 1);
    return s->peers[fd].open;
}

static void on_readable(struct null_server *s, int fd)
{
    char bytes[READ_SIZE];
    struct peer *p = &s->peers[fd];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    struct slice in;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        forget(s, fd);
        return;
    }
    if (p->streams)
        return;
    in = slice_of(bytes, (size_t)n);
    if (p->part.len > 0) {
        grow_put(&p->part, in);
        in = grow_slice(&p->part);
    }
    while (in.len > 0 && take_request(s, fd, &in))
        continue;
    if (!p->open)
        return;
    if (in.len == 0) {
        grow_clear(&p->part);
    } else if (p->part.len == 0) {
        grow_put(&p->part, in);
    } else {
        memmove(p->part.p, in.p, in.len);
        p->part.len = in.len;
    }
}

static void on_acceptable(struct null_server *s)
{
    int on = 1, fd;

    while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= FD_MAX) {
            (void)close(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        s->peers[fd].open = true;
        list_init(&s->peers[fd].node);
        watch(s, fd);
    }
}

/* The wheel moves a place a millisecond; after a delay it catches up, but never twice around. */
static void on_tick(struct null_server *s)
{
    uint64_t fired, due = (mono_now_ns() - s->started_ns) / NS_PER_MS;

    (void)!read(s->timer, &fired, sizeof fired);
    if (due > s->ticks + s->conf.interval_ms)
        s->ticks = due - s->conf.interval_ms;
    for (; s->ticks < due; s->ticks++) {
        struct list *place = &s->wheel[s->ticks % s->conf.interval_ms];
        LIST_EACH_SAFE(n, next, place)
        go_on(s, (int)(LIST_OBJECT(n, struct peer, node) - s->peers));
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

static int signal_descriptor(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void serve(struct null_server *s)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == s->signals)
                return;
            if (fd == s->listener)
                on_acceptable(s);
            else if (fd == s->timer)
                on_tick(s);
            else if (s->peers[fd].open)
                on_readable(s, fd);
        }
    }
}

static void set_up(struct null_server *s)
{
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};

    process_prepare();
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    s->signals = signal_descriptor();
    s->peers = calloc(FD_MAX, sizeof s->peers[0]);
    s->wheel = calloc(s->conf.interval_ms, sizeof s->wheel[0]);
    WEIR_ASSERT(s->epoll >= 0 && s->timer >= 0 && s->signals >= 0 && s->peers != NULL &&
                s->wheel != NULL && timerfd_settime(s->timer, 0, &every, NULL) == 0);
    for (uint32_t i = 0; i < s->conf.interval_ms; i++)
        list_init(&s->wheel[i]);
    s->started_ns = mono_now_ns();
    watch(s, s->listener);
    watch(s, s->timer);
    watch(s, s->signals);
}

int null_serve(const struct null_conf *conf)
{
    struct null_server s = {.conf = *conf};

    WEIR_ASSERT(conf->interval_ms > 0 && conf->interval_ms <= WHEEL_MAX);
    s.listener = listen_on(&conf->listen);
    if (s.listener < 0) {
        (void)fprintf(stderr, "weir-bench backend: cannot listen: %s\n", strerror(errno));
        return 1;
    }
    set_up(&s);
    (void)printf("backend: engine null, an event every %u ms\n", conf->interval_ms);
    (void)fflush(stdout);
    serve(&s);
    free(s.peers);
    free(s.wheel);
    return 0;
}
