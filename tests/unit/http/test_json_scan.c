/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "guard.h"
#include "weir/base/text.h"
#include "weir/http/body_scan.h"
#include "weir/http/json_scan.h"

/* A schema to try it with, and a record of what it reports: "leaf kind text;". */
enum { TOP = 1, LIST, INNER, ANY, DEEP };
#define TOP_KEYS(X)                                                                                \
    X("a", .leaf = 1, .text = true)                                                                \
    X("flag", .leaf = 2)                                                                           \
    X("list", .leaf = 3, .array = LIST)                                                            \
    X("inner", .object = INNER)                                                                    \
    X("any", .object = ANY, .array = ANY)                                                          \
    X("deep", .object = DEEP)
#define DEEP_KEYS(X)  X("deep", .object = DEEP) X("c", .leaf = 8)
#define INNER_KEYS(X) X("b", .leaf = 4, .text = true) X("not")
static const struct json_rule top[] = {TOP_KEYS(JSON_RULE_ROW)};
static const struct json_rule inner[] = {INNER_KEYS(JSON_RULE_ROW)};
static const struct json_rule deep[] = {DEEP_KEYS(JSON_RULE_ROW)};
static const struct json_node nodes[] = {
    [TOP] = {JSON_RULES(top, TOP_KEYS)},
    [LIST] = {.list = true, .other = {.leaf = 5, .object = INNER, .text = true}},
    [INNER] = {JSON_RULES(inner, INNER_KEYS), .other = {.leaf = 6}},
    [ANY] = {.list = true, .other = {.leaf = 7}},
    [DEEP] = {JSON_RULES(deep, DEEP_KEYS)},
};

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    static const char kinds[] = "sntfzoa";
    bool whole = leaf == 1 || leaf == 4 || leaf == 5;

    text_u64(arg, leaf);
    text_char(arg, kinds[kind]);
    if (kind == JSON_KIND_STRING && !whole)
        text_str(arg, text.len > 0 ? "+" : "-");
    else if (kind == JSON_KIND_STRING || kind == JSON_KIND_NUMBER)
        text_put(arg, text);
    text_char(arg, ';');
}
static const struct json_schema schema = {nodes, on_leaf};

/* Checks whole, cut in two at every place, and byte by byte, each against the end of a page. */
static void reports(const char *json, const char *expected)
{
    struct slice all = slice_str(json);
    struct guard g;

    guard_init(&g, all.len + 1);
    for (size_t cut = 0; cut <= all.len + 1; cut++) {
        struct json_scan j;
        char mem[512];
        struct text t;

        text_init(&t, mem, sizeof mem);
        json_scan_init(&j);
        if (cut <= all.len) {
            json_scan_feed(&j, &schema, &t, guard_put(&g, slice_of(all.p, cut)));
            json_scan_feed(&j, &schema, &t, guard_put(&g, slice_from(all, cut)));
        } else {
            for (size_t i = 0; i < all.len; i++)
                json_scan_feed(&j, &schema, &t, guard_put(&g, slice_of(all.p + i, 1)));
        }
        cr_assert_str_eq(mem, expected, "%s cut at %zu", json, cut);
    }
    guard_fini(&g);
}

Test(json_scan, values_of_each_kind)
{
    reports("{\"a\":\"x\"}", "1sx;");
    reports("{\"a\":\"\"}", "1s;");
    reports("{\"a\":12.5e3}", "1n12.5e3;");
    reports("{\"a\":-1,\"a\":0}", "1n-1;1n0;");
    reports("{\"a\":true}", "1t;");
    reports("{\"a\":false}", "1f;");
    reports("{\"a\":null}", "1z;");
    reports("{\"a\":{}}", "1o;");
    reports("{\"a\":[]}", "1a;");
    reports(" \t\r\n{ \"a\" : \"x\" , \"flag\" : true } ", "1sx;2t;");
}

Test(json_scan, whether_a_string_is_empty_is_known_by_its_first_byte)
{
    reports("{\"flag\":\"\"}", "2s-;");
    reports("{\"flag\":\"x", "2s+;");
    reports("{\"flag\":\"", "");
    reports("{\"flag\":\"\\n\",\"flag\":\"\\\"\"}", "2s+;2s+;");
}

