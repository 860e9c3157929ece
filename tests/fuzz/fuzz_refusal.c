/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What weir itself answers to a stranger's request: whatever its fields say, the head has no line
 * that was not meant, JSON is JSON, and an error event is one to our own reader.
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
    answer_wish_init(w, h, text_slice(&t), 0, LANGUAGES_ALL);
    answer_wish_origin(w, h, origins, h->n_fields % 2 == 0 ? 2 : 3);
}

/* A name is a token, a value has no control character: no field can end the head or begin another.
 */
static void check_field(struct slice name, struct slice value, void *arg)
{
    size_t *n = arg;

    WEIR_ASSERT(name.len > 0);
    for (size_t i = 0; i < name.len; i++)
        WEIR_ASSERT(name.p[i] > ' ' && name.p[i] != ':' && name.p[i] < 0x7f);
    for (size_t i = 0; i < value.len; i++)
        WEIR_ASSERT((unsigned char)value.p[i] >= ' ' && value.p[i] != 0x7f);
    ++*n;
}

static void check_answer(const struct refusal *r, const struct answer_wish *w)
{
    struct buf body = BUF_INIT;
    size_t n = 0;

    WEIR_ASSERT(refusal_status(r, w) >= 400);
    refusal_fields(r, w, check_field, &n);
    WEIR_ASSERT(n >= 3);
    WEIR_ASSERT(refusal_body(r, w, &body, OUT_MAX) == WEIR_OK);
    if (w->format != FORMAT_HTML && body.len > 0) {
        json_t *j = json_loadb(body.mem + body.at, body.len, 0, NULL);

        WEIR_ASSERT(json_is_object(j) && json_is_object(json_object_get(j, "error")));
        json_decref(j);
    }
    buf_free(&body);
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
    check_answer(&r, &w);
    check_event(&r, &w, size);
    return 0;
}
