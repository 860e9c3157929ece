/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What weir itself answers to a stranger's request: whatever its fields say, the head has no line
 * that was not meant, JSON is JSON, a page is text, and its length is what its head says.
 */
#include <jansson.h>
#include <stdlib.h>

#include "fuzz.h"
#include "weir/base/clock.h"
#include "weir/pages/refusal.h"

enum { FIELDS = 32, OUT_MAX = 1 << 17 };

static const struct head_limits limits = {
    .line = 8192, .head = 32768, .fields = FIELDS, .body = 1000};

static void wish_of(struct answer_wish *w, const struct request_head *h)
{
    static const char *const origins[] = {"https://a.test", "https://*.b.test", "*"};
    char path[8200];
    struct text t;

    text_init(&t, path, sizeof path);
    if (target_path(h->target, &t) != WEIR_OK)
        text_init(&t, path, sizeof path);
    answer_wish_init(w, h, text_slice(&t), 0);
    answer_wish_origin(w, h, origins, h->n_fields % 2 == 0 ? 2 : 3);
}

/* The answer's head, read by the reader of upstreams' heads. */
static void check_written(struct slice out, const struct refusal *r, const struct answer_wish *w)
{
    struct http_field fields[FIELDS];
    struct response_head h;
    struct head_error err;
    size_t used;
    struct slice body;

    WEIR_ASSERT(response_parse(out, &limits, w->is_head, false, fields, &h, &used, &err) ==
                PARSE_DONE);
    WEIR_ASSERT(h.status == refusal_status(r, w));
    body = slice_from(out, used);
    WEIR_ASSERT(w->is_head ? body.len == 0 : h.body == BODY_COUNTED && h.length == body.len);
    if (!w->is_head && w->format != FORMAT_HTML) {
        json_t *j = json_loadb(body.p, body.len, 0, NULL);

        WEIR_ASSERT(json_is_object(j) && json_is_object(json_object_get(j, "error")));
        json_decref(j);
    }
}

static void check_event(const struct refusal *r, const struct answer_wish *w, uint64_t sequence)
{
    struct buf out = BUF_INIT;
    struct answer a;

    WEIR_ASSERT(refusal_event(r, w, FORM_SSE, sequence, &out, OUT_MAX) == WEIR_OK);
    answer_init(&a, FORM_SSE, w->anthropic ? DIALECT_ANTHROPIC : DIALECT_OPENAI_CHAT);
    answer_feed(&a, buf_slice(&out));
    WEIR_ASSERT(a.error != ERROR_NONE && a.at_boundary && !a.finished);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_field fields[FIELDS];
    struct slice in = slice_from(slice_of(data, size), size > 0);
    struct request_head h;
    struct head_error err = {0};
    struct answer_wish w;
    struct buf out = BUF_INIT;
    size_t used;
    struct refusal r = {
        .cause = (enum cause)(1 + (size > 0 ? data[0] % (CAUSE_COUNT - 1) : 0)),
        .overload_status = 503,
        .share = -1,
        .retry_after_ms = (uint32_t)(size * 37),
        .request_id = "00112233445566778899aabbccddeeff",
        .wall_ns = NS_PER_S,
    };

    if (request_parse(in, &limits, fields, &h, &used, &err) == PARSE_MORE)
        return 0;
    r.what = err.what;
    wish_of(&w, &h);
    WEIR_ASSERT(w.language < language_count());
    WEIR_ASSERT(refusal_write(&r, &w, &out, OUT_MAX) == WEIR_OK);
    check_written(buf_slice(&out), &r, &w);
    buf_free(&out);
    check_event(&r, &w, size);
    return 0;
}
