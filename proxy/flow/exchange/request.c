/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request becomes an exchange: what is known of it is copied out of its head.  On the worker's
 * thread; nothing of the parsed head is borrowed beyond exchange_request.
 */
#include <stdlib.h>

#include "exchange_priv.h"

/* --- the client */

/* The last address of a list that is not one of our own proxies; false: there is none. */
static bool believed_client(const struct snapshot *s, struct slice list, struct net_addr *out)
{
    while (list.len > 0) {
        const char *comma = memrchr(list.p, ',', list.len);
        size_t at = comma == NULL ? 0 : (size_t)(comma - list.p) + 1;
        struct slice one = slice_trim(slice_from(list, at));
        char mem[80];
        struct text t;

        text_init(&t, mem, sizeof mem);
        if (memchr(one.p, ':', one.len) != NULL && one.len > 0 && one.p[0] != '[')
            text_printf(&t, "[%.*s]:0", (int)one.len, one.p);
        else
            text_printf(&t, "%.*s:0", (int)one.len, one.p);
        if (t.full || net_addr_parse(text_slice(&t), out) != WEIR_OK)
            return false;
        if (!snapshot_trusts(s, out))
            return true;
        list.len = comma == NULL ? 0 : at - 1;
    }
    return false;
}

/* --- identity */

static struct slice cookie_value(struct slice cookies, struct slice name)
{
    while (cookies.len > 0) {
        const char *end = memchr(cookies.p, ';', cookies.len);
        size_t n = end == NULL ? cookies.len : (size_t)(end - cookies.p);
        struct slice pair = slice_trim(slice_of(cookies.p, n));

        if (pair.len > name.len && slice_starts(pair, name) && pair.p[name.len] == '=')
            return slice_from(pair, name.len + 1);
        cookies = slice_from(cookies, n < cookies.len ? n + 1 : n);
    }
    return SLICE_NONE;
}

static struct slice field_named(const struct request_head *h, struct slice name)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        if (slice_eq_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    }
    return SLICE_NONE;
}

/* Who the user is: header, cookie, address, in that order; hashed, the key itself is not kept. */
static uint64_t user_of(const struct snapshot *s, const struct request_head *h,
                        const struct net_addr *client)
{
    const struct settings *st = s->settings;
    struct slice id = SLICE_NONE;
    char host[NET_ADDR_TEXT_MAX];

    if (slice_eq_nocase(slice_str(st->identity.header), SLICE_LIT("authorization"))) {
        id = request_field(h, FIELD_AUTHORIZATION);
        if (id.len == 0)
            id = request_field(h, FIELD_X_API_KEY);
    } else if (st->identity.header[0] != '\0') {
        id = field_named(h, slice_str(st->identity.header));
    }
    if (id.len == 0 && st->identity.cookie[0] != '\0')
        id = cookie_value(request_field(h, FIELD_COOKIE), slice_str(st->identity.cookie));
    if (id.len == 0 && st->identity.address) {
        net_addr_format_host(client, host);
        id = slice_str(host);
    }
    return id.len == 0 ? 0 : snapshot_user(s, id); /* 0 means nobody */
}

/* Whose evidence a request without a name is; never who it is to the rules about users. */
static uint64_t hash_of_address(const struct snapshot *s, const struct net_addr *client)
{
    char host[NET_ADDR_TEXT_MAX];

    net_addr_format_host(client, host);
    return hash_keyed(s->user_key, slice_str(host)) | 1;
}

static enum request_class class_of(const struct snapshot *s, int route,
                                   const struct request_head *h, const struct client_facts *cf)
{
    const struct route_conf *r;

    if (request_is_preflight(h))
        return CLASS_SYSTEM;
    if (route < 0)
        return CLASS_INTERACTIVE;
    r = &s->settings->routes[route];
    if (r->class_header[0] != '\0' && cf->trusted) {
        struct slice v = field_named(h, slice_str(r->class_header));
        for (int c = CLASS_PAID; c < CLASS_COUNT; c++) {
            if (slice_eq_nocase(v, slice_str(class_name((enum request_class)c))))
                return (enum request_class)c;
        }
    }
    return r->class;
}

/* --- ids */

static void set_id(struct exchange *x, const struct request_head *h, const struct client_facts *cf)
{
    struct slice given = h == NULL ? SLICE_NONE : request_field(h, FIELD_X_REQUEST_ID);
    struct text t;

    x->record.trace[0] = entropy_next(&x->w->entropy) | 1;
    x->record.trace[1] = entropy_next(&x->w->entropy);
    text_init(&t, x->record.id, sizeof x->record.id);
    if (cf->trusted && exchange_id_is_fit(given)) {
        text_put(&t, given);
        return;
    }
    text_hex(&t, x->record.trace[0], 16);
    text_hex(&t, x->record.trace[1], 16);
}

/* --- what is copied for later */

