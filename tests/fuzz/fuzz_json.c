/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of a stranger, read in pieces for a few keys.  Any split reports the same values; and of a
 * text that jansson takes for an object without repeated keys, jansson finds the same.
 */
#include <jansson.h>

#include "fuzz.h"
#include "weir/base/text.h"
#include "weir/http/body_scan.h"

enum { LEAF_A = 1, LEAF_B, LEAF_C, LEAF_D, NODE_TOP = 1, NODE_INNER, NODE_LIST, REPORT = 1 << 16 };

#define TOP(X)                                                                                     \
    X("a", .leaf = LEAF_A, .text = true)                                                           \
    X("b", .leaf = LEAF_B, .object = NODE_INNER) X("list", .array = NODE_LIST)
#define INNER(X) X("c", .leaf = LEAF_C, .text = true) X("b", .object = NODE_INNER)
static const struct json_rule top[] = {TOP(JSON_RULE_ROW)}, inner[] = {INNER(JSON_RULE_ROW)};
static const struct json_node nodes[] = {
    [NODE_TOP] = {JSON_RULES(top, TOP)},
    [NODE_INNER] = {JSON_RULES(inner, INNER)},
    [NODE_LIST] = {.list = true, .other = {.leaf = LEAF_D, .object = NODE_INNER, .text = true}},
};

/* What was reported, as a text; and the last of "a". */
struct report {
    struct text t;
    enum json_kind a;
    char a_text[JSON_TEXT_MAX];
    size_t a_len, n_a;
    char mem[REPORT];
};

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct report *r = arg;

    WEIR_ASSERT(text.len <= JSON_TEXT_MAX);
    text_u64(&r->t, leaf);
    text_char(&r->t, (char)('a' + kind));
    if (kind == JSON_KIND_STRING && leaf == LEAF_B) /* said is only whether it is empty */
        text_str(&r->t, text.len == 0 ? "0" : "1");
    else if (kind != JSON_KIND_OBJECT && kind != JSON_KIND_ARRAY)
        text_put(&r->t, text);
    text_char(&r->t, '\n');
    if (leaf != LEAF_A)
        return;
    r->a = kind;
    r->n_a++;
    r->a_len = kind == JSON_KIND_STRING ? text.len : 0;
    if (r->a_len > 0)
        memcpy(r->a_text, text.p, r->a_len);
}

static const struct json_schema schema = {.nodes = nodes, .on_leaf = on_leaf};

/* Returns whether the object was complete. */
static bool scan(struct report *r, struct body_scan *b, struct slice in, uint32_t seed)
{
    struct json_scan j;
    bool whole = seed == 0;

    text_init(&r->t, r->mem, sizeof r->mem);
    r->n_a = r->a_len = 0;
    json_scan_init(&j);
    body_scan_init(b);
    while (in.len > 0) {
        struct slice piece = whole ? in : fuzz_piece(&in, &seed);

        if (whole)
            in = SLICE_NONE;
        json_scan_feed(&j, &schema, r, piece);
        body_scan_feed(b, piece);
    }
    return json_scan_done(&j);
}

static enum json_kind kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_KIND_NUMBER;
    case JSON_TRUE:
        return JSON_KIND_TRUE;
    case JSON_FALSE:
        return JSON_KIND_FALSE;
    case JSON_NULL:
        return JSON_KIND_NULL;
    }
    WEIR_UNREACHABLE("type");
}

static void check_a(const json_t *v, const struct report *r)
{
    size_t len;

    WEIR_ASSERT((v == NULL) == (r->n_a == 0));
    if (v == NULL || r->t.full)
        return;
    WEIR_ASSERT(kind_of(v) == r->a);
    if (!json_is_string(v))
        return;
    len = json_string_length(v);
    WEIR_ASSERT(len <= JSON_TEXT_MAX ? r->a_len == len : r->a_len <= JSON_TEXT_MAX);
    WEIR_ASSERT(memcmp(json_string_value(v), r->a_text, r->a_len) == 0);
}

static void check_body(const json_t *root, const struct body_scan *b)
{
    const json_t *stream = json_object_get(root, "stream"), *model = json_object_get(root, "model");
    enum body_says says = json_is_true(stream)    ? BODY_SAYS_STREAM
                          : json_is_false(stream) ? BODY_SAYS_UNARY
                                                  : BODY_SAYS_NOTHING;

    WEIR_ASSERT(b->says == says);
    WEIR_ASSERT((body_scan_model(b).len > 0) ==
                (json_is_string(model) && json_string_length(model) > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct report whole, part;
    struct body_scan of_whole, of_part;
    struct slice in = slice_of(data, size);
    bool done = scan(&whole, &of_whole, in, 0);
    json_t *root;

    WEIR_ASSERT(done == scan(&part, &of_part, in, fuzz_seed(in) | 1));
    WEIR_ASSERT(slice_eq(text_slice(&whole.t), text_slice(&part.t)));
    WEIR_ASSERT(of_whole.says == of_part.says);
    WEIR_ASSERT(slice_eq(body_scan_model(&of_whole), body_scan_model(&of_part)));
    root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(root)) {
        WEIR_ASSERT(done);
        check_a(json_object_get(root, "a"), &whole);
        check_body(root, &of_whole);
    }
    json_decref(root);
    return 0;
}
