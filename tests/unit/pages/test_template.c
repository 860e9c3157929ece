/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "template.h"

static const char *rendered(const char *tpl, const struct page_values *v)
{
    static char mem[512];
    struct template_diagnostic m;
    struct text t;

    cr_assert_eq(template_check(slice_str(tpl), SIDE_BOTH, &m), WEIR_OK, "%s", tpl);
    text_init(&t, mem, sizeof mem);
    template_render(slice_str(tpl), v, &t);
    return mem;
}

Test(template, fills_and_escapes)
{
    struct page_values v = {.v = {[PH_TITLE] = SLICE_LIT("a<b>&\"'c")}};

    cr_assert_str_eq(rendered("", &v), "");
    cr_assert_str_eq(rendered("x", &v), "x");
    cr_assert_str_eq(rendered("[{{title}}]{{ title }}", &v),
                     "[a&lt;b&gt;&amp;&#34;&#39;c]a&lt;b&gt;&amp;&#34;&#39;c");
    cr_assert_str_eq(rendered("{ {{doing}} }}", &v), "{  }}");
}

Test(template, sections_stand_with_their_value)
{
    struct page_values v = {.v = {[PH_TITLE] = SLICE_LIT("T"), [PH_WAIT] = SLICE_LIT("W")}};

    cr_assert_str_eq(rendered("a{{#title}}b{{title}}{{/title}}c", &v), "abTc");
    cr_assert_str_eq(rendered("a{{#doing}}b{{title}}{{/doing}}c", &v), "ac");
    cr_assert_str_eq(rendered("{{#title}}1{{#doing}}2{{#wait}}3{{/wait}}{{/doing}}4{{/title}}", &v),
                     "14");
    cr_assert_str_eq(rendered("{{#doing}}1{{#doing}}2{{/doing}}3{{/doing}}4", &v), "4");
    cr_assert_str_eq(rendered("{{#title}}{{#wait}}x{{/wait}}{{/title}}", &v), "x");
}

Test(template, history_repeats_its_section)
{
    struct page_values v = {.n_history = 2};

    v.history[0] = (struct history_values){.at = SLICE_LIT("1"), .change = SLICE_LIT("a<")};
    v.history[1] = (struct history_values){.at = SLICE_LIT("2"), .change = SLICE_LIT("b")};
    cr_assert_str_eq(rendered("({{#history}}{{at}}={{change}};{{/history}})", &v),
                     "(1=a&lt;;2=b;)");
    v.n_history = 0;
    cr_assert_str_eq(rendered("({{#history}}{{at}}={{change}};{{/history}})", &v), "()");
}

Test(template, never_writes_past_its_room)
{
    struct page_values v = {.v = {[PH_TITLE] = SLICE_LIT("<<<<<<<<")}};
    char mem[16];
    struct text t;

    text_init(&t, mem, sizeof mem);
    template_render(SLICE_LIT("{{title}}{{title}}"), &v, &t);
    cr_assert(t.full);
    cr_assert_eq(t.len, 15);
}

static void check_diagnostic(const char *tpl, enum page_side side, int line, const char *why)
{
    struct template_diagnostic m = {.line = 0};

    cr_assert_eq(template_check(slice_str(tpl), side, &m), WEIR_BAD, "%s", tpl);
    cr_assert_eq(m.line, line, "%s: line %d", tpl, m.line);
    cr_assert(strstr(m.why, why) != NULL, "%s: %s", tpl, m.why);
}

Test(template, diagnostics_are_found_with_their_line)
{
    check_diagnostic("a\nb{{titel}}", SIDE_REFUSAL, 2, "no placeholder {{titel}}");
    check_diagnostic("a\n\n{{title", SIDE_REFUSAL, 1, "not closed");
    check_diagnostic("{{title}}\n{{#share}}\n", SIDE_REFUSAL, 3, "not ended: {{share}}");
    check_diagnostic("\n{{/share}}", SIDE_REFUSAL, 2, "no open section is ended by {{share}}");
    check_diagnostic("{{#share}}\n{{#wait}}{{/share}}", SIDE_REFUSAL, 2, "no open section");
    check_diagnostic("{{#share}}{{#wait}}{{#title}}{{#doing}}{{#pool}}", SIDE_REFUSAL, 1,
                     "too deep");
    check_diagnostic("{{history}}", SIDE_REFUSAL, 1, "this kind of page has no {{history}}");
    check_diagnostic("{{request_id}}", SIDE_STATUS, 1, "this kind of page has no {{request_id}}");
    check_diagnostic("{{}}", SIDE_REFUSAL, 1, "no placeholder");
    check_diagnostic("{{/}}", SIDE_REFUSAL, 1, "no placeholder");
}

Test(template, the_built_in_pages_are_right)
{
    struct template_diagnostic m;

    cr_assert_eq(template_check(slice_of(asset_page_html, asset_page_html_len), SIDE_REFUSAL, &m),
                 WEIR_OK, "%d: %s", m.line, m.why);
    cr_assert_eq(
        template_check(slice_of(asset_status_html, asset_status_html_len), SIDE_STATUS, &m),
        WEIR_OK, "%d: %s", m.line, m.why);
}

Test(template, text_that_is_cut_to_fit_ends_between_characters)
{
    cr_assert(slice_eq(html_fit(SLICE_LIT("abc"), 3), SLICE_LIT("abc")));
    cr_assert(slice_eq(html_fit(SLICE_LIT("abc"), 2), SLICE_LIT("ab")));
    cr_assert(slice_eq(html_fit(SLICE_LIT("a&b"), 5), SLICE_LIT("a")));
    cr_assert(slice_eq(html_fit(SLICE_LIT("a\u20ac"), 3), SLICE_LIT("a")));
    cr_assert_eq(html_fit(SLICE_NONE, 3).len, 0);
}
