/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a refusal and the answer as a whole.  What stands in the body is error_json.c's and
 * page.c's; what a cause means is causes.c's.
 */
#include "pages_priv.h"

#include "weir/http/head.h"

/* The methods that anything behind weir may understand: what a 405 without its own list names. */
#define USUAL_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

static void put_number(const struct field_sink *to, struct slice name, uint64_t n)
{
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, n);
    sink_put(to, name, text_slice(&t));
}

static void put_date(const struct field_sink *to, uint64_t wall_ns)
{
    char mem[40];
    struct text t;

    text_init(&t, mem, sizeof mem);
    http_date_put(&t, wall_ns);
    sink_put(to, SLICE_LIT("Date"), text_slice(&t));
}

static void put_type(const struct field_sink *to, enum answer_format format)
{
    static const struct slice types[] = {
        [FORMAT_JSON] = {"application/json", 16},
        [FORMAT_PROBLEM] = {"application/problem+json", 24},
        [FORMAT_HTML] = {"text/html; charset=utf-8", 24},
        [FORMAT_GRPC] = {"application/grpc", 16},
    };

    sink_put(to, SLICE_LIT("Content-Type"), types[format]);
    sink_put(to, SLICE_LIT("Cache-Control"), SLICE_LIT("no-store"));
}

static void put_retry(const struct field_sink *to, const struct refusal *r)
{
    struct appointment a = refusal_appointment(r);

    if (a.seconds > 0) {
        put_number(to, SLICE_LIT("Retry-After"), a.seconds);
        put_number(to, SLICE_LIT("retry-after-ms"), a.ms);
    }
    if (r->no_retry)
        sink_put(to, SLICE_LIT("x-should-retry"), SLICE_LIT("false"));
}

static void put_ids(const struct field_sink *to, const char *request_id)
{
    char mem[CLEAN_ID_MAX];
    struct slice id = clean_id(request_id, mem);

    sink_put(to, SLICE_LIT("x-request-id"), id);
    sink_put(to, SLICE_LIT("request-id"), id);
    sink_put(to, SLICE_LIT("x-weir-request-id"), id);
}

/* What a browser has to know of a page. */
static void put_page(const struct field_sink *to, const struct answer_wish *w, bool own)
{
    char mem[384];
    struct text t;

    sink_put(to, SLICE_LIT("Content-Language"), slice_str(language_tag(w->language)));
    text_init(&t, mem, sizeof mem);
    page_policy_put(&t, own);
    sink_put(to, SLICE_LIT("Content-Security-Policy"), text_slice(&t));
    sink_put(to, SLICE_LIT("Referrer-Policy"), SLICE_LIT("no-referrer"));
    sink_put(to, SLICE_LIT("X-Content-Type-Options"), SLICE_LIT("nosniff"));
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

void put_proxy_status(const struct field_sink *to, const struct refusal *r)
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
    sink_put(to, SLICE_LIT("Proxy-Status"), text_slice(&t));
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
    if (w->format == FORMAT_GRPC) {
        put_grpc(&to, r, false);
        return;
    }
    if (refusal_status(r, w) == 405)
        sink_put(&to, SLICE_LIT("Allow"), slice_str(r->allow != NULL ? r->allow : USUAL_METHODS));
    if (w->format == FORMAT_HTML)
        put_refusal_page(&to, r, w);
    if (w->origin[0] != '\0')
        cors_fields(w->origin, fn, arg);
}

enum weir_status refusal_body(const struct refusal *r, const struct answer_wish *w, struct buf *out,
                              size_t max)
{
    if (w->format == FORMAT_GRPC)
        return WEIR_OK; /* its head is all of it */
    return w->format == FORMAT_HTML ? page_append(r, w, out, max)
                                    : error_json_append(r, w, out, max);
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
