/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/held.h"
#include "bench/compare/wrong.h"

static struct wrong parsed(const char *s)
{
    struct wrong w;

    cr_assert_eq(wrong_parse(slice_str(s), &w), WEIR_OK, "%s", s);
    return w;
}

static bool answers(const struct wrong *w, const char *request, struct grow *g)
{
    grow_clear(g);
    return wrong_answer(w, slice_str(request), g);
}

Test(wrong, each_is_named_with_its_value)
{
    cr_assert_eq(parsed("delay=300ms").delay_ns, 300000000);
    cr_assert_eq(parsed("cut=2000").cut_bytes, 2000);
    cr_assert_eq(parsed("null").kind, WRONG_NULL);
    cr_assert_eq(parsed("alter").kind, WRONG_ALTER);
    cr_assert_eq(parsed("lie=7").retry_after_s, 7);
}

Test(wrong, nonsense_is_refused)
{
    static const char *const bad[] = {"",       "delay",  "delay=", "delay=3",
                                      "cut=-1", "null=1", "lie=x"};
    struct wrong w;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(wrong_parse(slice_str(bad[i]), &w), WEIR_BAD, "%s", bad[i]);
}

Test(wrong, a_liar_refuses_the_same_people_every_time)
{
    struct wrong w = parsed("lie=1");
    struct grow g = {0};
    static const char *const one = "POST / HTTP/1.1\r\nAuthorization: Bearer bench-1\r\n\r\n";
    static const char *const two = "POST / HTTP/1.1\r\nAuthorization: Bearer bench-2\r\n\r\n";

    for (int i = 0; i < 3; i++) {
        cr_assert(answers(&w, one, &g));
        cr_assert(strstr(g.p, " 503 ") != NULL && strstr(g.p, "Retry-After: 1\r\n") != NULL);
        cr_assert(!answers(&w, two, &g));
    }
    cr_assert(!answers(&w, "half a hea", &g), "what cannot be read is passed on");
    grow_free(&g);
}

Test(wrong, only_null_and_lie_speak_themselves)
{
    static const char *const request = "POST / HTTP/1.1\r\nAuthorization: Bearer bench-1\r\n\r\n";
    struct wrong null = parsed("null"), cut = parsed("cut=1"), delay = parsed("delay=1ms");
    struct grow g = {0};

    cr_assert(answers(&null, request, &g) && strstr(g.p, "Content-Length: 0\r\n") != NULL);
    cr_assert(!answers(&cut, request, &g) && !answers(&delay, request, &g));
    grow_free(&g);
}

Test(held, bytes_come_out_in_order_and_not_before_their_time)
{
    struct list all;
    struct held *h;

    list_init(&all);
    cr_assert_eq(held_wait_ms(&all, 0), -1);
    held_add(&all, 3, 1, 5000000, SLICE_LIT("one"));
    held_add(&all, 4, 2, 7000000, SLICE_LIT("two"));
    cr_assert_eq(held_wait_ms(&all, 5000000), 0);
    cr_assert_geq(held_wait_ms(&all, 2000000), 3, "never so short that it is not due after it");
    cr_assert_eq(held_take(&all, 4999999), NULL);
    h = held_take(&all, 5000000);
    cr_assert(h != NULL && h->fd == 3 && h->whose == 1 && memcmp(h->bytes, "one", 3) == 0);
    free(h);
    cr_assert_eq(held_take(&all, 5000000), NULL);
    held_clear(&all);
    cr_assert(list_empty(&all));
}

Test(wrong, an_altered_answer_is_as_long_and_one_letter_else)
{
    char text[] = "data: {\"created\":1}", other[] = "data: {}";

    wrong_alter(text, strlen(text));
    wrong_alter(other, strlen(other));
    cr_assert_str_eq(text, "data: {\"Created\":1}");
    cr_assert_str_eq(other, "data: {}");
}
