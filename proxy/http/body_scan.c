/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's JSON body asks for: a stream, a model.  Reads two keys of the outermost object.
 */
#include "weir/http/body_scan.h"

#include <string.h>

enum { LEAF_STREAM = 1, LEAF_MODEL };

#define TOP(X) X("stream", .leaf = LEAF_STREAM) X("model", .leaf = LEAF_MODEL, .text = true)
static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
static const struct json_node nodes[] = {[1] = {JSON_RULES(top, TOP)}};

static void keep_model(struct body_scan *b, enum json_kind kind, struct slice text)
{
    b->model_len = 0;
    if (kind != JSON_KIND_STRING || text.len > sizeof b->model)
        return;
    memcpy(b->model, text.p, text.len);
    b->model_len = (uint8_t)text.len;
}

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct body_scan *b = arg;

    if (leaf == LEAF_MODEL)
        keep_model(b, kind, text);
    else if (kind == JSON_KIND_TRUE)
        b->says = BODY_SAYS_STREAM;
    else
        b->says = kind == JSON_KIND_FALSE ? BODY_SAYS_UNARY : BODY_SAYS_NOTHING;
}

static const struct json_schema schema = {.nodes = nodes, .on_leaf = on_leaf};

void body_scan_init(struct body_scan *b)
{
    b->says = BODY_SAYS_NOTHING;
    b->model_len = 0;
    json_scan_init(&b->json);
}

struct slice body_scan_model(const struct body_scan *b)
{
    return slice_of(b->model, b->model_len);
}

void body_scan_feed(struct body_scan *b, struct slice bytes)
{
    json_scan_feed(&b->json, &schema, b, bytes);
}
