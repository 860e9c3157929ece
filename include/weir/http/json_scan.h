/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_JSON_SCAN_H
#define WEIR_HTTP_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"

/*
 * Reports a few values of a JSON object as its bytes pass, in any split, in constant memory.  An
 * observer, not a validator: what is not JSON yields nothing or something, never an error; who
 * needs to know whether the text is right parses it.  Escapes are decoded, to UTF-8, in keys and in
 * values (RFC 8259, 7); a surrogate alone is U+FFFD.
 */
enum json_kind {
    JSON_KIND_STRING,
    JSON_KIND_NUMBER,
    JSON_KIND_TRUE,
    JSON_KIND_FALSE,
    JSON_KIND_NULL,
    JSON_KIND_OBJECT, /* it opens here */
    JSON_KIND_ARRAY,
};

/* What to do with the value of a key, or with each element of a list. */
struct json_rule {
    const char *key;
    uint8_t len, first;    /* of key */
    uint8_t leaf;          /* reported under this number; 0: not reported */
    uint8_t object, array; /* the node of what is inside, when the value is one; 0: nothing there */
    bool text;             /* strings are reported whole, not only whether they are empty */
};

/* A place in the document: an object with keys, or a list, whose elements all follow `other`. */
struct json_node {
    const struct json_rule *rules;
    uint64_t keys; /* JSON_KEY_BIT of each key, so that most others are told without a comparison */
    uint8_t n_rules;
    bool list;
    struct json_rule other; /* keys without a rule; elements of a list */
};

/*
 * A node is made from a list of its keys, X(key, the rest of its rule):
 *     #define TOP(X) X("a", .leaf = 1, .text = true) X("b", .object = 2)
 *     static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
 *     static const struct json_node nodes[] = {[1] = {JSON_RULES(top, TOP)}};
 */
#define JSON_KEY_HASH(len, first) (((len) + 7u * (unsigned char)(first)) & 63u)
#define JSON_KEY_BIT_ROW(k, ...)  | UINT64_C(1) << JSON_KEY_HASH(sizeof(k) - 1, (k)[0])
#define JSON_RULE_ROW(k, ...)     {.key = (k), .len = sizeof(k) - 1, .first = (k)[0], __VA_ARGS__},
#define JSON_RULES(rows, LIST)                                                                     \
    .rules = (rows), .n_rules = sizeof(rows) / sizeof((rows)[0]), .keys = 0 LIST(JSON_KEY_BIT_ROW)

struct json_schema {
    const struct json_node *nodes; /* [0] is not used, [1] the outermost object */
    /*
     * A value under a rule with a leaf, in the order of the document, several times if a key comes
     * several times.  `text` of a string whose rule does not say text: empty if it is, else not, no
     * more.  Strings, numbers longer than JSON_TEXT_MAX are cut.  Of an object or a list `text` is
     * the opening brace, where it lies in the bytes that were fed.
     */
    void (*on_leaf)(void *arg, uint8_t leaf, enum json_kind kind, struct slice text);
};

enum { JSON_TEXT_MAX = 64, JSON_NODES_DEEP = 8 };

struct json_scan {
    const struct json_rule *rule; /* of the value that comes */
    const struct json_node *at;   /* the innermost open object or list; NULL: nothing there */
    uint32_t depth;               /* open objects and arrays */
    uint16_t unit;                /* of an escape \uXXXX, so far */
    uint16_t high;                /* a high surrogate that waits for its low one, 0 = none */
    uint8_t state, node;          /* node: the number of `at` */
    uint8_t escape; /* 0; 1 behind a backslash; 2-5 before that many less one hex digits */
    uint8_t text_len;
    bool colon;                     /* the next is a value, not a key */
    uint8_t outer[JSON_NODES_DEEP]; /* nodes that node is in */
    char text[JSON_TEXT_MAX];
};

void json_scan_init(struct json_scan *j);
void json_scan_feed(struct json_scan *j, const struct json_schema *schema, void *arg,
                    struct slice bytes);

/* The outermost object is complete; what follows is not looked at. */
bool json_scan_done(const struct json_scan *j);

#endif
