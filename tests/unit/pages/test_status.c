/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

#define NBSP  "\xc2\xa0"
#define AT(s) (UINT64_C(s) * 1000000000)

static struct status_facts some_facts(const char *state)
{
    struct status_facts f = {.state = state,
                             .since_wall_ns = AT(1795506000),
                             .share = 0.25,
                             .expected_full_s = 42.4,
                             .incident = "Working <on> it",
                             .updated_wall_ns = AT(1795506604),
                             .n_history = 2};

    f.history[0].at_wall_ns = AT(1795506000);
    f.history[0].state = "recovering";
    f.history[1].at_wall_ns = AT(1795505000);
    f.history[1].state = "down";
    return f;
}

Test(status, json_has_the_promised_names)
{
    struct status_facts f = some_facts("recovering");
    struct buf out = BUF_INIT;
    json_t *j, *history;

    cr_assert_eq(status_json_body(&f, &out, 8192), WEIR_OK);
    j = json_of(buf_slice(&out));
    cr_assert_str_eq(json_at(j, NULL, "state"), "recovering");
    cr_assert_str_eq(json_at(j, NULL, "since"), "2026-11-24T07:40:00.000Z");
    cr_assert_float_eq(json_real_value(json_object_get(j, "share")), 0.25, 1e-9);
    cr_assert_float_eq(json_real_value(json_object_get(j, "expected_full_s")), 42.4, 1e-9);
    cr_assert_str_eq(json_at(j, NULL, "incident"), "Working <on> it");
    cr_assert_str_eq(json_at(j, NULL, "updated"), "2026-11-24T07:50:04.000Z");
    cr_assert_gt(strlen(json_at(j, NULL, "message")), 10);
    history = json_object_get(j, "history");
    cr_assert_eq(json_array_size(history), 2);
    cr_assert_str_eq(json_at(json_array_get(history, 1), NULL, "state"), "down");
    cr_assert_str_eq(json_at(json_array_get(history, 1), NULL, "at"), "2026-11-24T07:23:20.000Z");
    cr_assert_eq(json_object_size(j), 8);
    json_decref(j);
    buf_free(&out);
}

Test(status, json_says_null_for_what_is_not_known)
{
    struct status_facts f = {.state = "serving", .share = 1, .expected_full_s = -1};
    struct buf out = BUF_INIT;
    json_t *j;

    cr_assert_eq(status_json_body(&f, &out, 8192), WEIR_OK);
    j = json_of(buf_slice(&out));
    cr_assert(json_is_null(json_object_get(j, "expected_full_s")));
    cr_assert(json_is_null(json_object_get(j, "incident")));
    cr_assert_eq(json_array_size(json_object_get(j, "history")), 0);
    json_decref(j);
    buf_free(&out);
}

static const char *const states[] = {
#define NAME_ROW(e, name, ...) name,
    WEIR_SERVICE_STATES(NAME_ROW)
#undef NAME_ROW
};

Test(status, a_page_for_each_state_and_language_fits_in_8_kib)
{
    char hostile[4096];

    memset(hostile, '"', sizeof hostile - 1);
    hostile[sizeof hostile - 1] = '\0';
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
        for (uint8_t l = 0; l < language_count(); l++) {
            struct status_facts f = some_facts(states[s]);
            struct buf out = BUF_INIT;

            f.incident = hostile;
            f.n_history = 8;
            for (int i = 0; i < 8; i++)
                f.history[i].state = states[s];
            cr_assert_eq(status_page_body(&f, l, &out, 1 << 16), WEIR_OK);
            cr_assert_lt(out.len, 8192, "%s %d: %u", states[s], l, out.len);
            cr_assert_not(slice_has(buf_slice(&out), "{{"));
            buf_free(&out);
        }
    }
}

Test(status, a_page_tells_share_and_expected_end_while_recovering_only)
{
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "about 5" NBSP "seconds"},    {42.4, "about 45" NBSP "seconds"},
                {90, "about 90" NBSP "seconds"},  {91, "about 2" NBSP "minutes"},
                {600, "about 10" NBSP "minutes"}, {1e300, "minutes"}};
    struct status_facts f = some_facts("recovering");
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.expected_full_s = rows[i].seconds;
        cr_assert_eq(status_page_body(&f, 0, &out, 8192), WEIR_OK);
        cr_assert(slice_has(buf_slice(&out), "About 25" NBSP "%"));
        cr_assert(slice_has(buf_slice(&out), rows[i].text), "%g", rows[i].seconds);
        buf_free(&out);
    }
    f.state = "down";
    cr_assert_eq(status_page_body(&f, 0, &out, 8192), WEIR_OK);
    cr_assert_not(slice_has(buf_slice(&out), "usual load"));
    cr_assert(slice_has(buf_slice(&out), "Working &lt;on&gt; it"));
    cr_assert(slice_has(buf_slice(&out), "Since 2026-11-24 07:40 UTC"));
    buf_free(&out);
}

static struct written status_with(const struct answer_wish *w, const char *id)
{
    struct written out = {.bytes = BUF_INIT};
    char mem[4096];
    struct text head;

    text_init(&head, mem, sizeof mem);
    text_str(&head, "HTTP/1.1 200 OK\r\n");
    status_fields(w, NULL, id, AT(0), put_line, &head);
    frame(&out, &head, SLICE_NONE);
    return out;
}

Test(status, has_fields_for_people_and_for_programs)
{
    struct answer_wish w = {.format = FORMAT_HTML, .language = 3, .origin = "https://a.example"};
    struct written page = status_with(&w, "id\n"), json;

    cr_assert_str_eq(field_of(&page, "Content-Language"), "es");
    cr_assert_str_eq(field_of(&page, "x-request-id"), "id_");
    cr_assert_str_eq(field_of(&page, "Access-Control-Allow-Origin"), "https://a.example");
    cr_assert_str_eq(field_of(&page, "Content-Type"), "text/html; charset=utf-8");
    buf_free(&page.bytes);
    w = (struct answer_wish){.format = FORMAT_PROBLEM};
    json = status_with(&w, "id");
    cr_assert_str_eq(field_of(&json, "Content-Type"), "application/json");
    buf_free(&json.bytes);
}
