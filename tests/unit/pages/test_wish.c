/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

static struct answer_wish wish_for(const char *head, const char *path, int force)
{
    struct answer_wish w;
    struct asked a;

    parse_asked(&a, head);
    answer_wish_init(&w, &a.head, slice_str(path), force, LANGUAGES_ALL);
    return w;
}

/* The format for a GET of path with these lines. */
static enum answer_format format_for(const char *path, const char *lines, int force)
{
    char head[2048];

    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, lines);
    return wish_for(head, path, force).format;
}

#define BROWSER                                                                                    \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"

Test(wish, pages_are_for_those_who_prefer_html)
{
    static const struct {
        const char *lines;
        enum answer_format format;
    } rows[] = {
        {BROWSER, FORMAT_HTML},
        {"", FORMAT_JSON},
        {"Accept: */*\r\n", FORMAT_JSON},
        {"Accept: application/json\r\n", FORMAT_JSON},
        {"Accept: text/html\r\n", FORMAT_HTML},
        {"Accept: TEXT/HTML;level=1\r\n", FORMAT_HTML},
        {"Accept: text/*\r\n", FORMAT_HTML},
        {"Accept: text/html;q=0\r\n", FORMAT_JSON},
        {"Accept: text/html, application/json\r\n", FORMAT_JSON},
        {"Accept: text/html;q=0.8, application/json;q=0.9\r\n", FORMAT_JSON},
        {"Accept: text/html;q=0.9, application/json;q=0.8\r\n", FORMAT_HTML},
        {"Accept: text/html ; q=0.901 , application/*;q=0.9\r\n", FORMAT_HTML},
        {"Accept: text/*;q=1, text/html;q=0.1, */*;q=0.5\r\n", FORMAT_JSON},
        {"Accept: text/event-stream\r\n", FORMAT_JSON},
        {"Accept: application/json;q=0.5\r\nAccept: text/html\r\n", FORMAT_HTML},
        {"Accept: application/problem+json\r\n", FORMAT_PROBLEM},
        {"Accept: application/json, application/problem+json\r\n", FORMAT_PROBLEM},
        {"Accept: application/json, application/problem+json;q=0.5\r\n", FORMAT_JSON},
        {"Accept: text/html, application/problem+json\r\n", FORMAT_PROBLEM},
        {"Accept: text/html, application/problem+json;q=0.2\r\n", FORMAT_HTML},
        {"Accept: ,;,text/html;q=nonsense,\r\n", FORMAT_JSON},
        {"Accept: a/b;c=\"x,text/html;q=1\", application/json\r\n", FORMAT_JSON},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(format_for("/chat", rows[i].lines, 0), rows[i].format, "%s", rows[i].lines);
}

Test(wish, an_api_gets_json_whatever_it_accepts_unless_the_route_says_otherwise)
{
    static const char *const apis[] = {"/v1", "/v1/chat/completions", "/v1beta/models/x", "/api",
                                       "/api/chat"};
    static const char *const others[] = {"/", "/v1x", "/v1betamax", "/apis", "/chat/v1", "/V1/x"};

    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++) {
        cr_assert_eq(format_for(apis[i], BROWSER, 0), FORMAT_JSON, "%s", apis[i]);
        cr_assert_eq(format_for(apis[i], BROWSER, 1), FORMAT_HTML, "%s", apis[i]);
        cr_assert_eq(format_for(apis[i], "Accept: text/html, application/problem+json\r\n", 0),
                     FORMAT_PROBLEM);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cr_assert_eq(format_for(others[i], BROWSER, 0), FORMAT_HTML, "%s", others[i]);
        cr_assert_eq(format_for(others[i], BROWSER, 2), FORMAT_JSON, "%s", others[i]);
    }
}

Test(wish, the_dialect_is_told_by_path_or_version)
{
    cr_assert(
        wish_for("POST /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/messages", 0).anthropic);
    cr_assert(
        wish_for("POST /x/v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", "/x/v1/messages", 0).anthropic);
    cr_assert(
        wish_for("GET /v1/models HTTP/1.1\r\nHost: a\r\nanthropic-version: 2023-06-01\r\n\r\n",
                 "/v1/models", 0)
            .anthropic);
    cr_assert_not(
        wish_for("POST /v1/chat HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/chat/completions", 0).anthropic);
    cr_assert(
        wish_for("POST /v1/responses HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/responses", 0).responses);
    cr_assert_not(
        wish_for("POST /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/messages", 0).responses);
}

Test(wish, head_old_clients_and_retries_are_noted)
{
    struct answer_wish w =
        wish_for("HEAD / HTTP/1.0\r\nX-Stainless-Retry-Count: 2\r\n\r\n", "/", 0);

    cr_assert(w.is_head && w.http10 && w.retried);
    w = wish_for("GET / HTTP/1.1\r\nHost: a\r\nX-Stainless-Retry-Count: 0\r\n\r\n", "/", 0);
    cr_assert(!w.is_head && !w.http10 && !w.retried);
    w = wish_for("GET / HTTP/1.1\r\nHost: a\r\nX-Stainless-Retry-Count: x\r\n\r\n", "/", 0);
    cr_assert_not(w.retried);
    cr_assert_str_eq(w.origin, "");
}

Test(language, is_chosen_by_weight_then_by_order)
{
    static const struct {
        const char *accept, *tag;
    } rows[] = {
        {"", "en"},
        {"fr", "fr"},
        {"de-AT", "de"},
        {"DE", "de"},
        {"es-419,es;q=0.9,en;q=0.8", "es"},
        {"en;q=0.3, fr;q=0.7, de;q=0.9", "de"},
        {"fr, de", "fr"},
        {"de, fr", "de"},
        {"it, pt", "en"},
        {"it, fr;q=0.1", "fr"},
        {"it, *", "en"},
        {"en;q=0, *", "fr"},
        {"en;q=0.1, *;q=0.5", "fr"},
        {"fr;q=0", "en"},
        {"fr-CA;q=0, fr", "fr"},
        {"french", "en"},
        {"f", "en"},
        {"de;q=1.000, fr;q=0.999", "de"},
        {"de;q=2, fr", "fr"},
        {",,;q=1,fr", "fr"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_str_eq(language_tag(language_choose(slice_str(rows[i].accept), LANGUAGES_ALL)),
                         rows[i].tag, "%s", rows[i].accept);
}

Test(language, only_offered_ones_are_chosen)
{
    static const char *const offered[] = {"de", "fr"}, *const wrong[] = {"de", "xx"};
    const char *unknown = NULL;
    uint32_t set = language_set(offered, 2, &unknown);

    cr_assert_null(unknown);
    cr_assert_str_eq(language_tag(language_choose(SLICE_LIT("es, de;q=0.1"), set)), "de");
    cr_assert_str_eq(language_tag(language_choose(SLICE_LIT("es"), set)), "fr");
    (void)language_set(wrong, 2, &unknown);
    cr_assert_str_eq(unknown, "xx");
    cr_assert_eq(language_set(NULL, 0, NULL), LANGUAGES_ALL);
}

Test(language, a_page_is_written_in_it)
{
    struct answer_wish w = wish_for("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n"
                                    "Accept-Language: de-CH, fr;q=0.5\r\n\r\n",
                                    "/", 0);

    cr_assert_str_eq(language_tag(w.language), "de");
}
