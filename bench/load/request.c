/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What virtual users ask: lengths, bodies, heads.  A conversation's body repeats what was said
 * before, word for word, as clients do: a prefix cache finds it.
 */
#include <stdio.h>
#include <string.h>

#include "bench/common/draw.h"
#include "bench/http/fnv.h"
#include "bench/load/load_priv.h"

enum { PROMPT_MAX = 16384, OUTPUT_MAX = 2000, BYTES_PER_TOKEN = 4 };

static const struct {
    const char *path, *max_name;
} speeches[] = {
    [SPEECH_CHAT] = {"/v1/chat/completions", "max_tokens"},
    [SPEECH_COMPLETIONS] = {"/v1/completions", "max_tokens"},
    [SPEECH_RESPONSES] = {"/v1/responses", "max_output_tokens"},
    [SPEECH_ANTHROPIC] = {"/v1/messages", "max_tokens"},
    [SPEECH_GET] = {"/", NULL},
    [SPEECH_EMBEDDINGS] = {"/v1/embeddings", NULL},
    [SPEECH_EVENTS] = {"/events", NULL},
    [SPEECH_SOCKET] = {"/ws", NULL},
};

const char speech_list[] =
    "chat, completions, responses, anthropic, get, embeddings, events or socket";

bool speech_find(const char *name, enum speech *out)
{
    static const char *const names[SPEECH_COUNT] = {"chat", "completions", "responses", "anthropic",
                                                    "get",  "embeddings",  "events",    "socket"};

    for (size_t i = 0; i < SPEECH_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum speech)i;
            return true;
        }
    }
    return false;
}

/* Requests without a body. */
static bool is_get(enum speech s)
{
    return s == SPEECH_GET || s == SPEECH_EVENTS || s == SPEECH_SOCKET;
}

void request_draw(struct virtual_user *p)
{
    const struct load_conf *c = &p->load->conf;
    uint32_t t = p->turn < TURNS_MAX ? p->turn : TURNS_MAX - 1;

    if (p->said[t].prompt == 0)
        p->said[t].prompt = draw_length(&p->rng, c->prompt_median, c->prompt_sigma, 1, PROMPT_MAX);
    if (p->said[t].output == 0 && c->output_median > 0)
        p->said[t].output = draw_length(&p->rng, c->output_median, c->output_sigma, 1, OUTPUT_MAX);
    p->leave_content = 0;
    p->leave_s = 0;
    if (c->leave > 0 && rng_unit(&p->rng) < c->leave) {
        if (rng_unit(&p->rng) < 0.5)
            p->leave_content = 1 + (uint32_t)(rng_unit(&p->rng) * 10);
        else
            p->leave_s = 0.05 + 2 * rng_unit(&p->rng);
    }
    p->stream = c->unary <= 0 || rng_unit(&p->rng) >= c->unary;
}

/* Words that depend on whose and which they are, so that only a real repetition looks like one. */
static void put_words(struct grow *g, uint64_t whose, uint32_t which, uint32_t tokens)
{
    size_t wanted = g->len + (size_t)tokens * BYTES_PER_TOKEN;
    uint64_t n = whose * 1000003 + which;

    while (g->len < wanted) {
        n = n * 6364136223846793005ULL + 1442695040888963407ULL;
        char word[6] = {(char)('a' + n % 26), ' ', ' ', ' ', ' ', ' '};
        for (int i = 1; i < 5; i++)
            word[i] = "0123456789abcdef"[n >> (44 + 4 * i) & 15];
        grow_put(g, slice_of(word, sizeof word));
    }
    g->len = wanted;
    g->p[g->len] = '\0';
}

static void put_message(struct grow *g, const char *role, uint64_t whose, uint32_t which,
                        uint32_t tokens)
{
    grow_printf(g, "{\"role\":\"%s\",\"content\":\"", role);
    put_words(g, whose, which, tokens);
    grow_str(g, "\"}");
}

static void put_messages(struct grow *g, const struct virtual_user *p, const char *key)
{
    grow_printf(g, "\"%s\":[", key);
    for (uint32_t t = 0; t < p->turn && t < TURNS_MAX; t++) {
        put_message(g, "user", p->conversation, 2 * t, p->said[t].prompt);
        grow_str(g, ",");
        put_message(g, "assistant", p->conversation, 2 * t + 1, p->said[t].output);
        grow_str(g, ",");
    }
    put_message(g, "user", p->conversation, 2 * p->turn,
                p->said[p->turn < TURNS_MAX ? p->turn : TURNS_MAX - 1].prompt);
    grow_str(g, "]");
}

