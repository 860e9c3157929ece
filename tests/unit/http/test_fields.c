/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "heads.h"

#define NAME(e, name) {name, sizeof(name) - 1},
static const struct slice names[] = {{"", 0}, WEIR_FIELDS(NAME)};
#undef NAME

Test(fields, every_known_name_is_found_in_any_case)
{
    for (int id = 1; id < FIELD_ID_COUNT; id++) {
        struct slice name = names[id];
        char upper[64];

        cr_assert_eq(field_lookup(name), id);
        for (size_t i = 0; i < name.len; i++)
            upper[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
        cr_assert_eq(field_lookup(slice_of(upper, name.len)), id);
    }
}

Test(fields, no_name_that_differs_in_one_letter_is_found)
{
    for (int id = 1; id < FIELD_ID_COUNT; id++) {
        struct slice name = names[id];
        char other[64];

        for (size_t i = 0; i < name.len; i++) {
            memcpy(other, name.p, name.len);
            other[i] = other[i] == 'q' ? 'z' : 'q';
            cr_assert_eq(field_lookup(slice_of(other, name.len)), FIELD_OTHER);
        }
        cr_assert_neq(field_lookup(slice_of(name.p, name.len - 1)), id);
    }
}

Test(fields, names_of_every_length_are_looked_up_within_their_bytes)
{
    struct guard g;
    char name[100];

    memset(name, 'a', sizeof name);
    guard_init(&g, sizeof name);
    for (size_t n = 0; n <= sizeof name; n++)
        cr_assert_eq(field_lookup(guard_put(&g, slice_of(name, n))), FIELD_OTHER);
    for (int id = 1; id < FIELD_ID_COUNT; id++)
        cr_assert_eq(field_lookup(guard_put(&g, names[id])), id);
    guard_fini(&g);
}

Test(lists, elements_are_compared_whole_and_without_case)
{
    struct slice list = SLICE_LIT(" keep-alive ,\tUpgrade,, x");

    cr_assert(list_has_token(list, SLICE_LIT("upgrade")));
    cr_assert(list_has_token(list, SLICE_LIT("keep-alive")));
    cr_assert(list_has_token(list, SLICE_LIT("X")));
    cr_assert(!list_has_token(list, SLICE_LIT("keep")));
    cr_assert(!list_has_token(list, SLICE_LIT("upgrades")));
    cr_assert(!list_has_token(list, SLICE_LIT("")));
    cr_assert(!list_has_token(SLICE_NONE, SLICE_LIT("x")));
}

Test(reason, known_statuses_have_their_phrase)
{
    cr_assert_str_eq(reason_phrase(200), "OK");
    cr_assert_str_eq(reason_phrase(503), "Service Unavailable");
    cr_assert_str_eq(reason_phrase(529), "Overloaded");
    cr_assert_str_eq(reason_phrase(299), "Unknown");
    cr_assert_str_eq(reason_phrase(0), "Unknown");
    cr_assert_str_eq(reason_phrase(-1), "Unknown");
    cr_assert_str_eq(reason_phrase(99), "Unknown");
    cr_assert_str_eq(reason_phrase(600), "Unknown");
}

static void path_is(const char *target, const char *path)
{
    char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    cr_assert_eq(target_path(slice_str(target), &t), WEIR_OK);
    cr_assert_str_eq(mem, path, "%s became %s, not %s", target, mem, path);
}

Test(target_path, loses_query_and_dot_segments)
{
    path_is("/v1/chat?x=/../y", "/v1/chat");
    path_is("/", "/");
    path_is("*", "*");
    path_is("", "");
    path_is("/a/./b", "/a/b");
    path_is("/a/../b", "/b");
    path_is("/a/b/..", "/a");
    path_is("/a/b/.", "/a/b");
    path_is("/..", "/");
    path_is("/../../x", "/x");
    path_is("/a/../../../b/c", "/b/c");
    path_is("/.../..a/a..", "/.../..a/a..");
}

Test(target_path, takes_a_run_of_slashes_as_one_and_none_at_the_end)
{
    path_is("//v1/batches", "/v1/batches");
    path_is("/v1//messages", "/v1/messages");
    path_is("/v1/messages/", "/v1/messages");
    path_is("/v1/messages///?a=b", "/v1/messages");
    path_is("///", "/");
    path_is("//?x", "/");
    path_is("/a//../b", "/b");
    path_is("/a/.//b/", "/a/b");
    path_is("/a/%2e/", "/a");
    path_is("/a%2F%2fb", "/a%2F%2Fb");
}

Test(target_path, decodes_only_what_means_the_same_decoded)
{
    path_is("/%76%31/%7Euser", "/v1/~user");
    path_is("/a/%2e%2E/b", "/b");
    path_is("/a%2fb", "/a%2Fb");
    path_is("/%25%32%35", "/%2525");
    path_is("/a%20b%c3%a9", "/a%20b%C3%A9");
    path_is("/100%", "/100%");
    path_is("/%zz%4", "/%zz%4");
    path_is("/%00", "/%00");
}

Test(target_path, says_when_it_does_not_fit_and_leaves_the_text_as_it_was)
{
    char mem[8];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "ab");
    cr_assert_eq(target_path(SLICE_LIT("/1234"), &t), WEIR_OK);
    cr_assert_str_eq(mem, "ab/1234");
    text_init(&t, mem, sizeof mem);
    text_str(&t, "ab");
    cr_assert_eq(target_path(SLICE_LIT("/12345"), &t), WEIR_LIMIT);
    cr_assert_str_eq(mem, "ab");
}

Test(target_path, never_climbs_into_what_the_text_held_before)
{
    char mem[32];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "x/y");
    cr_assert_eq(target_path(SLICE_LIT("/../../a"), &t), WEIR_OK);
    cr_assert_str_eq(mem, "x/y/a");
}
