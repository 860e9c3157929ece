/* SPDX-License-Identifier: Apache-2.0 */
/* Does a request's JSON body ask for a stream?  Reads one key of the outermost object. */
#include "weir/http/body_scan.h"

enum { LEAF_STREAM = 1 };

#define TOP(X) X("stream", .leaf = LEAF_STREAM)
static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
static const struct json_node nodes[] = {[1] = {JSON_RULES(top, TOP)}};

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct body_scan *b = arg;

    (void)leaf;
    (void)text;
    if (kind == JSON_KIND_TRUE)
        b->says = BODY_SAYS_STREAM;
    else
        b->says = kind == JSON_KIND_FALSE ? BODY_SAYS_UNARY : BODY_SAYS_NOTHING;
}

static const struct json_schema schema = {.nodes = nodes, .on_leaf = on_leaf};

void body_scan_init(struct body_scan *b)
{
    b->says = BODY_SAYS_NOTHING;
    json_scan_init(&b->json);
}

void body_scan_feed(struct body_scan *b, struct slice bytes)
{
    json_scan_feed(&b->json, &schema, b, bytes);
}