static void keep_path(struct exchange *x, const struct request_head *h)
{
    const struct settings *st = x->snapshot->settings;
    size_t n = h->target.len < RECORD_PATH_MAX ? h->target.len : RECORD_PATH_MAX;
    struct text t;

    x->record.path = malloc(n + 1);
    if (x->record.path != NULL) {
        text_init(&t, x->record.path, n + 1);
        target_redacted(&t, slice_of(h->target.p, n), st->log.redact, st->log.n_redact,
                        !st->log.query);
    }
    text_init(&t, x->record.method, sizeof x->record.method);
    text_put(&t, h->method);
}

static uint64_t number_of(struct slice s)
{
    uint64_t n = 0;

    return parse_u64(s, UINT32_MAX, &n) == WEIR_OK ? n : 0;
}

static void set_ask(struct exchange *x, const struct request_head *h, const struct client_facts *cf)
{
    struct pool_request *r = &x->ticket.r;
    uint64_t timeout_s = number_of(request_field(h, FIELD_X_STAINLESS_TIMEOUT)), timeout_ns;
    const struct net_addr *client = &x->request.client;

    r->user = user_of(x->snapshot, h, client);
    r->who = r->user != 0 ? r->user : hash_of_address(x->snapshot, client);
    r->kind = x->request.kind;
    r->class = class_of(x->snapshot, x->request.route, h, cf);
    r->bytes = h->body == BODY_COUNTED ? h->length : 0;
    r->client_retry = (uint32_t)number_of(request_field(h, FIELD_X_STAINLESS_RETRY_COUNT));
    r->deadline_ns = timeout_s == 0 ? 0 : x->record.begun_ns + timeout_s * NS_PER_S;
    /* not told to the gate, which would measure short calls by what generations take */
    if (x->request.is_grpc && grpc_timeout(request_field(h, FIELD_GRPC_TIMEOUT), &timeout_ns))
        x->request.deadline_ns = x->record.begun_ns + timeout_ns;
    r->tried = -1;
    if (r->client_retry > 0)
        counter_add(&x->w->counters.client_retries, 1);
}

/* Before the body says more: does the path or the Accept field speak of a stream? */
static void guess_stream(struct exchange *x, const struct request_head *h)
{
    enum route_stream rs = x->request.route < 0
                               ? ROUTE_STREAM_AUTO
                               : x->snapshot->settings->routes[x->request.route].stream;

    x->request.route_stream = x->request.is_grpc ? ROUTE_STREAM_AUTO : rs;
    x->request.accepts_events =
        list_has_token(request_field(h, FIELD_ACCEPT), SLICE_LIT("text/event-stream"));
    body_scan_init(&x->body.scan);
    if (x->request.is_grpc)
        return;
    x->request.is_judged = x->request.dialect != DIALECT_UNKNOWN || rs == ROUTE_STREAM_ALWAYS;
    x->request.is_stream = rs == ROUTE_STREAM_ALWAYS;
}

static bool may_upgrade(const struct exchange *x)
{
    return x->request.route >= 0 && x->snapshot->settings->routes[x->request.route].websocket;
}

static void fail_early(struct exchange *x, int status, enum cause cause, const char *what)
{
    x->request.early.status = status;
    x->request.early.cause = cause;
    x->request.early.what = what;
}

static bool cors_on(const struct exchange *x)
{
    return x->snapshot->settings->cors.n_origins > 0;
}

/* The same after a restart, when what was learnt of a kind is read again; there are seven. */
static const struct hash_key kinds_key = {0, 0};

static void set_wish(struct exchange *x, const struct request_head *h, struct slice path)
{
    const struct settings *st = x->snapshot->settings;
    int force = x->request.route < 0 ? 0 : (int)st->routes[x->request.route].pages;

    answer_wish_init(&x->request.wish, h, path, force, x->snapshot->languages);
    if (cors_on(x))
        answer_wish_origin(&x->request.wish, h, (const char *const *)st->cors.origins,
                           st->cors.n_origins);
    x->request.is_grpc = h->grpc;
    if (slice_eq(h->method, SLICE_LIT("POST")) && !h->grpc)
        x->request.dialect = dialect_of_path(path, false);
    x->request.path_streams = streams_of_path(x->request.dialect, path);
    x->request.kind = x->request.dialect != DIALECT_UNKNOWN
                          ? KIND_GENERATION
                          : kind_of_route(hash_keyed(kinds_key, path));
    x->ticket.r.model = x->request.dialect == DIALECT_GEMINI /* its paths name the model */
                            ? hash_keyed(x->snapshot->user_key, path)
                            : 0;
}

static bool is_status_page(const struct exchange *x, struct slice path)
{
    struct slice want = slice_str(x->snapshot->settings->pages.status_path);

    return want.len > 0 &&
           (slice_eq(path, want) || (path.len == want.len + 5 && slice_starts(path, want) &&
                                     slice_ends(path, SLICE_LIT(".json"))));
}