static void put_prompt(struct grow *g, const struct virtual_user *p)
{
    switch (p->load->conf.speech) {
    case SPEECH_COMPLETIONS:
        grow_str(g, "\"prompt\":\"");
        put_words(g, p->conversation, 0, p->said[0].prompt);
        grow_str(g, "\"");
        return;
    case SPEECH_RESPONSES:
        put_messages(g, p, "input");
        return;
    case SPEECH_EMBEDDINGS:
        grow_str(g, "\"input\":\"");
        put_words(g, p->conversation, 0, p->said[0].prompt);
        grow_str(g, "\"");
        return;
    case SPEECH_CHAT:
    case SPEECH_ANTHROPIC:
    case SPEECH_GET:
    case SPEECH_EVENTS:
    case SPEECH_SOCKET:
    case SPEECH_COUNT:
        put_messages(g, p, "messages");
        return;
    }
}

static void put_body(struct grow *g, const struct virtual_user *p)
{
    const struct load_conf *c = &p->load->conf;
    uint32_t output = p->said[p->turn < TURNS_MAX ? p->turn : TURNS_MAX - 1].output;

    grow_str(g, "{");
    put_prompt(g, p);
    grow_str(g, ",\"model\":");
    grow_json_str(g, slice_str(c->model));
    if (c->speech == SPEECH_EMBEDDINGS) {
        grow_str(g, "}");
        return;
    }
    if (p->stream)
        grow_str(g, ",\"stream\":true");
    if (output > 0)
        grow_printf(g, ",\"%s\":%u", speeches[c->speech].max_name, output);
    else if (c->speech == SPEECH_ANTHROPIC)
        grow_str(g, ",\"max_tokens\":4096"); /* this dialect wants one always */
    if (output > 0 && c->exact)
        grow_str(g, ",\"ignore_eos\":true");
    if (c->verify || c->check)
        grow_printf(g, ",\"tag\":\"%s\"", p->tag);
    grow_str(g, "}");
}

static void put_head(struct grow *g, const struct virtual_user *p, size_t body_len)
{
    const struct load_conf *c = &p->load->conf;
    bool get = is_get(c->speech), events = c->speech == SPEECH_EVENTS;

    grow_printf(g, "%s %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: %s\r\n",
                get ? "GET" : "POST", c->target.path,
                c->path != NULL ? c->path : speeches[c->speech].path, c->target.host,
                c->sdk->user_agent,
                events || (p->stream && !get) ? "text/event-stream" : "application/json");
    if (!c->no_identity)
        grow_printf(g, "Authorization: Bearer bench-%s%s%llu\r\n", c->keys == NULL ? "" : c->keys,
                    c->keys == NULL ? "" : "-", (unsigned long long)p->number);
    if (c->check)
        grow_str(g, "X-Bench-Hash: 1\r\n");
    if (c->speech == SPEECH_SOCKET)
        grow_str(g, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: d2VpcidzIGJlbmNoIGlzIQ==\r\n");
    if (c->speech == SPEECH_ANTHROPIC)
        grow_str(g, "anthropic-version: 2023-06-01\r\n");
    if (c->sdk->stainless)
        grow_printf(g, "X-Stainless-Retry-Count: %d\r\n", p->retries);
    attempts_put_id(g, p);
    if (c->no_reuse)
        grow_str(g, "Connection: close\r\n");
    for (size_t i = 0; i < c->n_fields; i++)
        grow_printf(g, "%s\r\n", c->fields[i]);
    if (!get)
        grow_printf(g, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body_len);
    grow_str(g, "\r\n");
}

void request_write(struct virtual_user *p)
{
    struct grow *body = &p->body;

    grow_clear(&p->request);
    grow_clear(body);
    if (!is_get(p->load->conf.speech))
        put_body(body, p);
    p->asked_sum = fnv_feed(fnv_start, grow_slice(body));
    put_head(&p->request, p, body->len);
    if (body->len > 0)
        grow_put(&p->request, grow_slice(body));
    grow_clear(body);
}
