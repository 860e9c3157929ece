/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "codec.h"

static struct codec_line line(void)
{
    return (struct codec_line){.name = SLICE_LIT("chat/a"),
                               .rules = 0xabcdef,
                               .held = 24,
                               .record = {.on = 7,
                                          .events = UINT64_C(9007199254740992),
                                          .used = 21,
                                          .unary = true,
                                          .own_streams = 12.5}};
}

Test(codec, a_record_comes_back_as_it_was)
{
    const struct codec_head head = {.version = SLICE_LIT("0.1.0"),
                                    .start = 0xfeed,
                                    .settings = UINT64_MAX,
                                    .rtt_us = 42,
                                    .period_ms = 250,
                                    .leads = true};
    struct codec_line l = line(), got;
    struct codec_head h;
    char mem[2048];
    struct text t;
    struct slice s;

    text_init(&t, mem, sizeof mem);
    codec_put_head(&t, &head);
    codec_put_line(&t, &l);
    l.name = SLICE_LIT("chat/b");
    codec_put_line(&t, &l);
    s = text_slice(&t);
    cr_assert_eq(codec_take_head(&s, &h), WEIR_OK);
    cr_assert(slice_eq(h.version, head.version) && h.start == head.start &&
              h.settings == head.settings && h.rtt_us == 42 && h.period_ms == 250 && h.leads &&
              h.same_form);
    cr_assert_eq(codec_take_line(&s, &got), WEIR_OK);
    cr_assert(slice_eq(got.name, SLICE_LIT("chat/a")) && got.rules == l.rules && got.held == 24);
    cr_assert_eq(memcmp(&got.record, &l.record, sizeof l.record), 0);
    cr_assert_eq(codec_take_line(&s, &got), WEIR_OK);
    cr_assert_eq(codec_take_line(&s, &got), WEIR_NOT_FOUND);
}

Test(codec, a_record_of_another_table_is_known_as_such)
{
    struct slice s = SLICE_LIT("12345 fe 0.2.0 ab 1 250 0\nchat/a 1 2 3 4 5\n");
    struct codec_head h;

    cr_assert_eq(codec_take_head(&s, &h), WEIR_OK);
    cr_assert_not(h.same_form);
}

Test(codec, every_cut_of_a_record_is_refused_or_less)
{
    struct codec_line l = line(), got;
    char mem[1024];
    struct text t;

    text_init(&t, mem, sizeof mem);
    codec_put_line(&t, &l);
    for (size_t n = 1; n + 3 < t.len; n++) { /* the last number may lose digits */
        struct slice s = slice_of(mem, n);

        cr_assert_eq(codec_take_line(&s, &got), WEIR_BAD, "%zu of %zu", n, t.len);
    }
}

Test(codec, a_plan_comes_back_as_it_was)
{
    struct fleet_plan p = {.epoch = 9,
                           .state = BREAKER_RAMPING,
                           .total = 48,
                           .share = 0.25,
                           .probe = {UINT64_MAX, 1},
                           .nodes = 4,
                           .limits = {.streams = 47.5, .ceiling = UINT32_MAX, .calm_s = 0.0125}};
    struct fleet_plan got;
    uint64_t rules = 0;
    char mem[1024];
    struct text t;

    text_init(&t, mem, sizeof mem);
    codec_put_plan(&t, 77, &p);
    cr_assert_eq(codec_take_plan(text_slice(&t), &rules, &got), WEIR_OK);
    cr_assert_eq(rules, 77);
    cr_assert_eq(memcmp(&got, &p, sizeof p), 0);
    text_str(&t, " 1");
    cr_assert_eq(codec_take_plan(text_slice(&t), &rules, &got), WEIR_BAD, "one more number");
    cr_assert_eq(codec_take_plan(SLICE_LIT("nan 1 2"), &rules, &got), WEIR_BAD);
}

static enum weir_status take(const char *what, const char *value, struct fleet_order *o)
{
    return codec_take_order(slice_str(what), slice_str(value), o);
}

Test(codec, an_order_comes_back_as_it_was)
{
    struct fleet_order o = {.topic = FLEET_INCIDENT,
                            .node = "weir-1",
                            .uid = 1000,
                            .verb = 1,
                            .text = "We know; back at 10:00 \xe2\x80\xa6"};
    struct fleet_order got;
    char mem[1024];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "1795979493391 1795979793391 ");
    codec_put_order(&t, &o);
    cr_assert_eq(take("chat//incident", mem, &got), WEIR_OK);
    cr_assert_eq(got.topic, FLEET_INCIDENT);
    cr_assert_str_eq(got.pool, "chat");
    cr_assert_str_eq(got.upstream, "");
    cr_assert_str_eq(got.node, "weir-1");
    cr_assert_str_eq(got.text, o.text);
    cr_assert(got.uid == 1000 && got.verb == 1 && got.given_ms == 1795979493391);
}

Test(codec, strange_orders_are_refused)
{
    static const struct {
        const char *what, *value;
    } rows[] = {
        {"chat/a/drain", ""},
        {"chat/a/drain", "1 2 3"},
        {"chat/a/drain", "0 0 n 0 9 0 "},
        {"chat/a/drain", "1 0 n 0 9 nan "},
        {"chat/a/drain", "1 0 n 0 9 1e99 "},
        {"chat/a/drain", "1 0 n 0 9 -1 "},
        {"chat/a/drain", "1 0 ../n 0 9 0 "},
        {"chat/a/drain", "99999999999999999999 0 n 0 9 0 "},
        {"chat/a/stop", "1 0 n 0 9 0 "},
        {"chat/a/drainx", "1 0 n 0 9 0 "},
        {"chat/drain", "1 0 n 0 9 0 "},
        {"chat/a/b/drain", "1 0 n 0 9 0 "},
        {"/a/drain", "1 0 n 0 9 0 "},
        {"", "1 0 n 0 9 0 "},
        {"chat//incident", "1 0 n 0 1 0 a \x07 bell"},
        {"chat//incident", "1 0 n 0 1 0 a \xe2\x80\xae turned text"},
        {"chat//incident", "1 0 n 0 1 0 a\nline"},
    };
    struct fleet_order o;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(take(rows[i].what, rows[i].value, &o), WEIR_BAD, "%s: %s", rows[i].what,
                     rows[i].value);
    cr_assert_eq(take("chat/a/drain", "1 0 n 0 9 0 ", &o), WEIR_OK);
}
