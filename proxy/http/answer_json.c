/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error out of a stream that begins with one, for an answer restated with a status of its own.
 * The one file of this layer that allocates.
 */
#include "answer_priv.h"

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

/* One whole object, as far as an observer can tell. */
static bool is_object(struct slice text)
{
    static const struct json_node nodes[2] = {{NULL}};
    static const struct json_schema nothing = {.nodes = nodes};
    struct json_scan j;

    json_scan_init(&j);
    json_scan_feed(&j, &nothing, NULL, text);
    return json_scan_done(&j);
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
    if (!is_object(slice_of(at, n))) {
        if (buf_empty(out))
            buf_free(out);
        return WEIR_NOT_FOUND;
    }
    buf_commit(out, n);
    return WEIR_OK;
}
