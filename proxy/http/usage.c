/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that an answer names, out of a whole one; those of events come by event_json.c. */
#include "usage_priv.h"

#include <string.h>

#include "weir/base/text.h"

/* No answer takes more; and five of them do not overflow. */
#define TOKENS_MAX (100 * 1000 * 1000)

uint32_t usage_prompt(const struct usage *u)
{
    return u->says_prompt ? u->prompt + u->cached + u->cached_anew : u->evaluated + u->reused;
}

uint32_t usage_output(const struct usage *u)
{
    return u->output + u->thoughts;
}

void usage_take(struct usage *u, enum usage_count c, enum json_kind kind, struct slice text)
{
    uint64_t n;

    if (kind != JSON_KIND_NUMBER || parse_u64(text, TOKENS_MAX, &n) != WEIR_OK)
        return;
    switch (c) {
    case USAGE_PROMPT:
        u->prompt = (uint32_t)n;
        u->says_prompt = u->knows_prompt = true;
        break;
    case USAGE_EVALUATED:
        u->evaluated = (uint32_t)n;
        u->knows_prompt = true;
        break;
    case USAGE_REUSED:
        u->reused = (uint32_t)n;
        break;
    case USAGE_CACHED:
        u->cached = (uint32_t)n;
        break;
    case USAGE_CACHED_ANEW:
        u->cached_anew = (uint32_t)n;
        break;
    case USAGE_OUTPUT:
        u->output = (uint32_t)n;
        u->knows_output = true;
        break;
    case USAGE_THOUGHTS:
        u->thoughts = (uint32_t)n;
        break;
    case USAGE_COUNT:
        break;
    }
}

/* --- of a whole answer */

enum { NODE_TOP = 1, NODE_USAGE };
#define USAGE_NODE    NODE_USAGE
#define USAGE_LEAF(c) ((c) + 1)
#define TOP(X)        USAGE_TOP(X) X("usageMetadata", .object = NODE_USAGE)
static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
static const struct json_rule usage[] = {USAGE_OF(JSON_RULE_ROW)};
static const struct json_node nodes[] = {
    [NODE_TOP] = {JSON_RULES(top, TOP)}, [NODE_USAGE] = {JSON_RULES(usage, USAGE_OF)}};

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct usage_scan *s = arg;

    usage_take(&s->usage, (enum usage_count)(leaf - 1), kind, text);
}

static const struct json_schema schema = {.nodes = nodes, .on_leaf = on_leaf};

void usage_scan_init(struct usage_scan *s)
{
    s->usage = (struct usage){0};
    json_scan_init(&s->json);
}

void usage_scan_feed(struct usage_scan *s, struct slice bytes)
{
    json_scan_feed(&s->json, &schema, s, bytes);
}
