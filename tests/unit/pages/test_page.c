/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

#include <math.h>

#define NBSP "\xc2\xa0"

static struct answer_wish page_wish(uint8_t language)
{
    return (struct answer_wish){.format = FORMAT_HTML, .language = language};
}

static struct buf page_of(const struct refusal *r, uint8_t language)
{
    struct answer_wish w = page_wish(language);
    struct buf out = BUF_INIT;

    cr_assert_eq(refusal_body(r, &w, &out, 1 << 16), WEIR_OK);
    return out;
}

/* Every tag that is opened is closed, in order (HTML's void elements apart). */
static bool is_void(struct slice name)
{
    static const char *const names[] = {"meta", "link", "!doctype"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_eq(name, slice_str(names[i])))
            return true;
    }
    return false;
}

static void check_nesting(struct slice page)
{
    struct slice stack[32];
    int depth = 0;

    while (page.len > 0) {
        const char *open = memchr(page.p, '<', page.len), *end;
        bool closing, self;
        size_t n = 0;
        struct slice name;

        if (open == NULL)
            break;
        page = slice_from(page, (size_t)(open - page.p) + 1);
        end = memchr(page.p, '>', page.len);
        cr_assert_not_null(end);
        closing = page.p[0] == '/';
        self = end[-1] == '/';
        name = slice_from(page, closing ? 1 : 0);
        while (name.p[n] != ' ' && name.p[n] != '>' && name.p[n] != '/')
            n++;
        name = slice_of(name.p, n);
        if (closing) {
            cr_assert(depth > 0 && slice_eq(stack[depth - 1], name), "</%.*s>", (int)n, name.p);
            depth--;
        } else if (!self && !is_void(name)) {
            cr_assert_lt(depth, 32);
            stack[depth++] = name;
        }
        page = slice_from(page, (size_t)(end - page.p) + 1);
    }
    cr_assert_eq(depth, 0);
}

static void check_alone(struct slice page)
{
    cr_assert_not(slice_has(page, "<script"));
    cr_assert_not(slice_has(page, "style=\""));
    cr_assert_not(slice_has(page, "{{"));
    cr_assert_not(slice_has(page, "src=\"http"));
    cr_assert_not(slice_has(page, "href=\"http"));
    cr_assert_not(slice_has(page, "url("));
    cr_assert(slice_has(page, "<main>"));
    cr_assert(slice_has(page, "<footer>"));
}

static void check_page(enum cause c, uint8_t language, const char *incident, const char *id)
{
    struct refusal r = some_refusal(c);
    struct buf out;
    char lang[32];

    r.incident = incident;
    r.request_id = id;
    r.status_path = "/weir/status";
    r.share = 0.4;
    r.retry_after_ms = 59000;
    out = page_of(&r, language);
    cr_assert_lt(out.len, 8192, "%s in %s: %u bytes", cause_name(c), language_tag(language),
                 out.len);
    snprintf(lang, sizeof lang, "<html lang=\"%s\">", language_tag(language));
    cr_assert(slice_has(buf_slice(&out), lang));
    check_alone(buf_slice(&out));
    check_nesting(buf_slice(&out));
    buf_free(&out);
}

static char *repeated(const char *what, size_t times)
{
    char *s = calloc(times + 1, strlen(what) + 1);

    for (size_t i = 0; i < times; i++)
        strcat(s, what);
    return s;
}

Test(page, every_page_stands_alone_in_less_than_8_kib_whatever_it_is_filled_with)
{
    char *quotes = repeated("\"", 5000), *tags = repeated("<script>alert(1)</script>", 100),
         *words = repeated("ö€😀 ", 500);

    for (int c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
        for (uint8_t l = 0; l < language_count(); l++) {
            check_page((enum cause)c, l, NULL, "req-1");
            check_page((enum cause)c, l, quotes, quotes);
            check_page((enum cause)c, l, tags, tags);
            check_page((enum cause)c, l, words, words);
        }
    }
    free(quotes);
    free(tags);
    free(words);
}

Test(page, a_long_text_is_cut_between_characters)
{
    char *words = repeated("€", 2000);
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct buf out;
    struct slice rest;

    r.incident = words;
    out = page_of(&r, 0);
    for (rest = buf_slice(&out); rest.len > 0; rest = slice_from(rest, utf8_len(rest)))
        cr_assert_gt(utf8_len(rest), 0);
    buf_free(&out);
    free(words);
}