Test(json_scan, only_the_right_depth_counts)
{
    reports("{\"x\":{\"a\":\"no\"},\"a\":\"yes\"}", "1syes;");
    reports("{\"x\":[\"a\",\"b\"],\"y\":\"a\",\"a\":1}", "1n1;");
    reports("{\"inner\":{\"b\":\"x\",\"not\":\"y\",\"z\":1},\"b\":2}", "4sx;6n1;");
    reports("{\"inner\":[{\"b\":\"x\"}]}", "");
    reports("{\"list\":[1,\"x\",{\"b\":2},[\"a\"],true]}", "3a;5n1;5sx;5o;4n2;5a;5t;");
    reports("{\"list\":{\"b\":1}}", "3o;");
    reports("{\"any\":[[],{},\"\",\"x\"]}", "7a;7o;7s-;7s+;");
    reports("{\"any\":{\"k\":1}}", "7s+;7n1;");
    reports("{\"any\":{}}", "");
}

Test(json_scan, escapes_in_keys_and_values_are_decoded)
{
    reports("{\"\\u0061\":\"\\u0041\\n\\/\\\\\\\"\"}", "1sA\n/\\\";");
    reports("{\"f\\u006Cag\":true}", "2t;");
    reports("{\"\\\\a\":1,\"a\\\"\":2,\"a\":3}", "1n3;");
    reports("{\"x\":\"\\\"a\\\":1\",\"a\":2}", "1n2;");
    reports("{\"x\":\"\\\\\",\"a\":2}", "1n2;");
    reports("{\"x\":\"\\u0022,\",\"a\":2}", "1n2;");
}

Test(json_scan, names_beyond_ascii_are_the_same_escaped_or_not_in_any_split)
{
    reports("{\"a\":\"mod\xc3\xa8le\"}", "1smod\xc3\xa8le;");
    reports("{\"a\":\"mod\\u00e8le\"}", "1smod\xc3\xa8le;");
    reports("{\"a\":\"\\u20ac\\ud83d\\ude00\"}", "1s\xe2\x82\xac\xf0\x9f\x98\x80;");
    /* halves of a pair alone */
    reports("{\"a\":\"\\ud83d\"}", "1s\xef\xbf\xbd;");
    reports("{\"a\":\"\\ud83dx\\ude00\"}", "1s\xef\xbf\xbdx\xef\xbf\xbd;");
    reports("{\"a\":\"\\ud83d\\ud83d\\ude00\"}", "1s\xef\xbf\xbd\xf0\x9f\x98\x80;");
}

Test(json_scan, what_looks_like_structure_inside_strings_is_not)
{
    reports("{\"x\":\"{[}]:,\",\"a\":1}", "1n1;");
    reports("{\"}\":1,\"a\":1}", "1n1;");
}

Test(json_scan, ends_with_the_outermost_object)
{
    struct json_scan j;

    reports("{\"a\":1}{\"a\":2}", "1n1;");
    reports("[{\"a\":1}]", "");
    reports("\"a\":1", "");
    reports("", "");
    json_scan_init(&j);
    json_scan_feed(&j, &schema, NULL, SLICE_LIT("{\"x\":{}"));
    cr_assert(!json_scan_done(&j));
    json_scan_feed(&j, &schema, NULL, SLICE_LIT("}"));
    cr_assert(json_scan_done(&j));
}

Test(json_scan, depth_has_no_bound_and_loses_nothing_above)
{
    static char json[20000];
    size_t at = (size_t)sprintf(json, "{\"x\":");

    memset(json + at, '[', 8000);
    memset(json + at + 8000, ']', 8000);
    (void)strcpy(json + at + 16000, ",\"inner\":{\"b\":1}}");
    for (size_t piece = 1; piece < 5000; piece += 1237) {
        struct json_scan j;
        char mem[64];
        struct text t;

        text_init(&t, mem, sizeof mem);
        json_scan_init(&j);
        for (size_t i = 0; i < strlen(json); i += piece)
            json_scan_feed(&j, &schema, &t,
                           slice_of(json + i, piece < strlen(json) - i ? piece : strlen(json) - i));
        cr_assert_str_eq(mem, "4n1;");
        cr_assert(json_scan_done(&j));
    }
}

