/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoint answers: one row per path.  Control thread. */
#include <inttypes.h>
#include <time.h>

#include "live_page.h"
#include "metrics/metrics.h"
#include "show/show.h"
#include "web/web_priv.h"
#include "weir/base/clock.h"

enum {
    HEAD_ROOM = 1024,
    PAGES_MAX = 16, /* open pages */
};

struct head {
    int status;
    const char *type, *extra; /* further fields, each with its end, or "" */
    bool keep_alive, counted;
    size_t length;
};

static void put_date(struct text *t)
{
    char date[64];
    struct tm tm;
    time_t now = time(NULL);

    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    text_printf(t, "Date: %s\r\n", date);
}

static void put_head(struct web_client *c, const struct head *h)
{
    char mem[HEAD_ROOM];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_printf(&t, "HTTP/1.1 %d %s\r\n", h->status, reason_phrase(h->status));
    put_date(&t);
    text_printf(&t, "Content-Type: %s\r\n", h->type);
    if (h->counted)
        text_printf(&t, "Content-Length: %zu\r\n", h->length);
    text_str(&t, "Cache-Control: no-store\r\n"
                 "X-Content-Type-Options: nosniff\r\n"
                 "Cross-Origin-Resource-Policy: same-origin\r\n"
                 "Referrer-Policy: no-referrer\r\n");
    text_str(&t, h->extra);
    text_str(&t, h->keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    if (buf_append(stream_out(c->stream), text_slice(&t), ANSWER_MAX) != WEIR_OK || !h->keep_alive)
        c->ending = true;
}

static void put_whole(struct web_client *c, const struct web_request *r, struct head h,
                      struct slice body)
{
    h.counted = true;
    h.length = body.len;
    h.keep_alive = r->keep_alive;
    put_head(c, &h);
    if (!r->is_head && buf_append(stream_out(c->stream), body, ANSWER_MAX + HEAD_ROOM) != WEIR_OK)
        c->ending = true;
}

void web_refuse(struct web_client *c, int status, const char *what)
{
    char mem[256];
    struct text t;
    struct web_request r = {.keep_alive = false};
    struct head h = {status,
                     "text/plain; charset=utf-8",
                     status == 405 ? "Allow: GET, HEAD\r\n" : "",
                     false,
                     false,
                     0};

    text_init(&t, mem, sizeof mem);
    text_printf(&t, "%s\n", what);
    put_whole(c, &r, h, text_slice(&t));
}

static void put_rendered(struct web_client *c, const struct web_request *r, const char *type,
                         render_fn *fn)
{
    struct admin *a = c->web->a;
    struct head h = {200, type, "", false, false, 0};
    struct buf body = BUF_INIT;

    a->status = control_status(a->control);
    if (render_into(a, &body, ANSWER_MAX, fn, NULL) == WEIR_OK)
        put_whole(c, r, h, buf_slice(&body));
    else
        web_refuse(c, 500, "the answer does not fit");
    buf_free(&body);
}

/* --- the rows */

/* Rendered once a second at most: what is asked for in a loop costs a copy. */
static bool metrics_are_fresh(struct web *w)
{
    struct admin *a = w->a;
    uint64_t now = loop_now_ns(control_loop(a->control));

    if (!buf_empty(&w->metrics) && now - w->metrics_ns < NS_PER_S)
        return true;
    buf_free(&w->metrics);
    a->status = control_status(a->control);
    w->metrics_ns = now;
    return render_into(a, &w->metrics, ANSWER_MAX, show_metrics, NULL) == WEIR_OK;
}

static void answer_metrics(struct web_client *c, const struct web_request *r)
{
    struct head h = {200, "text/plain; version=0.0.4; charset=utf-8", "", false, false, 0};

    if (metrics_are_fresh(c->web))
        put_whole(c, r, h, buf_slice(&c->web->metrics));
    else
        web_refuse(c, 500, "the answer does not fit");
}

static void answer_status(struct web_client *c, const struct web_request *r)
{
    put_rendered(c, r, "application/json", show_status_json);
}

static void answer_health(struct web_client *c, const struct web_request *r)
{
    struct head h = {200, "text/plain; charset=utf-8", "", false, false, 0};

    put_whole(c, r, h, SLICE_LIT("ok\n"));
}

static void answer_ready(struct web_client *c, const struct web_request *r)
{
    bool draining = control_status(c->web->a->control)->state == SERVICE_DRAINING;
    struct head h = {draining ? 503 : 200, "text/plain; charset=utf-8", "", false, false, 0};

    put_whole(c, r, h, draining ? SLICE_LIT("draining\n") : SLICE_LIT("ready\n"));
}

static void answer_page(struct web_client *c, const struct web_request *r)
{
    struct head h = {
        200,
        "text/html; charset=utf-8",
        "Content-Security-Policy: default-src 'none'; script-src 'sha256-" LIVE_PAGE_JS_SHA256
        "'; style-src 'sha256-" LIVE_PAGE_CSS_SHA256
        "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'\r\n",
        false,
        false,
        0};

    put_whole(c, r, h, slice_of(live_page, live_page_len));
}

static void answer_events(struct web_client *c, const struct web_request *r)
{
    struct head h = {200, "text/event-stream", "", false, false, 0};

    if (c->web->n_pages >= PAGES_MAX) {
        web_refuse(c, 503, "16 live pages are open already");
        return;
    }
    put_head(c, &h);
    if (r->is_head)
        return;
    c->ending = false;
    live_begin(c);
}

static const struct web_row {
    const char *path;
    void (*answer)(struct web_client *c, const struct web_request *r);
} web_rows[] = {
    {"/metrics", answer_metrics},    {"/healthz", answer_health}, {"/readyz", answer_ready},
    {"/status.json", answer_status}, {"/", answer_page},          {"/events", answer_events},
};

void web_answer(struct web_client *c, const struct web_request *r)
{
    struct head h = {404, "text/plain; charset=utf-8", "", false, false, 0};

    for (size_t i = 0; i < sizeof web_rows / sizeof web_rows[0]; i++) {
        if (slice_eq(r->path, slice_str(web_rows[i].path))) {
            web_rows[i].answer(c, r);
            return;
        }
    }
    put_whole(c, r, h, SLICE_LIT("there is: / /events /healthz /metrics /readyz /status.json\n"));
}
