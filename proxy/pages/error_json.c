/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object for programs: one body that the SDKs of OpenAI and Anthropic, and whoever reads
 * theirs, all understand; and the same as an event inside a stream.
 */
#include "pages_priv.h"

#include "weir/base/assert.h"
#include "weir/base/json_out.h"

/* Escaping may lengthen a byte sixfold at most (base/json_out). */
enum { JSON_MAX = 1024 + 6 * MESSAGE_MAX + 3 * CLEAN_TEXT_MAX };

void refusal_message_put(const struct refusal *r, const char *sentence, struct text *t)
{
    struct appointment a = refusal_appointment(r);

    text_str(t, sentence);
    if (r->what != NULL && r->what[0] != '\0') {
        text_str(t, ": ");
        text_str(t, r->what);
    }
    text_char(t, '.');
    if (a.seconds == 0)
        return;
    text_str(t, " Please retry after ");
    text_u64(t, a.seconds);
    text_str(t, a.seconds == 1 ? " second." : " seconds.");
}

static void put_error(struct json_out *j, const struct refusal *r, struct slice message)
{
    char mem[CLEAN_TEXT_MAX];
    struct slice incident = clean_text(r->incident, mem);

    json_cstr(j, "type", "error");
    json_open_object(j, "error");
    json_cstr(j, "type", cause_row(r->cause)->type);
    json_str(j, "message", message);
    json_put_null(j, "param");
    json_cstr(j, "code", cause_name(r->cause));
    if (incident.len > 0)
        json_str(j, "incident", incident);
    json_close(j);
}

/* RFC 9457, 3.1: the members that a reader of problem details looks for. */
static void put_problem(struct json_out *j, int status, struct slice message)
{
    json_cstr(j, "title", reason_phrase(status));
    json_u64(j, "status", (uint64_t)status);
    json_str(j, "detail", message);
}

static void put_id(struct json_out *j, const struct refusal *r)
{
    char mem[CLEAN_ID_MAX];

    json_str(j, "request_id", clean_id(r->request_id, mem));
}

static void error_json(const struct refusal *r, const struct answer_wish *w, struct text *out)
{
    char mem[MESSAGE_MAX];
    struct text message;
    struct json_out j;

    text_init(&message, mem, sizeof mem);
    refusal_message_put(r, cause_row(r->cause)->message, &message);
    json_begin(&j, out);
    json_open_object(&j, NULL);
    put_error(&j, r, text_slice(&message));
    if (w->format == FORMAT_PROBLEM)
        put_problem(&j, refusal_status(r, w), text_slice(&message));
    put_id(&j, r);
    json_close(&j);
}

/* What readers of …/v1/responses expect of an event of type "error". */
static void put_responses(struct json_out *j, const struct refusal *r, uint64_t sequence,
                          struct slice message)
{
    json_u64(j, "sequence_number", sequence + 1);
    json_cstr(j, "code", cause_name(r->cause));
    json_str(j, "message", message);
    json_put_null(j, "param");
}

/* Ollama's clients take "error" for a sentence. */
static void put_line(struct json_out *j, const struct refusal *r, struct slice message)
{
    json_str(j, "error", message);
    json_cstr(j, "code", cause_name(r->cause));
}

static void event_json(const struct refusal *r, const struct answer_wish *w, enum answer_form form,
                       uint64_t sequence, struct text *out)
{
    char mem[MESSAGE_MAX];
    struct text message;
    struct json_out j;

    text_init(&message, mem, sizeof mem);
    refusal_message_put(r, refusal_sentence(r->cause), &message);
    json_begin(&j, out);
    json_open_object(&j, NULL);
    if (form == FORM_NDJSON)
        put_line(&j, r, text_slice(&message));
    else
        put_error(&j, r, text_slice(&message));
    if (form == FORM_SSE && w->responses)
        put_responses(&j, r, sequence, text_slice(&message));
    put_id(&j, r);
    json_close(&j);
}

/* The end markers that clients look for, some of them anywhere in the bytes. */
static const struct slice end_markers[] = {
    {"[DONE]", 6}, {"message_stop", 12}, {"response.completed", 18}};

static bool starts_with_marker(struct slice s)
{
    for (size_t i = 0; i < sizeof end_markers / sizeof end_markers[0]; i++) {
        if (slice_starts(s, end_markers[i]))
            return true;
    }
    return false;
}

/*
 * Copies JSON so that no end marker stands in it, not even inside an operator's text: its first
 * letter becomes an escape, which reads the same.  Markers can only be inside strings.
 */
static void put_without_markers(struct text *out, struct slice json)
{
    for (; json.len > 0; json = slice_from(json, 1)) {
        if (starts_with_marker(json)) {
            text_str(out, "\\u");
            text_hex(out, (unsigned char)json.p[0], 4);
        } else {
            text_char(out, json.p[0]);
        }
    }
}

enum weir_status refusal_event(const struct refusal *r, const struct answer_wish *w,
                               enum answer_form form, uint64_t sequence, struct buf *out,
                               size_t max)
{
    char json_mem[JSON_MAX], mem[2 * JSON_MAX];
    struct text json, t;

    if (form == FORM_BYTES)
        return WEIR_BAD;
    text_init(&json, json_mem, sizeof json_mem);
    event_json(r, w, form, sequence, &json);
    text_init(&t, mem, sizeof mem);
    if (form == FORM_SSE)
        text_str(&t, "event: error\ndata: ");
    put_without_markers(&t, text_slice(&json));
    text_str(&t, form == FORM_SSE ? "\n\n" : "\n");
    WEIR_ASSERT(!json.full && !t.full);
    return buf_append(out, text_slice(&t), max);
}

enum weir_status error_json_append(const struct refusal *r, const struct answer_wish *w,
                                   struct buf *out, size_t max)
{
    char mem[JSON_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    error_json(r, w, &t);
    WEIR_ASSERT(!t.full);
    return buf_append(out, text_slice(&t), max);
}