/* As deep as nodes are remembered, and no deeper; on the way out the places are right again. */
Test(json_scan, places_below_the_deepest_are_not_looked_at)
{
    static const char level[] = "{\"deep\":";
    char json[400] = "";

    for (int depth = 1; depth <= JSON_NODES_DEEP + 2; depth++)
        (void)strcat(json, level);
    (void)strcat(json, "{\"c\":0}");
    for (int depth = JSON_NODES_DEEP + 2; depth >= 1; depth--)
        (void)sprintf(json + strlen(json), ",\"c\":%d}", depth);
    reports(json, "8n7;8n6;8n5;8n4;8n3;8n2;");
}

Test(json_scan, long_texts_are_cut_alike_in_any_split)
{
    char json[200] = "{\"a\":\"", expected[200] = "1s";

    memset(json + 6, 'x', 100);
    (void)strcpy(json + 106, "\"}");
    memset(expected + 2, 'x', JSON_TEXT_MAX);
    (void)strcpy(expected + 2 + JSON_TEXT_MAX, ";");
    reports(json, expected);
}

Test(json_scan, what_is_no_json_does_no_harm)
{
    reports("{,:}", "");
    reports("{\"a\" \"a\" 1}", "");
    reports("{\"a\"::1}", "1n1;");
    reports("{\"a\":,\"a\":2}", "1n2;");
    reports("{]", "");
    reports("{\"a\":tru}", "");
    reports("{\"a\":\"\\u00zz\"}", "1s\x33;"); /* whatever it is, it is the same in each split */
}

static enum body_says body_of(const char *json)
{
    struct slice all = slice_str(json);
    struct body_scan whole, part;
    struct guard g;

    guard_init(&g, all.len + 1);
    body_scan_init(&whole);
    body_scan_feed(&whole, guard_put(&g, all));
    for (size_t cut = 0; cut <= all.len; cut++) {
        body_scan_init(&part);
        body_scan_feed(&part, guard_put(&g, slice_of(all.p, cut)));
        body_scan_feed(&part, guard_put(&g, slice_from(all, cut)));
        cr_assert_eq(part.says, whole.says, "%s cut at %zu", json, cut);
    }
    guard_fini(&g);
    return whole.says;
}

Test(body_scan, reads_stream_at_the_top_level)
{
    cr_assert_eq(body_of("{\"model\":\"m\",\"stream\":true,\"n\":1}"), BODY_SAYS_STREAM);
    cr_assert_eq(body_of("{ \"stream\" : false }"), BODY_SAYS_UNARY);
    cr_assert_eq(body_of("{\"model\":\"m\"}"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("{\"messages\":[{\"content\":\"\\\"stream\\\": true\"}]}"),
                 BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("{\"options\":{\"stream\":true}}"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("{\"stream_options\":{\"x\":1},\"stream\":true}"), BODY_SAYS_STREAM);
    cr_assert_eq(body_of("{\"s\\u0074ream\":true}"), BODY_SAYS_STREAM);
}

Test(body_scan, the_last_of_several_wins)
{
    cr_assert_eq(body_of("{\"stream\":true,\"stream\":false}"), BODY_SAYS_UNARY);
    cr_assert_eq(body_of("{\"stream\":false,\"stream\":true}"), BODY_SAYS_STREAM);
    cr_assert_eq(body_of("{\"stream\":true,\"stream\":null}"), BODY_SAYS_NOTHING);
}

Test(body_scan, other_values_and_other_bodies_say_nothing)
{
    cr_assert_eq(body_of("{\"stream\":\"true\"}"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("{\"stream\":1}"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("{\"stream\":{\"stream\":true}}"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("[{\"stream\":true}]"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of("stream=true"), BODY_SAYS_NOTHING);
    cr_assert_eq(body_of(""), BODY_SAYS_NOTHING);
}
