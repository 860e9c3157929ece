/* SPDX-License-Identifier: Apache-2.0 */
/* The lean client: one epoll loop over an array of connections.  One thread. */
#include "bench/compare/hammer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/compare/null.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"

enum { READ_SIZE = 64 * 1024, EVENTS_AT_ONCE = 512, REQUEST_MAX = 1024, KEPT = 2048, WAIT_MS = 50 };

enum strand_state {
    STRAND_CLOSED,
    STRAND_OPENING, /* connected or not, nothing has come back yet */
    STRAND_OPEN,    /* has had an answer (or its stream's first event) */
};

struct strand {
    int fd;
    enum strand_state state;
    uint16_t request_len, head_len; /* bytes kept of an incomplete head */
    uint64_t body_left;             /* of the answer being read */
    bool in_body, is_refusal;
    char *head;
    char request[REQUEST_MAX];
};

struct hammering {
    const struct hammer_conf *conf;
    struct hammer_result *out;
    int epoll;
    struct strand *strands;
    uint32_t n_opening, n_open, next;
    bool counting;
};

static void write_request(const struct hammering *h, struct strand *s, uint32_t number)
{
    static const char *const bodies[] = {
        [HAMMER_REQUESTS] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
                            "\"How high is the water?\"}]}",
        [HAMMER_STREAMS] = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                           "\"content\":\"How high is the water?\"}]}"};
    const char *body = bodies[h->conf->kind == HAMMER_STREAMS ? HAMMER_STREAMS : HAMMER_REQUESTS];
    int n = snprintf(s->request, sizeof s->request,
                     "POST %s/v1/chat/completions HTTP/1.1\r\nHost: %s\r\n"
                     "Authorization: Bearer hammer-%u\r\nContent-Type: application/json\r\n"
                     "Accept: */*\r\nUser-Agent: weir-bench\r\nContent-Length: %zu\r\n\r\n%s",
                     h->conf->target.path, h->conf->target.host, number, strlen(body), body);

    WEIR_ASSERT(n > 0 && n < REQUEST_MAX);
    s->request_len = (uint16_t)n;
}

static void close_strand(struct hammering *h, struct strand *s)
{
    if (s->state == STRAND_CLOSED)
        return;
    if (s->state == STRAND_OPENING)
        h->n_opening--;
    else
        h->n_open--;
    if (h->counting)
        h->out->lost++;
    (void)close(s->fd);
    s->state = STRAND_CLOSED;
    s->in_body = false;
    s->head_len = 0;
}

static void ask(struct hammering *h, struct strand *s)
{
    ssize_t n = send(s->fd, s->request, s->request_len, MSG_NOSIGNAL);

    if (n != s->request_len)
        close_strand(h, s);
}

static void open_strand(struct hammering *h, struct strand *s)
{
    const struct address *a = &h->conf->target.address;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = s};
    int on = 1;

    s->fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return;
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((connect(s->fd, (const struct sockaddr *)&a->sa, a->len) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(h->epoll, EPOLL_CTL_ADD, s->fd, &e) != 0) {
        (void)close(s->fd);
        return;
    }
    s->state = STRAND_OPENING;
    h->n_opening++;
}

/* Opens what is closed, not too many at once. */
static void open_more(struct hammering *h)
{
    uint32_t tried = 0;

    while (h->n_opening < h->conf->opening && h->n_opening + h->n_open < h->conf->clients &&
           tried++ < h->conf->clients) {
        struct strand *s = &h->strands[h->next];
        h->next = (h->next + 1) % h->conf->clients;
        if (s->state == STRAND_CLOSED)
            open_strand(h, s);
    }
}

static void now_open(struct hammering *h, struct strand *s)
{
    if (s->state == STRAND_OPEN)
        return;
    s->state = STRAND_OPEN;
    h->n_opening--;
    h->n_open++;
}

static void answered(struct hammering *h, struct strand *s)
{
    s->in_body = false;
    now_open(h, s);
    if (h->counting) {
        h->out->answers++;
        h->out->refused += s->is_refusal;
    }
    if (h->conf->kind != HAMMER_IDLE)
        ask(h, s);
}

/* Collects a head over several reads; true when it is whole, *in is then what follows it. */
static bool take_head(struct hammering *h, struct strand *s, struct slice *in, struct head *head)
{
    struct slice whole = *in;
    size_t had = s->head_len;

    if (had > 0) {
        size_t n = in->len < KEPT - had ? in->len : KEPT - had;
        memcpy(s->head + had, in->p, n);
        whole = slice_of(s->head, had + n);
    }
    if (head_parse(whole, head) == WEIR_OK) {
        *in = slice_from(*in, head->size - had);
        s->head_len = 0;
        return true;
    }
    if (whole.len >= KEPT) {
        close_strand(h, s);
        return false;
    }
    if (s->head == NULL)
        s->head = malloc(KEPT);
    WEIR_ASSERT(s->head != NULL);
    if (had == 0)
        memcpy(s->head, in->p, in->len);
    s->head_len = (uint16_t)whole.len;
    return false;
}