Test(page, tells_when_it_comes_back_and_does_so)
{
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct answer_wish w = page_wish(0);
    struct written written;

    r.retry_after_ms = 6100;
    written = write_refusal(&r, &w);
    cr_assert_str_eq(field_of(&written, "Refresh"), "7");
    cr_assert_str_eq(field_of(&written, "Retry-After"), "7");
    cr_assert(slice_has(written.body, "in 7" NBSP "seconds"));
    buf_free(&written.bytes);
    r.retry_after_ms = 800;
    written = write_refusal(&r, &w);
    cr_assert(slice_has(written.body, "in a second"));
    buf_free(&written.bytes);
}

Test(page, says_nothing_of_time_without_an_appointment)
{
    struct refusal r = some_refusal(CAUSE_NOT_FOUND);
    struct buf out = page_of(&r, 0);

    cr_assert_not(slice_has(buf_slice(&out), "by itself"));
    cr_assert_not(slice_has(buf_slice(&out), "<animate"));
    buf_free(&out);
}

Test(page, recovering_shows_the_share_that_is_let_in)
{
    static const struct {
        double share;
        const char *text;
    } rows[] = {{0.0, "About 1" NBSP "%"},
                {0.004, "About 1" NBSP "%"},
                {0.1, "About 10" NBSP "%"},
                {0.555, "About 56" NBSP "%"},
                {0.999, "About 99" NBSP "%"},
                {1.0, NULL},
                {-1, NULL},
                {NAN, NULL}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal r = some_refusal(CAUSE_RECOVERING);
        struct buf out;

        r.share = rows[i].share;
        out = page_of(&r, 0);
        cr_assert_eq(slice_has(buf_slice(&out), "of the usual load is let in"),
                     rows[i].text != NULL);
        if (rows[i].text != NULL)
            cr_assert(slice_has(buf_slice(&out), rows[i].text), "%g", rows[i].share);
        buf_free(&out);
    }
}

Test(page, other_pages_say_nothing_of_a_share)
{
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct buf out;

    r.share = 0.5;
    out = page_of(&r, 0);
    cr_assert_not(slice_has(buf_slice(&out), "usual load"));
    buf_free(&out);
}

Test(page, shows_incident_request_id_and_the_way_to_the_status_page)
{
    struct refusal r = some_refusal(CAUSE_CIRCUIT_OPEN);
    struct buf out;

    r.incident = "We are \"on\" it & back <soon>";
    r.status_path = "/weir/status";
    out = page_of(&r, 0);
    cr_assert(slice_has(buf_slice(&out), "We are &#34;on&#34; it &amp; back &lt;soon&gt;"));
    cr_assert(slice_has(buf_slice(&out), "<code>req-1</code>"));
    cr_assert(slice_has(buf_slice(&out), "<a href=\"/weir/status\">"));
    buf_free(&out);
    r.incident = "   ";
    r.status_path = NULL;
    out = page_of(&r, 0);
    cr_assert_not(slice_has(buf_slice(&out), "From the operators"));
    cr_assert_not(slice_has(buf_slice(&out), "<a "));
    buf_free(&out);
}

Test(page, its_policy_allows_its_own_style_and_nothing_else)
{
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct answer_wish w = page_wish(2);
    struct written written = write_refusal(&r, &w);
    const char *policy = field_of(&written, "Content-Security-Policy");

    cr_assert(strstr(policy, "default-src 'none'") != NULL);
    cr_assert(strstr(policy, "style-src 'sha256-") != NULL);
    cr_assert_null(strstr(policy, "unsafe"));
    cr_assert_str_eq(field_of(&written, "Content-Language"), "de");
    cr_assert_str_eq(field_of(&written, "X-Content-Type-Options"), "nosniff");
    buf_free(&written.bytes);
}

Test(page, languages_do_not_share_sentences)
{
    for (int c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
        for (uint8_t a = 0; a < language_count(); a++) {
            for (uint8_t b = 0; b < a; b++) {
                struct refusal r = some_refusal((enum cause)c);
                struct buf one = page_of(&r, a), other = page_of(&r, b);
                const char *h1 = memmem(one.mem, one.len, "<h1>", 4);

                cr_assert_not_null(h1);
                cr_assert_null(memmem(other.mem, other.len, h1, 24));
                buf_free(&one);
                buf_free(&other);
            }
        }
    }
}
