/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a refusal and the answer as a whole.  What stands in the body is error_json.c's and
 * page.c's; what a cause means is causes.c's.
 */
#include "pages_priv.h"

#include "weir/http/head.h"

/* The methods that anything behind weir may understand: what a 405 without its own list names. */
#define USUAL_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

/* Where fields go; every function below hands over one subject. */
struct field_sink {
    refusal_field_fn *fn;
    void *arg;
};

static void put(const struct field_sink *to, struct slice name, struct slice value)
{
    to->fn(name, value, to->arg);
}

static void put_number(const struct field_sink *to, struct slice name, uint64_t n)
{
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, n);
    put(to, name, text_slice(&t));
}

static void put_date(const struct field_sink *to, uint64_t wall_ns)
{
    char mem[40];
    struct text t;

    text_init(&t, mem, sizeof mem);
    http_date_put(&t, wall_ns);
    put(to, SLICE_LIT("Date"), text_slice(&t));
}

static void put_type(const struct field_sink *to, enum answer_format format)
{
    static const struct slice types[] = {
        [FORMAT_JSON] = {"application/json", 16},
        [FORMAT_PROBLEM] = {"application/problem+json", 24},
        [FORMAT_HTML] = {"text/html; charset=utf-8", 24},
    };

    put(to, SLICE_LIT("Content-Type"), types[format]);
    put(to, SLICE_LIT("Cache-Control"), SLICE_LIT("no-store"));
}

static void put_retry(const struct field_sink *to, const struct refusal *r)
{
    struct appointment a = refusal_appointment(r);

    if (a.seconds > 0) {
        put_number(to, SLICE_LIT("Retry-After"), a.seconds);
        put_number(to, SLICE_LIT("retry-after-ms"), a.ms);
    }
    if (r->no_retry)
        put(to, SLICE_LIT("x-should-retry"), SLICE_LIT("false"));
}

static void put_ids(const struct field_sink *to, const char *request_id)
{
    char mem[CLEAN_ID_MAX];
    struct slice id = clean_id(request_id, mem);

    put(to, SLICE_LIT("x-request-id"), id);
    put(to, SLICE_LIT("request-id"), id);
    put(to, SLICE_LIT("x-weir-request-id"), id);
}

/* What a browser has to know of a page. */
static void put_page(const struct field_sink *to, const struct answer_wish *w, bool own)
{
    char mem[384];
    struct text t;

    put(to, SLICE_LIT("Content-Language"), slice_str(language_tag(w->language)));
    text_init(&t, mem, sizeof mem);
    page_policy_put(&t, own);
    put(to, SLICE_LIT("Content-Security-Policy"), text_slice(&t));
    put(to, SLICE_LIT("Referrer-Policy"), SLICE_LIT("no-referrer"));
    put(to, SLICE_LIT("X-Content-Type-Options"), SLICE_LIT("nosniff"));
}

/* Refresh is the appointment, kept by the browser without a script. */
static void put_refusal_page(const struct field_sink *to, const struct refusal *r,
                             const struct answer_wish *w)
{
    unsigned seconds = refusal_appointment(r).seconds;

    put_page(to, w, page_set_find(r->pages, r->cause, r->pool, w->language).len > 0);
    if (seconds > 0)
        put_number(to, SLICE_LIT("Refresh"), seconds);
}

static void put_proxy_status(const struct field_sink *to, const struct refusal *r)
{
    const char *error = r->proxy_error != NULL ? r->proxy_error : cause_row(r->cause)->proxy_error;
    char mem[160];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_put(&t, SLICE_LIT("weir"));
    if (error != NULL) {
        text_put(&t, SLICE_LIT("; error="));
        text_str(&t, error);
    }
    text_put(&t, SLICE_LIT("; details=\""));
    text_str(&t, cause_name(r->cause));
    text_char(&t, '"');
    put(to, SLICE_LIT("Proxy-Status"), text_slice(&t));
}

void refusal_fields(const struct refusal *r, const struct answer_wish *w, refusal_field_fn *fn,
                    void *arg)
{
    struct field_sink to = {fn, arg};

    put_date(&to, r->wall_ns);
    put_type(&to, w->format);
    put_retry(&to, r);
    put_ids(&to, r->request_id);
    put_proxy_status(&to, r);
    if (refusal_status(r, w) == 405)
        put(&to, SLICE_LIT("Allow"), slice_str(r->allow != NULL ? r->allow : USUAL_METHODS));
    if (w->format == FORMAT_HTML)
        put_refusal_page(&to, r, w);
    if (w->origin[0] != '\0')
        cors_fields(w->origin, fn, arg);
}

