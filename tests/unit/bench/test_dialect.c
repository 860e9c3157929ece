/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "bench/backend/dialect.h"
#include "bench/load/reading.h"

static const char *const paths[] = {"/v1/chat/completions", "/v1/completions", "/v1/responses",
                                    "/v1/messages"};
enum { N_PATHS = 4, TOKENS = 5 };

static struct answer answer_of(const char *path)
{
    struct answer a = {.dialect = dialect_of_path(slice_str(path)),
                       .number = 7,
                       .created = 1,
                       .tag = "p7",
                       .model = "m",
                       .prompt = 10,
                       .cached = 2,
                       .produced = TOKENS,
                       .wants_usage = true};

    cr_assert(a.dialect != NULL, "%s", path);
    return a;
}

/* Every data line but [DONE] has to be JSON. */
static void check_json(const char *text)
{
    for (const char *p = text; (p = strstr(p, "data: ")) != NULL;) {
        const char *end = strstr(p, "\n\n");
        json_t *j;
        p += 6;
        cr_assert(end != NULL);
        if (strncmp(p, "[DONE]", 6) == 0)
            continue;
        j = json_loadb(p, (size_t)(end - p), 0, NULL);
        cr_assert(j != NULL, "%.*s", (int)(end - p), p);
        json_decref(j);
    }
}

Test(dialect, a_stream_is_json_and_reads_as_a_whole_answer)
{
    for (int i = 0; i < N_PATHS; i++) {
        struct answer a = answer_of(paths[i]);
        struct reading r = {0};
        struct grow g = {0};

        a.dialect->begin(&g, &a);
        for (uint32_t t = 0; t < TOKENS; t++)
            a.dialect->token(&g, &a, t);
        a.dialect->end(&g, &a);
        check_json(g.p);
        reading_start(&r, "p7");
        cr_assert_eq(reading_feed(&r, grow_slice(&g)), TOKENS, "%s", paths[i]);
        cr_assert_eq(r.tokens, TOKENS);
        cr_assert(r.ended && !r.failed && !r.mixed, "%s", paths[i]);
        grow_free(&g);
    }
}

Test(dialect, an_error_event_is_json_and_reads_as_an_error)
{
    for (int i = 0; i < N_PATHS; i++) {
        struct answer a = answer_of(paths[i]);
        struct reading r = {0};
        struct grow g = {0};

        a.dialect->error(&g, &a, 503);
        check_json(g.p);
        reading_start(&r, NULL);
        (void)reading_feed(&r, grow_slice(&g));
        cr_assert(r.failed, "%s", paths[i]);
        cr_assert_eq(r.error_code, 503, "%s", paths[i]);
        grow_free(&g);
    }
}

Test(dialect, whole_answers_and_refusals_are_json)
{
    for (int i = 0; i < N_PATHS; i++) {
        struct answer a = answer_of(paths[i]);
        struct reading r = {0};
        struct grow g = {0};
        json_t *j;

        a.dialect->whole(&g, &a);
        j = json_loadb(g.p, g.len, 0, NULL);
        cr_assert(j != NULL, "%s", g.p);
        json_decref(j);
        reading_start(&r, "p7");
        reading_check_whole(&r, grow_slice(&g));
        cr_assert_eq(r.tokens, TOKENS, "%s", paths[i]);
        grow_clear(&g);
        a.dialect->refusal(&g, 529);
        j = json_loadb(g.p, g.len, 0, NULL);
        cr_assert(j != NULL, "%s", g.p);
        json_decref(j);
        grow_free(&g);
    }
}

Test(dialect, a_query_does_not_change_the_path)
{
    cr_assert_eq(dialect_of_path(SLICE_LIT("/v1/messages?beta=true")),
                 dialect_of_path(SLICE_LIT("/v1/messages")));
    cr_assert_eq(dialect_of_path(SLICE_LIT("/v1/messages/x")), NULL);
    cr_assert_eq(dialect_of_path(SLICE_NONE), NULL);
}
