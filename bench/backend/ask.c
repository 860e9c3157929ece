/* SPDX-License-Identifier: Apache-2.0 */
/* What a request body asks for: stream or not, how long, whose it is, how much prompt. */
#include <jansson.h>

#include "bench/backend/server.h"
#include "bench/common/draw.h"

enum { BYTES_PER_TOKEN = 4, PROMPT_MAX = 1 << 20 };

/* Copies the harmless characters of a string: what is echoed must not need escapes. */
static void copy_word(char *out, size_t size, const char *s)
{
    size_t n = 0;

    for (; *s != '\0' && n < size - 1; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                     (*s >= '0' && *s <= '9') || strchr("-_:/", *s) != NULL;
        if (plain)
            out[n++] = *s;
    }
    out[n] = '\0';
}

static void copy_tag(char *out, const json_t *value)
{
    char number[32];

    if (json_is_string(value)) {
        copy_word(out, TAG_MAX + 1, json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        copy_word(out, TAG_MAX + 1, number);
    }
}

/* The first of these that is there marks the answer's tokens. */
static void read_tag(const json_t *body, char *out)
{
    const json_t *metadata = json_object_get(body, "metadata");
    const json_t *places[] = {json_object_get(body, "tag"), json_object_get(metadata, "tag"),
                              json_object_get(body, "seed"), json_object_get(body, "user"),
                              json_object_get(metadata, "user_id")};

    out[0] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0] && out[0] == '\0'; i++)
        copy_tag(out, places[i]);
}

/* The first positive whole number under one of the names, or 0. */
static uint32_t read_count(const json_t *body, const char *const *names)
{
    for (; *names != NULL; names++) {
        json_int_t n = json_integer_value(json_object_get(body, *names));
        if (n > 0)
            return n < 1000000 ? (uint32_t)n : 1000000;
    }
    return 0;
}

static void read_length(struct server *s, const json_t *body, struct exchange *x)
{
    static const char *const max_names[] = {"max_tokens", "max_completion_tokens",
                                            "max_output_tokens", NULL};
    static const char *const min_names[] = {"min_tokens", NULL};
    uint32_t max = read_count(body, max_names), min = read_count(body, min_names);
    bool exact = s->exact_length || json_is_true(json_object_get(body, "ignore_eos"));
    uint32_t drawn = draw_length(&s->rng, s->conf.out_median, s->conf.out_sigma, min > 0 ? min : 1,
                                 (uint32_t)s->conf.out_max);

    x->job.wanted = max > 0 && (exact || drawn > max) ? max : drawn;
    x->answer.by_length = max > 0 && x->job.wanted == max;
}

static void read_prompt(struct server *s, const json_t *body, struct slice raw, struct exchange *x)
{
    const json_t *prompt = json_object_get(body, "messages");
    size_t tokens = raw.len / BYTES_PER_TOKEN;
    char *text;

    x->job.prompt = tokens < 1 ? 1 : tokens > PROMPT_MAX ? PROMPT_MAX : (uint32_t)tokens;
    x->job.cached = 0;
    if (s->prefix.n == 0)
        return;
    if (prompt == NULL)
        prompt = json_object_get(body, "input");
    if (prompt == NULL)
        prompt = json_object_get(body, "prompt");
    text = json_dumps(prompt, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text == NULL)
        return;
    x->job.cached = prefix_learn(&s->prefix, slice_str(text)) / BYTES_PER_TOKEN;
    if (x->job.cached > x->job.prompt)
        x->job.cached = x->job.prompt;
    free(text);
}

bool ask_read(struct server *s, const struct httpd_request *r, struct exchange *x)
{
    json_t *body = json_loadb(r->body.p == NULL ? "" : r->body.p, r->body.len, 0, NULL);
    const char *model;

    if (!json_is_object(body)) {
        json_decref(body);
        return false;
    }
    x->stream = json_is_true(json_object_get(body, "stream"));
    x->answer.wants_usage =
        json_is_true(json_object_get(json_object_get(body, "stream_options"), "include_usage"));
    model = json_string_value(json_object_get(body, "model"));
    copy_word(x->answer.model, sizeof x->answer.model, model == NULL ? "weir-bench" : model);
    read_tag(body, x->answer.tag);
    read_length(s, body, x);
    read_prompt(s, body, r->body, x);
    x->answer.prompt = x->job.prompt;
    x->answer.cached = x->job.cached;
    json_decref(body);
    return true;
}