enum weir_status refusal_body(const struct refusal *r, const struct answer_wish *w, struct buf *out,
                              size_t max)
{
    return w->format == FORMAT_HTML ? page_append(r, w, out, max)
                                    : error_json_append(r, w, out, max);
}

static void on_field(struct slice name, struct slice value, void *arg)
{
    struct text *t = arg;

    text_put(t, name);
    text_put(t, SLICE_LIT(": "));
    text_put(t, value);
    text_put(t, SLICE_LIT("\r\n"));
}

static void put_status_line(struct text *t, int status)
{
    text_put(t, SLICE_LIT("HTTP/1.1 "));
    text_u64(t, (uint64_t)status);
    text_char(t, ' ');
    text_str(t, reason_phrase(status));
    text_put(t, SLICE_LIT("\r\n"));
}

/* What HTTP/1.1 needs to find the end, and the end of the head. */
static void put_framing(struct text *t, const struct answer_wish *w, size_t body_len, bool close)
{
    struct field_sink to = {on_field, t};

    put_number(&to, SLICE_LIT("Content-Length"), body_len);
    if (close)
        put(&to, SLICE_LIT("Connection"), SLICE_LIT("close"));
    else if (w->http10)
        put(&to, SLICE_LIT("Connection"), SLICE_LIT("keep-alive"));
    text_put(t, SLICE_LIT("\r\n"));
}

/* Head and body go in together or not at all; of an answer to HEAD only the head. */
static enum weir_status append_answer(struct buf *out, const struct text *head, struct slice body,
                                      const struct answer_wish *w, size_t max)
{
    enum weir_status rc;
    size_t room;
    char *at;

    if (head->full)
        return WEIR_LIMIT;
    if (w->is_head)
        body = SLICE_NONE;
    rc = buf_reserve(out, head->len + body.len, max, &at, &room);
    if (rc != WEIR_OK)
        return rc;
    memcpy(at, head->at, head->len);
    if (body.len > 0)
        memcpy(at + head->len, body.p, body.len);
    buf_commit(out, head->len + body.len);
    return WEIR_OK;
}

enum { HEAD_MAX = 2048 };

enum weir_status refusal_write(const struct refusal *r, const struct answer_wish *w,
                               struct buf *out, size_t max)
{
    struct buf body = BUF_INIT;
    enum weir_status rc;
    char mem[HEAD_MAX];
    struct text head;

    rc = refusal_body(r, w, &body, max);
    if (rc != WEIR_OK)
        goto out;
    text_init(&head, mem, sizeof mem);
    put_status_line(&head, refusal_status(r, w));
    refusal_fields(r, w, on_field, &head);
    put_framing(&head, w, body.len, r->close);
    rc = append_answer(out, &head, buf_slice(&body), w, max);
out:
    buf_free(&body);
    return rc;
}

void status_fields(const struct answer_wish *w, const struct page_set *pages,
                   const char *request_id, uint64_t wall_ns, refusal_field_fn *fn, void *arg)
{
    struct field_sink to = {fn, arg};

    put_date(&to, wall_ns);
    put_type(&to, w->format == FORMAT_HTML ? FORMAT_HTML : FORMAT_JSON);
    put_ids(&to, request_id);
    if (w->format == FORMAT_HTML)
        put_page(&to, w, page_set_status(pages, w->language).len > 0);
    if (w->origin[0] != '\0')
        cors_fields(w->origin, fn, arg);
}

enum weir_status status_write(struct slice body, const struct answer_wish *w,
                              const struct page_set *pages, const char *request_id,
                              uint64_t wall_ns, bool close, struct buf *out, size_t max)
{
    char mem[HEAD_MAX];
    struct text head;

    text_init(&head, mem, sizeof mem);
    put_status_line(&head, 200);
    status_fields(w, pages, request_id, wall_ns, on_field, &head);
    put_framing(&head, w, body.len, close);
    return append_answer(out, &head, body, w, max);
}
