/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams as a client sees them.  Looks for keys instead of parsing: thousands of streams. */
#include "bench/load/reading.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/common/units.h"
#include "bench/http/fnv.h"

void reading_start(struct reading *r, const char *tag)
{
    struct grow rest = r->rest;

    grow_clear(&rest);
    *r = (struct reading){.tag = tag, .rest = rest, .sum = fnv_start};
}

void reading_free(struct reading *r)
{
    grow_free(&r->rest);
}

static struct slice skip_space(struct slice s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\n' || s.p[0] == '\r' || s.p[0] == '\t'))
        s = slice_from(s, 1);
    return s;
}

/* What follows `"key" :` at its next place; advances *json behind the key.  Empty at the end. */
static struct slice value_after(struct slice *json, const char *quoted_key)
{
    size_t key_len = strlen(quoted_key);

    while (json->len > 0) {
        const char *at = memmem(json->p, json->len, quoted_key, key_len);
        if (at == NULL)
            break;
        *json = slice_from(*json, (size_t)(at - json->p) + key_len);
        struct slice rest = skip_space(*json);
        if (rest.len > 0 && rest.p[0] == ':')
            return skip_space(slice_from(rest, 1));
    }
    *json = SLICE_NONE;
    return SLICE_NONE;
}

static struct slice string_at(struct slice s)
{
    size_t n = 1;

    if (s.len < 2 || s.p[0] != '"')
        return SLICE_NONE;
    while (n < s.len && s.p[n] != '"')
        n += s.p[n] == '\\' ? 2 : 1;
    return n < s.len ? slice_of(s.p + 1, n - 1) : SLICE_NONE;
}

struct slice json_text_of(struct slice json, const char *key)
{
    char quoted[64];

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", key);
    while (json.len > 0) {
        struct slice text = string_at(value_after(&json, quoted));
        if (text.len > 0)
            return text;
    }
    return SLICE_NONE;
}

/* The keys whose text is content, in any dialect.  "text" is also Anthropic's and Gemini's. */
static struct slice content_of(struct slice name, struct slice data)
{
    static const char *const keys[] = {"content", "reasoning_content", "reasoning", "text",
                                       "delta",   "partial_json",      "thinking",  "arguments",
                                       "response"};
    bool response_event = slice_starts(name, SLICE_LIT("response."));

    /* of the responses dialect only deltas are content: its last events repeat the text */
    if (response_event && !slice_ends(name, SLICE_LIT(".delta")))
        return SLICE_NONE;
    if (slice_eq(name, SLICE_LIT("content_block_start")))
        return SLICE_NONE;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct slice text = json_text_of(data, keys[i]);
        if (text.len > 0)
            return text;
    }
    return SLICE_NONE;
}

static bool is_end(struct slice name, struct slice data)
{
    struct slice type = json_text_of(data, "type");

    return slice_eq(data, SLICE_LIT("[DONE]")) || slice_eq(name, SLICE_LIT("message_stop")) ||
           slice_eq(type, SLICE_LIT("response.completed")) ||
           slice_eq(type, SLICE_LIT("response.incomplete"));
}

