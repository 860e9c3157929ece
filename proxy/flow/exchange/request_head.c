/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head for the upstream, made anew from the fields of the request (RFC 9110, 7.6): kept as a
 * list when the request comes, completed and sent when its upstream is known.  On the worker's
 * thread.
 */
#include "exchange_priv.h"

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
    case FIELD_X_WEIR_REQUEST_ID:
    case FIELD_HTTP2_SETTINGS:
    case FIELD_TE:
        return true;
    case FIELD_FORWARDED:
        return !trusted;
    default:
        return false;
    }
}

static void list_forwarded(struct field_list *l, const struct request_head *h,
                           const struct client_facts *cf)
{
    struct slice proto = request_field(h, FIELD_X_FORWARDED_PROTO);
    struct slice host = request_field(h, FIELD_X_FORWARDED_HOST);
    struct text *t = field_begin(l, SLICE_LIT("X-Forwarded-For"));
    char peer[NET_ADDR_TEXT_MAX];

    net_addr_format_host(cf->peer, peer);
    for (size_t i = 0; cf->trusted && i < h->n_fields; i++) {
        if (h->fields[i].id == FIELD_X_FORWARDED_FOR && h->fields[i].value.len > 0) {
            text_put(t, h->fields[i].value);
            text_str(t, ", ");
        }
    }
    text_str(t, peer);
    field_end(l);
    if (!cf->trusted || proto.len == 0)
        proto = cf->tls ? SLICE_LIT("https") : SLICE_LIT("http");
    field_add(l, SLICE_LIT("X-Forwarded-Proto"), proto);
    if (!cf->trusted || host.len == 0)
        host = h->host;
    if (host.len > 0)
        field_add(l, SLICE_LIT("X-Forwarded-Host"), host);
}

static void list_passed(const struct exchange *x, struct field_list *l,
                        const struct request_head *h, const struct client_facts *cf)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];

        if (f->hop || is_ours(f->id, cf->trusted) || exchange_ends_trace_field(x, f))
            continue;
        field_add(l, f->name, f->value);
    }
}

/* The first of the kept entries are no fields, but what the request line says. */
enum { KEPT_METHOD, KEPT_TARGET, KEPT_HOST, KEPT_FIELDS };

bool exchange_keep_request(struct exchange *x, const struct request_head *h,
                           const struct client_facts *cf)
{
    char trace[TRACEPARENT_MAX];
    struct field_list l;

    worker_field_list(x->w, &l);
    field_add(&l, SLICE_LIT("method"), h->method);
    field_add(&l, SLICE_LIT("target"), h->target);
    field_add(&l, SLICE_LIT("host"), h->host);
    list_passed(x, &l, h, cf);
    list_forwarded(&l, h, cf);
    field_add(&l, SLICE_LIT("Via"), exchange_received_by(h->http2, h->minor));
    field_add(&l, SLICE_LIT("x-request-id"), slice_str(x->record.id));
    if (exchange_is_traced(x) && x->record.spans == NULL)
        exchange_add_trace(x, &l, trace);
    return field_list_keep(&l, &x->request.head, KEPT_HEAD_MAX) == WEIR_OK;
}

/* By upstreams[].host: the client's own, or the name of the upstream that was chosen. */
static struct slice host_for(const struct exchange *x, struct slice asked)
{
    if (x->attempt.upstream->host[0] != '\0')
        return slice_str(x->attempt.upstream->host);
    return asked.len > 0 ? asked : slice_str(x->attempt.upstream->own_host);
}

static size_t send_first(struct exchange *x, struct slice body)
{
    const struct http_field *kept = x->w->scratch.listed;
    bool counts = x->body.unframed && x->body.complete; /* all of it is here */
    char trace[TRACEPARENT_MAX];
    struct field_list fields;
    struct upstream_request r;

    worker_field_list(x->w, &fields);
    field_list_restore(&fields, buf_slice(&x->request.head), KEPT_FIELDS);
    if (x->record.spans != NULL) { /* each attempt is a span of its own */
        field_list_read(&fields);
        exchange_add_trace(x, &fields, trace);
    }
    r = (struct upstream_request){
        .method = kept[KEPT_METHOD].value,
        .target = kept[KEPT_TARGET].value,
        .host = host_for(x, kept[KEPT_HOST].value),
        .fields = &fields,
        .body = counts ? BODY_COUNTED : x->body.kind,
        .length = counts ? body.len : x->body.length,
        .to_head = x->request.to_head,
        .upgrade = x->request.asks_websocket,
    };
    x->attempt.head_sent = true;
    return x->attempt.uplink->ops->send(x->attempt.uplink, &r, body, x->body.complete,
                                        buf_slice(&x->body.trailers));
}

size_t exchange_send(struct exchange *x, struct slice body)
{
    if (!x->attempt.head_sent)
        return send_first(x, body);
    return x->attempt.uplink->ops->send(x->attempt.uplink, NULL, body, x->body.complete,
                                        buf_slice(&x->body.trailers));
}

/* --- of requests and answers */

struct slice exchange_received_by(bool http2, int minor)
{
    if (http2)
        return SLICE_LIT("2.0 weir");
    return minor == 0 ? SLICE_LIT("1.0 weir") : SLICE_LIT("1.1 weir");
}

bool exchange_id_is_fit(struct slice id)
{
    if (id.len == 0 || id.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.p[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!word && c != '-' && c != '_' && c != '.' && c != ':')
            return false;
    }
    return true;
}
