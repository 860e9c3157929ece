/* SPDX-License-Identifier: Apache-2.0 */
/* What an open live page is told (server-sent events, WHATWG HTML 9.2).  Control thread. */
#include "web/live_priv.h"

#include "show/show.h"
#include "web/history.h"
#include "web/web_priv.h"

enum { EVENTS_SHOWN = 300 }; /* the page folds probes of dead upstreams, which are most */

static void begin_frame(struct text *t, const char *name)
{
    text_printf(t, "event: %s\ndata: ", name);
}

static void end_frame(struct text *t)
{
    text_str(t, "\n\n");
}

static void add_event(const struct control_event *e, void *arg)
{
    show_event_json(arg, e);
}

static void put_events(struct json_out *j, struct admin *a)
{
    json_open_array(j, "events");
    control_events(a->control, EVENTS_SHOWN, add_event, j);
    json_close(j);
}

static void live_frame_history(struct text *t, struct admin *a, const void *unused)
{
    struct json_out j;

    (void)unused;
    begin_frame(t, "history");
    json_begin(&j, t);
    json_open_object(&j, NULL);
    history_json(&j, a->history);
    put_events(&j, a);
    json_close(&j);
    end_frame(t);
}

void live_frame_tick(struct text *t, struct admin *a, const void *unused)
{
    struct json_out j;

    begin_frame(t, "point");
    json_begin(&j, t);
    json_open_object(&j, NULL);
    history_newest_json(&j, a->history);
    json_close(&j);
    end_frame(t);
    begin_frame(t, "status");
    show_status_json(t, a, unused);
    end_frame(t);
}

void live_frame_event(struct text *t, struct admin *a, const void *event)
{
    struct json_out j;

    (void)a;
    begin_frame(t, "change");
    json_begin(&j, t);
    show_event_json(&j, event);
    end_frame(t);
}

void live_begin(struct web_client *c)
{
    struct admin *a = c->web->a;

    a->status = control_status(a->control);
    if (render_into(a, stream_out(c->stream), ANSWER_MAX, live_frame_history, NULL) != WEIR_OK ||
        render_into(a, stream_out(c->stream), 2 * ANSWER_MAX, live_frame_tick, NULL) != WEIR_OK) {
        c->ending = true;
        return;
    }
    c->page = true;
    c->web->n_pages++;
}