/* The digits at the front, also behind a quote: codes come as numbers and as strings. */
static int leading_number(struct slice s)
{
    int n = 0;

    if (s.len > 0 && s.p[0] == '"')
        s = slice_from(s, 1);
    for (size_t i = 0; i < s.len && i < 6 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        n = n * 10 + (s.p[i] - '0');
    return n;
}

static bool has_word(struct slice s, const char *word)
{
    return s.len > 0 && memmem(s.p, s.len, word, strlen(word)) != NULL;
}

static int code_of_error(struct slice data)
{
    struct slice rest = data;
    int code = leading_number(value_after(&rest, "\"code\""));

    if (code >= 400 && code <= 599)
        return code;
    if (has_word(data, "overloaded"))
        return 503;
    return has_word(data, "rate_limit") ? 429 : 0;
}

static bool is_error(struct slice name, struct slice data)
{
    struct slice start = skip_space(data), rest;

    if (slice_eq(name, SLICE_LIT("error")) || slice_eq(name, SLICE_LIT("response.failed")))
        return true;
    if (slice_eq(json_text_of(data, "type"), SLICE_LIT("error")))
        return true;
    if (start.len == 0 || start.p[0] != '{')
        return false;
    /* "error" as the first key, as every server of the OpenAI family writes it */
    rest = skip_space(slice_from(start, 1));
    return slice_starts(rest, SLICE_LIT("\"error\"")) &&
           !slice_starts(value_after(&start, "\"error\""), SLICE_LIT("null"));
}

/* Walks the words of a text: each must be "TAG.n" with the next n. */
static void check_tokens(struct reading *r, struct slice text)
{
    char wanted[96];

    for (struct slice word = next_word(&text); word.len > 0; word = next_word(&text)) {
        (void)snprintf(wanted, sizeof wanted, "%s.%u", r->tag, r->tokens);
        if (!slice_eq(word, slice_str(wanted)))
            r->mixed = true;
        r->tokens++;
    }
}

void reading_check_whole(struct reading *r, struct slice body)
{
    struct slice text = json_text_of(body, "content");

    if (text.len == 0)
        text = json_text_of(body, "text");
    if (text.len > 0)
        r->content = 1;
    if (r->tag != NULL)
        check_tokens(r, text);
}

static bool note_event(struct reading *r, struct slice name, struct slice data)
{
    struct slice text;

    r->events++;
    if (is_error(name, data)) {
        r->failed = true;
        r->error_code = code_of_error(data);
        return false;
    }
    if (is_end(name, data)) {
        r->ended = true;
        return false;
    }
    text = content_of(name, data);
    if (text.len == 0)
        return false;
    r->content++;
    if (r->tag != NULL)
        check_tokens(r, text);
    return true;
}

static struct slice take_line(struct slice *s)
{
    struct slice line = SLICE_NONE;
    const char *nl = s->len == 0 ? NULL : memchr(s->p, '\n', s->len);
    size_t n = nl == NULL ? s->len : (size_t)(nl - s->p);

    line = slice_of(s->p, n);
    *s = slice_from(*s, nl == NULL ? n : n + 1);
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* One block of lines up to an empty one. */
static bool read_block(struct reading *r, struct slice block)
{
    struct slice name = SLICE_NONE, data = SLICE_NONE;

    while (block.len > 0) {
        struct slice value = take_line(&block);
        if (value.len == 0 || value.p[0] == ':')
            continue;
        struct slice key = next_part(&value, ':');
        if (slice_eq(key, SLICE_LIT("event")))
            name = slice_trim(value);
        else if (slice_eq(key, SLICE_LIT("data")) && data.len == 0)
            data = slice_trim(value);
    }
    return data.len > 0 && note_event(r, name, data);
}

/* ": sum HEX" is what the simulated backend has sent so far; anything else counts. */
static void note_sum(struct reading *r, struct slice block)
{
    static const struct slice mark = {": sum ", 6};
    char hex[17] = "";

    if (!slice_starts(block, mark) || block.len < mark.len + 16) {
        r->sum = fnv_feed(r->sum, block);
        return;
    }
    memcpy(hex, block.p + mark.len, 16);
    r->sum_seen = true;
    r->sum_wrong = r->sum_wrong || strtoull(hex, NULL, 16) != r->sum;
}

/* Bytes of the first complete block, its empty line included; 0 when there is none. */
static size_t block_size(struct slice s)
{
    const char *p = s.p, *end = s.p + s.len;

    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (nl == NULL || nl + 1 == end)
            return 0;
        if (nl[1] == '\n')
            return (size_t)(nl - s.p) + 2;
        if (nl[1] == '\r' && nl + 2 < end && nl[2] == '\n')
            return (size_t)(nl - s.p) + 3;
        p = nl + 1;
    }
    return 0;
}

static uint32_t read_blocks(struct reading *r, struct slice *s)
{
    uint32_t content = 0;

    for (size_t n = block_size(*s); n > 0; n = block_size(*s)) {
        if (r->check)
            note_sum(r, slice_of(s->p, n));
        content += read_block(r, slice_of(s->p, n));
        *s = slice_from(*s, n);
    }
    return content;
}

uint32_t reading_feed(struct reading *r, struct slice bytes)
{
    struct slice rest = bytes;
    uint32_t content;
    bool joined = r->rest.len > 0;

    if (joined) {
        grow_put(&r->rest, bytes);
        rest = grow_slice(&r->rest);
    }
    content = read_blocks(r, &rest);
    if (rest.len > READING_EVENT_MAX) {
        r->too_long = true;
        rest = SLICE_NONE;
    }
    if (joined && rest.len > 0)
        memmove(r->rest.p, rest.p, rest.len);
    else if (rest.len > 0)
        grow_put(&r->rest, rest);
    if (joined || rest.len == 0)
        r->rest.len = rest.len;
    return content;
}