static void feed_answers(struct hammering *h, struct strand *s, struct slice in)
{
    struct head head;
    struct body body;

    while (in.len > 0 && s->state != STRAND_CLOSED) {
        if (!s->in_body) {
            if (!take_head(h, s, &in, &head))
                return;
            if (body_of_answer(&head, false, &body) != WEIR_OK || body.kind != BODY_COUNTED) {
                close_strand(h, s); /* only counted answers are small requests */
                return;
            }
            s->in_body = true;
            s->is_refusal = head.status >= 400;
            s->body_left = body.left;
        }
        size_t n = in.len < s->body_left ? in.len : (size_t)s->body_left;
        s->body_left -= n;
        in = slice_from(in, n);
        if (s->body_left == 0)
            answered(h, s);
    }
}

/* The age of an event from the time in its text. */
static void note_delay(struct hammering *h, struct slice at, uint64_t now)
{
    uint64_t sent;

    if (at.len >= NULL_STAMP_DIGITS &&
        parse_u64(slice_of(at.p, NULL_STAMP_DIGITS), UINT64_MAX, &sent) == WEIR_OK && sent <= now)
        samples_add(&h->out->delay_us, (double)(now - sent) / 1e3);
}

static void feed_stream(struct hammering *h, struct strand *s, struct slice in)
{
    static const char mark[] = "\"content\":\"t";
    uint64_t now = h->conf->delays && h->counting ? mono_now_ns() : 0;
    const char *at;

    if (s->state == STRAND_OPENING && slice_starts(in, SLICE_LIT("HTTP/1.1 ")) &&
        !slice_starts(in, SLICE_LIT("HTTP/1.1 200"))) {
        close_strand(h, s);
        return;
    }
    /* a mark cut in two by a read is not counted: one in thousands */
    while (in.len > 0 && (at = memmem(in.p, in.len, mark, sizeof mark - 1)) != NULL) {
        in = slice_from(in, (size_t)(at - in.p) + sizeof mark - 1);
        now_open(h, s);
        if (!h->counting)
            continue;
        h->out->events++;
        if (now != 0)
            note_delay(h, in, now);
    }
}

static void on_connected(struct hammering *h, struct strand *s)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    int error = 0;
    socklen_t len = sizeof error;

    (void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0 || epoll_ctl(h->epoll, EPOLL_CTL_MOD, s->fd, &e) != 0)
        close_strand(h, s);
    else
        ask(h, s);
}

static void on_readable(struct hammering *h, struct strand *s)
{
    char bytes[READ_SIZE];
    ssize_t n = recv(s->fd, bytes, sizeof bytes, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_strand(h, s);
        return;
    }
    if (h->counting)
        h->out->bytes += (uint64_t)n;
    if (h->conf->kind == HAMMER_STREAMS)
        feed_stream(h, s, slice_of(bytes, (size_t)n));
    else
        feed_answers(h, s, slice_of(bytes, (size_t)n));
}

/* Runs the loop until the time; true as soon as all are open, when that is waited for. */
static bool run_until(struct hammering *h, uint64_t end_ns, bool until_open)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        uint64_t now = mono_now_ns();
        if (until_open && h->n_open == h->conf->clients)
            return true;
        if (now >= end_ns)
            return h->n_open == h->conf->clients;
        open_more(h);
        uint64_t left_ms = (end_ns - now) / NS_PER_MS + 1;
        int n = epoll_wait(h->epoll, events, EVENTS_AT_ONCE,
                           left_ms < WAIT_MS ? (int)left_ms : WAIT_MS);
        for (int i = 0; i < n; i++) {
            struct strand *s = events[i].data.ptr;
            if (s->state != STRAND_CLOSED && (events[i].events & EPOLLOUT) != 0)
                on_connected(h, s);
            if (s->state != STRAND_CLOSED && (events[i].events & (uint32_t)~EPOLLOUT) != 0)
                on_readable(h, s);
        }
    }
}

static uint64_t in_s(double s)
{
    return mono_now_ns() + (uint64_t)(s * 1e9);
}

static enum weir_status measure(struct hammering *h)
{
    const struct hammer_conf *c = h->conf;
    uint64_t begin;

    if (!run_until(h, in_s(c->open_s), true))
        return WEIR_TIMEOUT;
    (void)run_until(h, in_s(c->warm_s), false);
    if (c->on_window != NULL)
        c->on_window(c->ctx, true);
    begin = mono_now_ns();
    h->counting = true;
    (void)run_until(h, in_s(c->measure_s), false);
    h->counting = false;
    h->out->seconds = (double)(mono_now_ns() - begin) / 1e9;
    h->out->open = h->n_open;
    if (c->on_window != NULL)
        c->on_window(c->ctx, false);
    return WEIR_OK;
}

enum weir_status hammer(const struct hammer_conf *conf, struct hammer_result *out)
{
    struct hammering h = {.conf = conf, .out = out, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    enum weir_status rc;

    *out = (struct hammer_result){0};
    h.strands = calloc(conf->clients, sizeof h.strands[0]);
    WEIR_ASSERT(h.epoll >= 0 && h.strands != NULL);
    for (uint32_t i = 0; i < conf->clients; i++)
        write_request(&h, &h.strands[i], i);
    rc = measure(&h);
    for (uint32_t i = 0; i < conf->clients; i++) {
        close_strand(&h, &h.strands[i]);
        free(h.strands[i].head);
    }
    (void)close(h.epoll);
    free(h.strands);
    return rc;
}
