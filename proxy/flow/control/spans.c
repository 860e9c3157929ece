/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spans of a sampled request, made of its record: as the JSON of OTLP (opentelemetry-proto,
 * trace.proto and its JSON mapping), with the attributes of OpenTelemetry's semantic conventions
 * and weir's own words.  Control thread.
 *
 *     request (server)
 *       ├─ queue                    while it waited for a place
 *       └─ attempt (client), each   one try at one upstream
 *            ├─ first_token         from sent to the first content
 *            └─ stream              from there to the end
 */
#include <string.h>

#include "control/spans.h"
#include "weir/base/json_out.h"

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 };
/* Which number of trace_span_nth each has; attempt i has 1 + i. */
enum { NTH_QUEUE = 100, NTH_FIRST = 200, NTH_STREAM = 300 };

struct spans {
    struct json_out j;
    const struct control *c;
    const struct request_record *r;
    const struct request_trace *t;
};

/* --- which there are */

static bool has_queue(const struct request_record *r, const struct request_trace *t)
{
    return t->asked_ns != 0 && r->queue_ns > 0;
}

static bool has_first(const struct trace_attempt *a)
{
    return a->is_stream && a->connected_ns != 0;
}

static bool has_stream(const struct trace_attempt *a)
{
    return has_first(a) && a->first_ns != 0;
}

static uint32_t attempts_kept(const struct request_trace *t)
{
    return t->n_attempts < TRACE_ATTEMPTS_MAX ? t->n_attempts : TRACE_ATTEMPTS_MAX;
}

uint32_t spans_count(const struct request_record *r, const struct request_trace *t)
{
    uint32_t n = 1 + has_queue(r, t);

    for (uint32_t i = 0; i < attempts_kept(t); i++)
        n += 1 + has_first(&t->attempts[i]) + has_stream(&t->attempts[i]);
    return n;
}

/* --- pieces */

static void hex_member(struct spans *s, const char *key, uint64_t high, uint64_t low, bool both)
{
    char mem[40];
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (both)
        text_hex(&t, high, 16);
    text_hex(&t, low, 16);
    json_str(&s->j, key, text_slice(&t));
}

/* 64-bit numbers are strings in the JSON of protobuf. */
static void number_member(struct spans *s, const char *key, uint64_t n)
{
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, n);
    json_str(&s->j, key, text_slice(&t));
}

static void open_attribute(struct spans *s, const char *key)
{
    json_open_object(&s->j, NULL);
    json_cstr(&s->j, "key", key);
    json_open_object(&s->j, "value");
}

static void close_attribute(struct spans *s)
{
    json_close(&s->j);
    json_close(&s->j);
}

static void put_word(struct spans *s, const char *key, struct slice value)
{
    if (value.len == 0)
        return;
    open_attribute(s, key);
    json_str(&s->j, "stringValue", value);
    close_attribute(s);
}

static void put_number(struct spans *s, const char *key, uint64_t n)
{
    open_attribute(s, key);
    number_member(s, "intValue", n);
    close_attribute(s);
}

/* Monotonic to wall time, by the begin of the request. */
static uint64_t wall(const struct spans *s, uint64_t ns)
{
    return s->r->at_wall_ns + (ns > s->t->begun_ns ? ns - s->t->begun_ns : 0);
}

static void open_span(struct spans *s, uint64_t id, uint64_t parent, enum span_kind kind,
                      const char *name, uint64_t from_ns, uint64_t to_ns)
{
    json_open_object(&s->j, NULL);
    hex_member(s, "traceId", s->t->self.id[0], s->t->self.id[1], true);
    hex_member(s, "spanId", 0, id, false);
    if (parent != 0)
        hex_member(s, "parentSpanId", 0, parent, false);
    json_u64(&s->j, "flags", s->t->self.flags);
    json_cstr(&s->j, "name", name);
    json_u64(&s->j, "kind", kind);
    number_member(s, "startTimeUnixNano", wall(s, from_ns));
    number_member(s, "endTimeUnixNano", wall(s, to_ns));
    json_open_array(&s->j, "attributes");
}

/* error: what went wrong, a word; NULL = nothing. */
static void close_span(struct spans *s, const char *error)
{
    if (error != NULL)
        put_word(s, "error.type", slice_str(error));
    json_close(&s->j);
    json_open_object(&s->j, "status");
    if (error != NULL)
        json_u64(&s->j, "code", 2); /* STATUS_CODE_ERROR */
    json_close(&s->j);
    json_close(&s->j);
}

/* --- the spans */

static void put_protocol(struct spans *s, bool http2)
{
    put_word(s, "network.protocol.name", SLICE_LIT("http"));
    put_word(s, "network.protocol.version", http2 ? SLICE_LIT("2") : SLICE_LIT("1.1"));
}

static void put_upstream(struct spans *s, int slot)
{
    int16_t pool = s->r->pool, upstream = (int16_t)slot;
    const struct net_url *url;

    if (s->r->pool >= 0)
        put_word(s, "weir.pool", slice_str(s->c->names.pools[s->r->pool]));
    if (slot < 0)
        return;
    put_word(s, "weir.upstream", slice_str(s->c->names.upstreams[slot]));
    control_index(s->c, &pool, &upstream);
    if (pool < 0 || upstream < 0)
        return; /* a reload took it out */
    url = &s->c->snapshot->pools[pool].upstreams[upstream].url;
    put_word(s, "server.address", slice_str(url->host));
    if (!url->unix_path)
        put_number(s, "server.port", url->port);
}

