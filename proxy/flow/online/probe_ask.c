/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream is asked on trial: a check, one token; and what its answers say. */
#include <stdio.h>

#include "online/probe_priv.h"
#include "upstream/health.h"
#include "upstream/once.h"
#include "weir/base/json_out.h"

static const char *hint(int status)
{
    switch (status) {
    case 401:
    case 403:
        return "; it wants credentials: health.headers for checks, clients send their own";
    case 404:
        return "; is the path right?";
    case 421:
        return "; it wants another Host: see upstreams[].host";
    default:
        return "";
    }
}

/* By prior knowledge; a generation is asked for over HTTP/1.1 alone. */
static bool speaks_http2(const struct probe *p)
{
    return p->upstream->conf->http2 == UPSTREAM_HTTP2_CLEAR;
}

/* Without a path to check anything that HTTP has to say will do. */
static void judge_answer(struct probe *p)
{
    const struct health_conf *c = &p->pool->conf->health;
    bool checked = c->path[0] != '\0';
    bool good = checked ? health_status_is_good(c, p->reading.status) : p->reading.status != 421;

    probe_found(p, good ? PROBE_GOOD : PROBE_BAD, "GET %s (Host: %s): %d%s",
                checked ? c->path : "/", probe_host(p), p->reading.status,
                good ? "" : hint(p->reading.status));
    if (good)
        probe_pass(p, p->ask->generate != NULL && !speaks_http2(p) ? PROBE_GENERATE : PROBE_STEPS);
    else
        probe_end(p);
}

static void judge_generation(struct probe *p)
{
    const struct reading *r = &p->reading;
    char shown[2 * READING_SHOWN];
    struct text t;

    text_init(&t, shown, sizeof shown);
    text_shown(&t, slice_of(r->shown, r->n_shown));
    if (r->status != 200)
        probe_found(p, PROBE_BAD, "%d%s: %s", r->status, hint(r->status), shown);
    else if (!r->stream)
        probe_found(p, PROBE_BAD, "200, but %s instead of a stream: %s",
                    r->type[0] == '\0' ? "no content type" : r->type, shown);
    else if (r->answer.error != ERROR_NONE)
        probe_found(p, PROBE_BAD, "a 200 whose stream has an error: %s", shown);
    else if (!answer_is_whole(&r->answer, p->pool->conf->finish_reason_ends))
        probe_found(p, PROBE_BAD,
                    "the stream has no end marker; end_marker = \"finish_reason\" if "
                    "this backend never writes one");
    else
        probe_found(p, PROBE_GOOD, "%u events, whole", r->answer.events);
    if (p->found[PROBE_GENERATE].result == PROBE_GOOD)
        probe_pass(p, PROBE_STEPS);
    else
        probe_end(p);
}

static void judge(struct probe *p)
{
    if (p->reading.wrong != NULL)
        probe_fail(p, p->reading.wrong);
    else if (p->step == PROBE_ANSWER)
        judge_answer(p);
    else
        judge_generation(p);
}

static void on_answer_step(void *owner)
{
    struct probe *p = owner;

    reading_feed(&p->reading, stream_in(p->stream));
    if (p->reading.wrong != NULL || p->reading.whole ||
        (p->step == PROBE_ANSWER && p->reading.has_head))
        judge(p);
}

static void on_answer_end(void *owner, enum weir_status s, const char *why)
{
    struct probe *p = owner;

    if (s != WEIR_CLOSED) {
        probe_fail(p, why);
        return;
    }
    reading_feed(&p->reading, stream_in(p->stream));
    reading_end(&p->reading);
    judge(p);
}

static void put_check(struct text *t, const struct probe *p)
{
    const struct health_conf *c = &p->pool->conf->health;

    text_printf(t, "GET %s HTTP/1.1\r\n", c->path[0] == '\0' ? "/" : c->path);
    health_put_fields(t, c, probe_host(p));
}

static void put_generation(struct text *t, const struct probe *p)
{
    char body[1024];
    struct json_out j;
    struct text b;

    text_init(&b, body, sizeof body);
    json_begin(&j, &b);
    json_open_object(&j, NULL);
    json_cstr(&j, "model", p->ask->generate);
    json_open_array(&j, "messages");
    json_open_object(&j, NULL);
    json_cstr(&j, "role", "user");
    json_cstr(&j, "content", "Hi");
    json_close(&j);
    json_close(&j);
    json_u64(&j, "max_tokens", 1);
    json_bool(&j, "stream", true);
    json_close(&j);
    text_printf(t,
                "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir-check\r\n"
                "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                probe_host(p), b.len);
    if (p->ask->authorization != NULL)
        text_printf(t, "Authorization: %s\r\n", p->ask->authorization);
    text_str(t, "Connection: close\r\n\r\n");
    text_put(t, text_slice(&b));
}

/* --- the same over HTTP/2 by prior knowledge: the status alone */

static void on_once(void *arg, const struct response_head *h, enum weir_status s, const char *why)
{
    struct probe *p = arg;

    (void)s;
    p->once = NULL;
    if (h == NULL) {
        probe_fail(p, why);
        return;
    }
    p->reading.status = h->status;
    judge_answer(p);
}

static void ask_once(struct probe *p)
{
    char request[20 * 1024], mem[PROXIED_WRITTEN_MAX];
    struct once_to to = {&p->addrs[p->good], p->upstream->tls,
                         health_first_bytes(p->upstream->conf, mem), true};
    struct text t;

    text_init(&t, request, sizeof request);
    put_check(&t, p);
    reading_begin(&p->reading, DIALECT_UNKNOWN);
    p->once = t.full ? NULL
                     : once_begin(p->loop, &to, p->pool->conf->health.timeout_ns, text_slice(&t),
                                  on_once, p);
    if (p->once == NULL)
        probe_fail(p, "no descriptor or memory, or a field that HTTP/2 does not take");
}

/* --- and over HTTP/1.1 */

static void on_answer_open(void *owner)
{
    struct probe *p = owner;
    char request[20 * 1024];
    struct text t;

    text_init(&t, request, sizeof request);
    if (p->step == PROBE_ANSWER)
        put_check(&t, p);
    else
        put_generation(&t, p);
    if (t.full)
        probe_fail(p, "the request's fields are longer than 16 KiB");
    else if (buf_append(stream_out(p->stream), text_slice(&t), sizeof request) != WEIR_OK)
        probe_fail(p, "out of memory");
}

static void ask_for(struct probe *p, uint64_t within_ns)
{
    static const struct stream_events events = {
        .on_open = on_answer_open, .on_step = on_answer_step, .on_end = on_answer_end};

    reading_begin(&p->reading, DIALECT_OPENAI_CHAT);
    (void)probe_open(p, within_ns, &events);
}

void probe_ask(struct probe *p)
{
    if (speaks_http2(p))
        ask_once(p);
    else
        ask_for(p, p->pool->conf->health.timeout_ns);
}

void probe_ask_generation(struct probe *p)
{
    ask_for(p, probe_timeouts(p)->first_token_last_ns);
}
