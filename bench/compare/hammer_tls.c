/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshakes, one after the other on some connections at once.  One epoll loop, one thread. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/compare/hammer.h"
#include "bench/http/wire.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { EVENTS_AT_ONCE = 256, WAIT_MS = 20 };

struct shaker {
    const struct hammer_conf *conf;
    struct hammer_result *out;
    int epoll;
    struct wire *wires;
    bool counting;
};

static void begin(struct shaker *h, struct wire *w)
{
    const struct target *t = &h->conf->target;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = w};

    if (wire_connect(w, &t->address, h->conf->tls, t->name) != WEIR_OK)
        return;
    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, w->fd, &e) != 0)
        wire_close(w);
}

static void end(struct wire *w)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    /* thousands of connections a second would leave as many ports waiting */
    (void)setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    wire_close(w);
}

static void go_on(struct shaker *h, struct wire *w)
{
    bool want_write;
    enum weir_status rc = wire_go_on(w, &want_write);

    if (rc == WEIR_AGAIN)
        return;
    if (h->counting && rc == WEIR_OK)
        h->out->handshakes++;
    if (h->counting && rc != WEIR_OK)
        h->out->lost++;
    end(w);
    begin(h, w);
}

static void run_for(struct shaker *h, double seconds)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t until = mono_now_ns() + (uint64_t)(seconds * 1e9);

    while (mono_now_ns() < until) {
        for (uint32_t i = 0; i < h->conf->clients; i++) {
            if (h->wires[i].fd < 0)
                begin(h, &h->wires[i]);
        }
        int n = epoll_wait(h->epoll, events, EVENTS_AT_ONCE, WAIT_MS);
        for (int i = 0; i < n; i++)
            go_on(h, events[i].data.ptr);
    }
}

enum weir_status hammer_handshakes(const struct hammer_conf *conf, struct hammer_result *out)
{
    struct shaker h = {.conf = conf, .out = out, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    uint64_t began;

    *out = (struct hammer_result){0};
    h.wires = calloc(conf->clients, sizeof h.wires[0]);
    WEIR_ASSERT(h.epoll >= 0 && h.wires != NULL);
    for (uint32_t i = 0; i < conf->clients; i++)
        h.wires[i].fd = -1;
    run_for(&h, conf->warm_s);
    if (conf->on_window != NULL)
        conf->on_window(conf->ctx, true);
    began = mono_now_ns();
    h.counting = true;
    run_for(&h, conf->measure_s);
    h.counting = false;
    out->seconds = (double)(mono_now_ns() - began) / 1e9;
    if (conf->on_window != NULL)
        conf->on_window(conf->ctx, false);
    for (uint32_t i = 0; i < conf->clients; i++)
        wire_close(&h.wires[i]);
    (void)close(h.epoll);
    free(h.wires);
    return out->handshakes > 0 ? WEIR_OK : WEIR_TLS;
}
