/* SPDX-License-Identifier: Apache-2.0 */
/* `events` and `watch`: what changed, when, and on which numbers.  Control thread. */
#include "show/events.h"

#include "show/show.h"
#include "socket/socket.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"

/* One event as a line. */
static void show_event(struct text *t, const struct control_event *e)
{
    char when[RFC3339_MAX];

    (void)rfc3339_format(when, e->at_wall_ns);
    text_printf(t, "%s  %s\n", when, e->sentence);
}

void show_event_json(struct json_out *j, const struct control_event *e)
{
    json_open_object(j, NULL);
    json_u64(j, "seq", e->seq);
    json_wall(j, "at", e->at_wall_ns);
    json_cstr(j, "pool", e->pool);
    json_cstr(j, "upstream", e->upstream);
    json_cstr(j, "from", breaker_state_name(e->from));
    json_cstr(j, "to", breaker_state_name(e->to));
    json_cstr(j, "cause", e->cause);
    json_open_object(j, "numbers");
    json_u64(j, "requests", e->requests);
    json_u64(j, "failed", e->failed);
    json_u64(j, "consecutive", e->consecutive);
    json_num(j, "window_s", (double)e->window_ns / (double)NS_PER_S, 1);
    json_num(j, "share", e->share, 4);
    json_close(j);
    json_u64(j, "times", e->times);
    json_wall(j, "first_at", e->first_wall_ns);
    json_cstr(j, "sentence", e->sentence);
    json_close(j);
}

/* --- events: the last ones */

struct listing {
    struct text *t;
    struct json_out *j;
    bool any;
};

static void list_text(const struct control_event *e, void *arg)
{
    struct listing *l = arg;

    l->any = true;
    show_event(l->t, e);
}

static void list_json(const struct control_event *e, void *arg)
{
    struct listing *l = arg;

    show_event_json(l->j, e);
}

static void events_text(struct text *t, struct admin *a, const void *arg)
{
    struct listing l = {.t = t};

    control_events(a->control, *(const uint64_t *)arg, list_text, &l);
    if (!l.any)
        text_str(t, "nothing has happened yet\n");
}

static void events_json(struct text *t, struct admin *a, const void *arg)
{
    struct json_out j;
    struct listing l = {.j = &j};

    json_begin(&j, t);
    json_open_array(&j, NULL);
    control_events(a->control, *(const uint64_t *)arg, list_json, &l);
    json_close(&j);
}

void run_events(struct call *c, int param)
{
    (void)param;
    call_render(c, c->json ? events_json : events_text, &c->args->number);
}

/* --- watch: the next ones */

void run_watch(struct call *c, int param)
{
    (void)param;
    c->state = CALL_WATCH;
}

void events_broadcast(struct admin *a, const struct control_event *e)
{
    enum { ROOM = 2048 };
    char plain[ROOM], object[ROOM];
    struct text t, o;
    struct json_out j;

    if (a->socket == NULL || !socket_is_watched(a->socket))
        return;
    text_init(&t, plain, sizeof plain);
    show_event(&t, e);
    text_init(&o, object, sizeof object);
    json_begin(&j, &o);
    show_event_json(&j, e);
    t.len -= t.len > 0 && t.at[t.len - 1] == '\n';
    socket_broadcast(a->socket, text_slice(&t), text_slice(&o));
}
