/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of docs/answers.md are the program's: each is written here from the tables in the code
 * and looked for in the page.  When one differs, the right one is printed, to be pasted.
 */
#include "pages_test.h"

#include "pages_priv.h"
#include "template.h"

static char *read_page(void)
{
    FILE *f = fopen(WEIR_SOURCE_ROOT "/docs/answers.md", "r");
    char *text = calloc(1, 1 << 16);

    cr_assert_not_null(f);
    cr_assert_lt(fread(text, 1, (1 << 16) - 1, f), (1 << 16) - 1);
    fclose(f);
    return text;
}

static void check_section(const char *name, struct slice wanted)
{
    char *page = read_page(), begin[64], end[64];
    char *from, *to;

    snprintf(begin, sizeof begin, "<!-- %s: checked", name);
    snprintf(end, sizeof end, "<!-- /%s -->", name);
    from = strstr(page, begin);
    cr_assert_not_null(from);
    from = strchr(from, '\n') + 1;
    to = strstr(from, end);
    cr_assert_not_null(to);
    cr_assert(slice_eq(slice_of(from, (size_t)(to - from)), wanted),
              "docs/answers.md should have:\n%.*s", (int)wanted.len, wanted.p);
    free(page);
}

static void put_cause(struct text *t, enum cause c)
{
    const struct cause_row *row = cause_row(c);

    text_printf(t, "| `%s` | %d", cause_name(c), row->status);
    if (row->anthropic != row->status)
        text_printf(t, ", %d", row->anthropic);
    text_printf(t, "%s | %d | `%s` | %s%s%s | %s | %s. |\n", row->load ? " *load*" : "", row->grpc,
                row->type, row->proxy_error == NULL ? "" : "`",
                row->proxy_error == NULL ? "–" : row->proxy_error,
                row->proxy_error == NULL ? "" : "`", row->retry_helps ? "yes" : "no", row->message);
}

Test(docs, the_table_of_causes_is_the_program_s)
{
    char mem[1 << 14];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t,
             "| `error.code` | status | gRPC | `error.type` | `Proxy-Status` | retry | message |\n"
             "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (int c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++)
        put_cause(&t, (enum cause)c);
    check_section("causes", text_slice(&t));
}

struct described {
    const char *name;
    enum page_side side;
};

#define WEIR_ROW(e, name, side) [e] = {name, side},
static const struct described placeholders[] = {WEIR_PLACEHOLDERS(WEIR_ROW)};
static const char *const meanings[PLACEHOLDER_COUNT] = {
    [PH_LANG] = "the language, as in `lang=\"…\"`",
    [PH_TITLE] = "the heading",
    [PH_HAPPENED] = "what happened, a sentence",
    [PH_DOING] = "what is being done, a sentence",
    [PH_WAIT] = "when the page comes back by itself, a sentence; empty without an appointment",
    [PH_SECONDS] = "the same in seconds",
    [PH_SHARE] = "while recovering: how many per cent of the usual load are let in",
    [PH_SHARE_TEXT] = "the same as a sentence",
    [PH_INCIDENT] = "the operators' text",
    [PH_INCIDENT_LABEL] = "a heading for it",
    [PH_REQUEST_ID] = "the request's id",
    [PH_REQUEST_LABEL] = "a label for it",
    [PH_CAUSE] = "the cause, as in `error.code`",
    [PH_STATUS] = "the status code",
    [PH_REASON] = "its words, in English",
    [PH_POOL] = "the pool's name",
    [PH_STATUS_PATH] = "where the status page is; empty if there is none",
    [PH_STATUS_LABEL] = "a text for the link to it",
    [PH_TIME] = "now, as in `datetime=\"…\"`",
    [PH_TIME_TEXT] = "now, for people",
    [PH_TONE] = "a class for the built-in style: `busy`, `down`, `back` or `note`",
    [PH_STYLE] = "the built-in style sheet, for inside `<style>`",
    [PH_STATE] = "the state, as in the JSON",
    [PH_SINCE] = "since when, a sentence",
    [PH_EXPECTED] = "when full service is expected, a sentence; empty if it cannot be told",
    [PH_UPDATED] = "as of when, a sentence",
    [PH_HISTORY] = "the last changes, a section only",
    [PH_HISTORY_LABEL] = "a heading for them; empty if there are none",
    [PH_AT] = "in a change: when, as in `datetime=\"…\"`",
    [PH_AT_TEXT] = "in a change: when, for people",
    [PH_CHANGE] = "in a change: what it changed to",
};

Test(docs, the_table_of_placeholders_is_the_program_s)
{
    static const char *const sides[] = {
        [SIDE_REFUSAL] = "refusals", [SIDE_STATUS] = "status page", [SIDE_BOTH] = "both"};
    char mem[1 << 13];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "| placeholder | on | is |\n| --- | --- | --- |\n");
    for (int p = 0; p < PLACEHOLDER_COUNT; p++)
        text_printf(&t, "| `{{%s}}` | %s | %s |\n", placeholders[p].name,
                    sides[placeholders[p].side], meanings[p]);
    check_section("placeholders", text_slice(&t));
}

Test(docs, every_placeholder_has_a_meaning)
{
    for (int p = 0; p < PLACEHOLDER_COUNT; p++)
        cr_assert_not_null(meanings[p], "%s", placeholders[p].name);
}