static const char *attempt_error(const struct trace_attempt *a)
{
    if (!a->has_outcome || a->outcome == OUTCOME_OK || a->outcome == OUTCOME_NEUTRAL)
        return NULL;
    return outcome_name(a->outcome);
}

static void put_attempt(struct spans *s, uint32_t i)
{
    const struct trace_attempt *a = &s->t->attempts[i];
    uint64_t id = trace_span_nth(s->t->self.span, i + 1);

    open_span(s, id, s->t->self.span, SPAN_CLIENT, "attempt", a->begun_ns, a->ended_ns);
    put_word(s, "http.request.method", slice_of(s->r->method, s->r->method_len));
    if (a->status != 0)
        put_number(s, "http.response.status_code", a->status);
    if (i > 0)
        put_number(s, "http.request.resend_count", i);
    put_protocol(s, a->http2);
    put_upstream(s, a->upstream);
    if (a->connected_ns != 0)
        put_number(s, "weir.connect_ns", a->connected_ns - a->begun_ns);
    if (a->has_outcome)
        put_word(s, "weir.outcome", slice_str(outcome_name(a->outcome)));
    close_span(s, attempt_error(a));
    if (!has_first(a))
        return;
    open_span(s, trace_span_nth(s->t->self.span, NTH_FIRST + i), id, SPAN_INTERNAL, "first_token",
              a->connected_ns, a->first_ns != 0 ? a->first_ns : a->ended_ns);
    close_span(s, a->first_ns == 0 ? attempt_error(a) : NULL);
    if (!has_stream(a))
        return;
    open_span(s, trace_span_nth(s->t->self.span, NTH_STREAM + i), id, SPAN_INTERNAL, "stream",
              a->first_ns, a->ended_ns);
    if (i + 1 == s->t->n_attempts)
        put_number(s, "weir.events", s->r->events);
    close_span(s, attempt_error(a));
}

static void put_queue(struct spans *s)
{
    if (!has_queue(s->r, s->t))
        return;
    open_span(s, trace_span_nth(s->t->self.span, NTH_QUEUE), s->t->self.span, SPAN_INTERNAL,
              "queue", s->t->asked_ns, s->t->asked_ns + (uint64_t)s->r->queue_ns);
    close_span(s, NULL);
}

/* Of a server, a client's fault is none; a stream that broke has the status it began with. */
static const char *request_error(const struct request_record *r)
{
    bool ours = r->cause != CAUSE_NONE && cause_side(r->cause) != OF_CLIENT;

    if (r->status < 500 && !(ours && r->status < 400))
        return NULL;
    return r->cause == CAUSE_NONE ? "upstream_error" : cause_name(r->cause);
}

static struct slice path_alone(const char *path)
{
    return slice_of(path, strcspn(path, "?"));
}

static void name_of(const struct spans *s, char *out, size_t room)
{
    const struct settings *st = s->c->snapshot->settings;
    bool routed = s->r->route >= 0 && (size_t)s->r->route < st->n_routes;

    (void)snprintf(out, room, "%.*s%s%s", s->r->method_len, s->r->method, routed ? " " : "",
                   routed ? st->routes[s->r->route].path : "");
}

static void put_decision(struct spans *s)
{
    const struct request_record *r = s->r;

    put_word(s, "weir.request_id", slice_str(r->id));
    put_word(s, "weir.class", slice_str(class_name(r->class)));
    put_word(s, "weir.decision", slice_str(decision_name(r->decision)));
    put_word(s, "weir.cause", slice_str(cause_name(r->cause)));
    if (r->numbers.observed != RULE_NONE)
        put_word(s, "weir.would", slice_str(cause_name(rule_cause(r->numbers.observed))));
    if (r->has_outcome)
        put_word(s, "weir.outcome", slice_str(outcome_name(r->outcome)));
    if (r->retries > 0)
        put_number(s, "weir.retries", r->retries);
}

static void put_user(struct spans *s)
{
    char mem[24];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_hex(&t, s->r->user, 16);
    if (s->r->user != 0)
        put_word(s, "weir.user", text_slice(&t));
}

static void put_request(struct spans *s, const char *path)
{
    const struct request_record *r = s->r;
    char name[400];

    name_of(s, name, sizeof name);
    open_span(s, s->t->self.span, s->t->parent, SPAN_SERVER, name, s->t->begun_ns,
              s->t->begun_ns + (uint64_t)(r->duration_ns < 0 ? 0 : r->duration_ns));
    put_word(s, "http.request.method", slice_of(r->method, r->method_len));
    put_word(s, "url.path", path_alone(path));
    if (r->status != 0)
        put_number(s, "http.response.status_code", r->status);
    put_number(s, "http.request.body.size", r->bytes_in);
    put_number(s, "http.response.body.size", r->bytes_out);
    put_protocol(s, s->t->http2);
    put_word(s, "client.address", slice_str(r->client));
    if (r->pool >= 0)
        put_word(s, "weir.pool", slice_str(s->c->names.pools[r->pool]));
    if (r->upstream >= 0)
        put_word(s, "weir.upstream", slice_str(s->c->names.upstreams[r->upstream]));
    put_user(s);
    put_decision(s);
    close_span(s, request_error(r));
}

void spans_put(struct text *to, const struct control *c, const struct request_record *r,
               const struct request_trace *t, const char *path)
{
    struct spans s = {.c = c, .r = r, .t = t};

    json_begin(&s.j, to);
    json_open_array(&s.j, NULL);
    put_request(&s, path);
    put_queue(&s);
    for (uint32_t i = 0; i < attempts_kept(t); i++)
        put_attempt(&s, i);
    json_close(&s.j);
}
