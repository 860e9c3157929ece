/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error out of a stream that begins with one, for an answer restated with a status of its own.
 * The one file of this layer that allocates.
 */
#include "answer_priv.h"
#include "weir/base/assert.h"

/* The first event of *events with an error, as a slice of it; whole lines. */
static enum weir_status error_event(enum answer_form form, struct slice events, struct slice *out)
{
    struct answer a;
    bool ended;

    if (form == FORM_BYTES)
        return WEIR_NOT_FOUND;
    answer_init(&a, form, DIALECT_UNKNOWN);
    while (events.len > 0) {
        size_t n = answer_feed_event(&a, events, &ended);

        if (a.error != ERROR_NONE) {
            *out = slice_of(events.p, n);
            return WEIR_OK;
        }
        events = slice_from(events, n);
    }
    return WEIR_NOT_FOUND;
}

static struct slice line_take(struct slice *in)
{
    size_t n = 0;
    struct slice line;

    while (n < in->len && in->p[n] != '\n' && in->p[n] != '\r')
        n++;
    line = slice_of(in->p, n);
    if (n < in->len)
        n += in->p[n] == '\r' && n + 1 < in->len && in->p[n + 1] == '\n' ? 2 : 1;
    *in = slice_from(*in, n);
    return line;
}

/* The value of a line `data:`, or false. */
static bool data_value(enum answer_form form, struct slice line, struct slice *value)
{
    if (form == FORM_NDJSON) {
        *value = slice_trim(line);
        return line.len > 0;
    }
    if (slice_starts(line, SLICE_LIT("\xef\xbb\xbf")))
        line = slice_from(line, 3);
    if (!slice_starts(line, SLICE_LIT("data:")))
        return false;
    *value = slice_from(line, 5);
    if (slice_starts(*value, SLICE_LIT(" ")))
        *value = slice_from(*value, 1);
    return true;
}

/* Hands each data line of the event to put(), a line end before all but the first. */
static size_t data_join(enum answer_form form, struct slice event, char *at)
{
    struct slice value;
    size_t n = 0;

    while (event.len > 0) {
        if (!data_value(form, line_take(&event), &value))
            continue;
        if (n > 0 && at != NULL)
            at[n] = '\n';
        n += n > 0;
        if (at != NULL && value.len > 0)
            memcpy(at + n, value.p, value.len);
        n += value.len;
    }
    return n;
}

/* Where SDKs look for an error, and where OpenAI responses have it. */
enum { LEAF_TOP = 1, LEAF_NESTED };
enum { NODE_TOP = 1, NODE_RESPONSE };
#define TOP(X)      X("error", .leaf = LEAF_TOP) X("response", .object = NODE_RESPONSE)
#define RESPONSE(X) X("error", .leaf = LEAF_NESTED)
static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
static const struct json_rule response[] = {RESPONSE(JSON_RULE_ROW)};
static const struct json_node nodes[] = {
    [NODE_TOP] = {JSON_RULES(top, TOP)}, [NODE_RESPONSE] = {JSON_RULES(response, RESPONSE)}};

struct places {
    bool top;
    const char *nested; /* its opening brace */
};

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct places *places = arg;

    if (leaf == LEAF_TOP)
        places->top = places->top || kind != JSON_KIND_NULL;
    else if (kind == JSON_KIND_OBJECT)
        places->nested = text.p;
}

static const struct json_schema schema = {.nodes = nodes, .on_leaf = on_leaf};

/* How long the object at the start of `text` is; 0 if it has no end, or is none. */
static size_t object_length(struct slice text, struct places *places)
{
    struct json_scan j;

    json_scan_init(&j);
    for (size_t n = 0; n < text.len; n++) {
        json_scan_feed(&j, &schema, places, slice_of(text.p + n, 1));
        if (json_scan_done(&j))
            return n + 1;
    }
    return 0;
}

/* Turns the JSON of n bytes at `at` into what is answered; returns its length, 0 if it is no
 * object. */
static size_t error_to_top(char *at, size_t n)
{
    static const char before[] = "{\"error\":";
    struct places places = {false, NULL}, unused = {false, NULL};
    size_t len;

    if (object_length(slice_of(at, n), &places) == 0)
        return 0;
    if (places.top || places.nested == NULL)
        return n;
    len = object_length(slice_of(places.nested, n - (size_t)(places.nested - at)), &unused);
    /* It was inside of {"response":{"error":...}}, so there is room for less around it. */
    WEIR_ASSERT(len > 0 && sizeof before + len <= n);
    memmove(at + sizeof before - 1, places.nested, len);
    memcpy(at, before, sizeof before - 1);
    at[sizeof before - 1 + len] = '}';
    return sizeof before + len;
}

enum weir_status answer_error_json(enum answer_form form, struct slice events, struct buf *out,
                                   size_t max)
{
    struct slice event;
    enum weir_status rc = error_event(form, events, &event);
    size_t n, room;
    char *at;

    if (rc != WEIR_OK)
        return rc;
    n = data_join(form, event, NULL);
    if (n == 0)
        return WEIR_NOT_FOUND;
    rc = buf_reserve(out, n, max, &at, &room);
    if (rc != WEIR_OK)
        return rc;
    (void)data_join(form, event, at);
    n = error_to_top(at, n);
    buf_commit(out, n);
    if (buf_empty(out))
        buf_free(out);
    return n > 0 ? WEIR_OK : WEIR_NOT_FOUND;
}
