/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/base/words.h"

Test(text, never_overruns_and_says_so)
{
    char mem[6] = "";
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "abc");
    cr_assert(!t.full);
    text_u64(&t, 12345);
    cr_assert(t.full);
    cr_assert_str_eq(mem, "abc12");
}

Test(text, fills_its_memory_to_the_last_byte_before_it_is_full)
{
    for (size_t n = 0; n <= 8; n++) {
        char mem[9] = "xxxxxxxx"; /* the last byte is a guard */
        struct text t;

        text_init(&t, mem, 8);
        text_put(&t, slice_of("12345678", n));
        cr_assert_eq(t.full, n > 7, "%zu bytes", n);
        cr_assert_eq(t.len, n > 7 ? 7 : n);
        cr_assert_eq(mem[t.len], '\0');
        text_char(&t, 'z');
        cr_assert_eq(t.full, n >= 7);
        cr_assert_eq(t.len, n >= 7 ? 7 : n + 1);
        cr_assert_eq(mem[8], '\0');
    }
}

Test(text, nothing_is_put_of_no_bytes)
{
    char mem[4];
    struct text t;

    text_init(&t, mem, 1);
    text_put(&t, SLICE_NONE);
    cr_assert(!t.full);
    text_str(&t, "a");
    cr_assert(t.full);
    cr_assert_str_eq(mem, "");
}

Test(text, writes_numbers)
{
    char mem[64];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, UINT64_MAX);
    text_char(&t, ' ');
    text_hex(&t, 0xab, 4);
    text_char(&t, ' ');
    text_u64(&t, 0);
    cr_assert_str_eq(mem, "18446744073709551615 00ab 0");
}

Test(text, parses_digits_only_and_within_bounds)
{
    uint64_t n = 7;

    cr_assert_eq(parse_u64(SLICE_LIT("18446744073709551615"), UINT64_MAX, &n), WEIR_OK);
    cr_assert_eq(n, UINT64_MAX);
    cr_assert_eq(parse_u64(SLICE_LIT("18446744073709551616"), UINT64_MAX, &n), WEIR_BAD);
    cr_assert_eq(parse_u64(SLICE_LIT("+1"), 10, &n), WEIR_BAD);
    cr_assert_eq(parse_u64(SLICE_LIT(" 1"), 10, &n), WEIR_BAD);
    cr_assert_eq(parse_u64(SLICE_LIT(""), 10, &n), WEIR_BAD);
    cr_assert_eq(parse_u64(SLICE_LIT("11"), 10, &n), WEIR_BAD);
}

Test(text, formats_the_date_as_rfc3339)
{
    char out[RFC3339_MAX];

    cr_assert_eq(rfc3339_format(out, UINT64_C(1756857600123) * NS_PER_MS), 24);
    cr_assert_str_eq(out, "2025-09-03T00:00:00.123Z");
}

Test(words, every_word_has_a_name)
{
    for (int i = 1; i < CAUSE_COUNT; i++)
        cr_assert_gt(strlen(cause_name((enum cause)i)), 0);
    cr_assert_str_eq(decision_name(DECISION_LOCAL), "local");
    cr_assert_str_eq(outcome_name(OUTCOME_NEUTRAL), "neutral");
    cr_assert_str_eq(class_name(CLASS_BATCH), "batch");
    cr_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
}

Test(text, what_people_read_has_no_control_and_no_direction_characters)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac"},
        {"\x1b[31m", "\\x1b[31m"},
        {"a\x7f", "a\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},                   /* U+009B, a terminal's CSI */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},          /* U+202E */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},          /* U+2066 */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},          /* U+2028 */
        {"\xe2\x80\x8f", "\\xe2\\x80\\x8f"},          /* U+200F */
        {"\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81"}, /* a tag */
        {"\xff\xc3", "\\xff\\xc3"},
    };
    char mem[64];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text t;

        text_init(&t, mem, sizeof mem);
        text_shown(&t, slice_str(rows[i].in));
        cr_expect_str_eq(mem, rows[i].out);
    }
}
