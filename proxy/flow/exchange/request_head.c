/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head for the upstream, written anew from the fields of the request (RFC 9110, 7.6).  On the
 * worker's thread.
 */
#include "flow_priv.h"

static void put_field(struct text *t, const char *name, struct slice value)
{
    text_str(t, name);
    text_str(t, ": ");
    text_put(t, value);
    text_str(t, "\r\n");
}

/* Fields that weir writes itself or that end here. */
static bool is_ours(enum field_id id, bool trusted)
{
    switch ((int)id) {
    case FIELD_HOST:
    case FIELD_CONTENT_LENGTH:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_EXPECT:
    case FIELD_X_FORWARDED_FOR:
    case FIELD_X_FORWARDED_PROTO:
    case FIELD_X_FORWARDED_HOST:
    case FIELD_X_REQUEST_ID:
    case FIELD_HTTP2_SETTINGS:
    case FIELD_TE:
        return true;
    case FIELD_FORWARDED:
        return !trusted;
    default:
        return false;
    }
}

static void put_forwarded(struct text *t, const struct request_head *h,
                          const struct client_facts *cf)
{
    char host[NET_ADDR_TEXT_MAX];

    net_addr_format_host(cf->peer, host);
    text_str(t, "X-Forwarded-For: ");
    for (size_t i = 0; cf->trusted && i < h->n_fields; i++) {
        if (h->fields[i].id == FIELD_X_FORWARDED_FOR && h->fields[i].value.len > 0) {
            text_put(t, h->fields[i].value);
            text_str(t, ", ");
        }
    }
    text_str(t, host);
    text_str(t, "\r\n");
    if (cf->trusted && request_field(h, FIELD_X_FORWARDED_PROTO).len > 0)
        put_field(t, "X-Forwarded-Proto", request_field(h, FIELD_X_FORWARDED_PROTO));
    else
        put_field(t, "X-Forwarded-Proto", cf->tls ? SLICE_LIT("https") : SLICE_LIT("http"));
    if (cf->trusted && request_field(h, FIELD_X_FORWARDED_HOST).len > 0)
        put_field(t, "X-Forwarded-Host", request_field(h, FIELD_X_FORWARDED_HOST));
    else if (h->host.len > 0)
        put_field(t, "X-Forwarded-Host", h->host);
}

static bool is_lower_hex(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    }
    return true;
}

static bool is_all(struct slice s, char c)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != c)
            return false;
    }
    return true;
}

/* W3C Trace Context, 3.2.2: version-traceid-parentid-flags; others are begun anew. */
static bool trace_is_valid(struct slice t)
{
    if (t.len < 55 || t.p[2] != '-' || t.p[35] != '-' || t.p[52] != '-' ||
        (t.len > 55 && t.p[55] != '-'))
        return false;
    if (slice_starts(t, SLICE_LIT("ff")) || (slice_starts(t, SLICE_LIT("00")) && t.len != 55))
        return false;
    return is_lower_hex(slice_of(t.p, 2)) && is_lower_hex(slice_of(t.p + 3, 32)) &&
           is_lower_hex(slice_of(t.p + 36, 16)) && is_lower_hex(slice_of(t.p + 53, 2)) &&
           !is_all(slice_of(t.p + 3, 32), '0') && !is_all(slice_of(t.p + 36, 16), '0');
}

static void put_trace(struct text *t, const struct exchange *x, const struct request_head *h)
{
    put_field(t, "x-request-id", slice_str(x->id));
    if (trace_is_valid(request_field(h, FIELD_TRACEPARENT)))
        return; /* passed with the other fields */
    /* W3C Trace Context, 3.2: version, trace-id, parent-id, flags (not sampled by us) */
    text_str(t, "traceparent: 00-");
    text_hex(t, x->trace[0], 16);
    text_hex(t, x->trace[1], 16);
    text_char(t, '-');
    text_hex(t, x->trace[0] ^ x->trace[1] ^ UINT64_C(0x9e3779b97f4a7c15), 16);
    text_str(t, "-00\r\n");
}

static void put_body_framing(struct text *t, const struct request_head *h)
{
    if (h->body == BODY_COUNTED) {
        text_str(t, "Content-Length: ");
        text_u64(t, h->length);
        text_str(t, "\r\n");
    } else if (h->body == BODY_CHUNKED) {
        text_str(t, "Transfer-Encoding: chunked\r\n");
    }
}

bool exchange_write_request(struct exchange *x, const struct request_head *h,
                            const struct client_facts *cf)
{
    struct text t;

    text_init(&t, x->w->lines, LINES_BYTES);
    text_put(&t, h->method);
    text_char(&t, ' ');
    text_put(&t, h->target);
    text_str(&t, " HTTP/1.1\r\n");
    put_field(&t, "Host", h->host.len > 0 ? h->host : slice_str(x->pool->upstreams[0].url.host));
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        if (f->hop || is_ours(f->id, cf->trusted))
            continue;
        if (f->id == FIELD_TRACEPARENT && !trace_is_valid(f->value))
            continue;
        text_put(&t, f->name);
        text_str(&t, ": ");
        text_put(&t, f->value);
        text_str(&t, "\r\n");
    }
    if (x->asks_websocket)
        text_str(&t, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    put_body_framing(&t, h);
    put_forwarded(&t, h, cf);
    text_str(&t, h->minor == 0 ? "Via: 1.0 weir\r\n" : "Via: 1.1 weir\r\n");
    put_trace(&t, x, h);
    text_str(&t, "\r\n");
    return !t.full && buf_append(&x->request, text_slice(&t), LINES_BYTES) == WEIR_OK;
}