/* Routes it and copies what is needed of the head; early_cause is set where it goes nowhere. */
static void understand(struct exchange *x, const struct request_head *h,
                       const struct client_facts *cf)
{
    struct text path;

    text_init(&path, x->w->scratch.path, PATH_BYTES);
    if (target_path(h->target, &path) != WEIR_OK) {
        set_wish(x, h, SLICE_NONE);
        fail_early(x, 400, CAUSE_BAD_REQUEST, "the path cannot be resolved");
        return;
    }
    x->request.route =
        (int16_t)snapshot_route(x->snapshot, h->method, h->host, text_slice(&path), &x->pool);
    set_wish(x, h, text_slice(&path));
    if (is_status_page(x, text_slice(&path))) {
        x->request.early.answer = EARLY_STATUS_PAGE;
        x->request.early.wants_json = slice_ends(text_slice(&path), SLICE_LIT(".json")) ||
                                      x->request.wish.format != FORMAT_HTML;
        x->pool = NULL;
        return;
    }
    if (cors_on(x) && request_is_preflight(h)) {
        x->request.early.answer = EARLY_PREFLIGHT;
        exchange_keep_preflight(x, h);
        x->pool = NULL;
        return;
    }
    if (x->pool == NULL) {
        fail_early(x, 404, CAUSE_NOT_FOUND, NULL);
        return;
    }
    if (atomic_load_explicit(&x->w->memory_short, memory_order_relaxed)) {
        fail_early(x, 503, CAUSE_OVERLOADED, "the memory of limits.memory is nearly used up");
        return;
    }
    set_ask(x, h, cf);
    guess_stream(x, h);
    if (h->websocket && !may_upgrade(x)) {
        fail_early(x, 403, CAUSE_NOT_ALLOWED, "this route does not allow upgrades to WebSocket");
        return;
    }
    x->request.asks_websocket = h->websocket;
    if (!x->w->quitting && exchange_is_shut_out(x))
        x->request.early.answer =
            EARLY_SHED; /* before its body is read, or anything is made of its head */
    else if (!exchange_keep_request(x, h, cf))
        fail_early(x, 503, CAUSE_OVERLOADED, NULL);
}

/* Who the client is: the peer, or whom a trusted peer speaks for.  h NULL: it is not believed. */
static void set_client(struct exchange *x, const struct request_head *h,
                       const struct client_facts *cf)
{
    struct net_addr *client = &x->request.client;
    char peer[NET_ADDR_TEXT_MAX];

    if (h != NULL && cf->trusted &&
        believed_client(x->snapshot, request_field(h, FIELD_X_FORWARDED_FOR), client)) {
        net_addr_format_host(client, peer); /* its port is not known */
    } else {
        *client = *cf->peer;
        net_addr_format(client, peer);
    }
    peer[sizeof x->record.peer - 1] = '\0'; /* a long unix path is cut */
    memcpy(x->record.peer, peer, sizeof x->record.peer);
}

static struct exchange *exchange_create(struct worker *w, struct client *client)
{
    struct exchange *x = slab_take(&w->exchanges->slab);

    if (x == NULL)
        return NULL;
    x->magic = EXCHANGE_MAGIC;
    x->state = EXCHANGE_BODY;
    x->w = w;
    x->snapshot = w->snapshot;
    x->use = snapshot_use_ref(w->use);
    x->client = client;
    x->request.route = -1;
    x->record.begun_ns = loop_now_ns(w->loop);
    x->record.begun_wall_ns = wall_now_ns();
    x->ticket.loop = w->loop;
    x->ticket.wake.deliver = exchange_on_wake;
    x->ticket.r.upstream = x->ticket.r.tried = -1;
    x->ticket.r.class = CLASS_INTERACTIVE;
    x->ticket.r.numbers.upstream = -1;
    list_init(&x->ticket.wake.node);
    loop_timer_init(&x->timer, w->loop, exchange_on_timer, x);
    loop_deferred_init(&x->deferred, exchange_free);
    list_push_back(&w->exchanges->live, &x->node);
    return x;
}

struct exchange *exchange_request(struct worker *w, struct client *c, const struct request_head *h,
                                  const struct client_facts *cf)
{
    struct exchange *x = exchange_create(w, c);

    if (x == NULL)
        return NULL;
    set_client(x, h, cf);
    set_id(x, h, cf);
    exchange_set_trace(x, h);
    x->request.expect = h->expect_continue;
    x->body.complete = h->body == BODY_NONE || (h->body == BODY_COUNTED && h->length == 0);
    x->body.kind = h->body;
    x->body.unframed = h->unframed;
    x->body.length = h->length;
    x->request.idempotent = slice_eq(h->method, SLICE_LIT("GET")) || h->is_head;
    x->request.to_head = h->is_head;
    understand(x, h, cf);
    keep_path(x, h);
    return x;
}

struct exchange *exchange_bad_request(struct worker *w, struct client *c,
                                      const struct head_error *err, const struct request_head *h,
                                      const struct client_facts *cf)
{
    struct exchange *x = exchange_create(w, c);
    struct request_head none = {0};

    if (x == NULL)
        return NULL;
    set_client(x, NULL, cf);
    set_id(x, NULL, cf);
    x->body.complete = true;
    set_wish(x, h == NULL ? &none : h, h == NULL ? SLICE_NONE : h->target);
    if (h != NULL)
        keep_path(x, h);
    fail_early(x, err->status, err->cause, err->what);
    return x;
}
