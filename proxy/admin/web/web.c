/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint admin.http: who is let in, and what goes to all open pages.  Control thread. */
#include "web/web.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/live_priv.h"
#include "web/web_priv.h"

enum { WEB_CLIENTS_MAX = 64 };

static void on_client(int fd, const struct net_addr *peer, void *arg)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Retry-After: 5\r\nConnection: close\r\n\r\n";
    struct web *w = arg;

    (void)peer;
    if (w->n >= WEB_CLIENTS_MAX)
        web_client_make_room(w);
    if (w->n < WEB_CLIENTS_MAX) {
        web_client_create(w, fd);
        return;
    }
    (void)send(fd, busy, sizeof busy - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

struct web *web_open(struct admin *a, int fd)
{
    struct web *w = calloc(1, sizeof *w);

    if (w == NULL)
        goto fail;
    w->a = a;
    w->fd = fd;
    list_init(&w->clients);
    if (gethostname(w->host, sizeof w->host - 1) != 0)
        w->host[0] = '\0';
    w->listener = listener_open(control_loop(a->control), fd, on_client, w);
    if (w->listener == NULL)
        goto fail;
    return w;
fail:
    free(w);
    (void)close(fd);
    return NULL;
}

/* Whoever is connected comes back, and then to the process that serves now. */
static void send_away(struct web *w)
{
    LIST_EACH_SAFE(n, t, &w->clients)
    {
        struct web_client *c = LIST_OBJECT(n, struct web_client, node);

        if (c->page || buf_empty(stream_out(c->stream))) {
            web_client_end(c);
            continue;
        }
        c->ending = true;
        stream_finish(c->stream);
    }
}

void web_retire(struct web *w)
{
    send_away(w);
    listener_close(&w->listener);
    (void)close(w->fd);
    w->fd = -1;
}

void web_close(struct web **wp)
{
    struct web *w = *wp;

    if (w == NULL)
        return;
    LIST_EACH_SAFE(n, t, &w->clients)
    web_client_end(LIST_OBJECT(n, struct web_client, node));
    live_fleet_end(w);
    listener_close(&w->listener);
    if (w->fd != -1)
        (void)close(w->fd);
    buf_free(&w->metrics);
    free(w);
    *wp = NULL;
}

static void tell_all(struct web *w, struct slice frame)
{
    LIST_EACH_SAFE(n, t, &w->clients)
    {
        struct web_client *c = LIST_OBJECT(n, struct web_client, node);
        if (c->page)
            web_client_tell(c, frame);
    }
}

void web_tell(struct web *w, render_fn *fn, const void *arg)
{
    struct buf frame = BUF_INIT;

    if (w->n_pages == 0)
        return;
    w->a->status = control_status(w->a->control);
    if (render_into(w->a, &frame, ANSWER_MAX, fn, arg) == WEIR_OK)
        tell_all(w, buf_slice(&frame));
    buf_free(&frame);
}

void web_tick(struct web *w)
{
    web_tell(w, live_frame_tick, NULL);
    live_fleet(w);
}

void web_event(struct web *w, const struct control_event *e)
{
    web_tell(w, live_frame_event, e);
}
