/* SPDX-License-Identifier: Apache-2.0 */
/* News of limits as they travel, and answers as they come from Redis or a stranger. */
#include <criterion/criterion.h>
#include <string.h>

#include "limits.h"

static const char *put(const struct quota_news *n)
{
    static char mem[1024];
    struct text t;

    text_init(&t, mem, sizeof mem - 1);
    limits_put_news(&t, n);
    mem[text_slice(&t).len] = '\0';
    return mem;
}

Test(limits_codec, news_are_numbers_in_their_order)
{
    struct quota_news n = {.id = 0xab, .streams = 3, .waiting = 2};

    n.limits.most[QUOTA_REQUESTS_MINUTE] = 60;
    n.limits.most[QUOTA_OUTPUT_DAY] = UINT64_MAX;
    n.sure[0] = 5;
    n.sure[QUOTA_DEBTS - 1] = -7;
    n.need[QUOTA_PROMPT] = 100;
    n.first[QUOTA_OUTPUT] = 50;
    cr_assert_str_eq(put(&n), "00000000000000ab 0 60 0 0 0 0 0 0 1000000000000000 "
                              "5 0 0 0 0 0 0 0 -7 3 2 100 0 0 50");
    n.unsure[1] = 9;
    cr_assert(strstr(put(&n), " 0 0 50 0 9 0 0 0 0 0 0 0") != NULL, "%s", put(&n));
}

Test(limits_codec, an_answer_is_taken_whole_or_not_at_all)
{
    static const char *const bad[] = {
        "",
        "1 2 3",
        "1 2 3 4 5 6 7 8 9 10 1 1 59000 60000 0 0",
        "1 2 3 4 5 6 7 8 9 10 2 1 59000 60000 0", /* neither full nor not */
        "1 2 3 4 5 6 7 8 9 10 1 9 59000 60000 0", /* no limit */
        "-1 2 3 4 5 6 7 8 9 10 1 1 59000 60000 0",
        "1 2 3 4 5 6 7 8 9 10 1 1 999999999 60000 0",
        "1e3 2 3 4 5 6 7 8 9 10 1 1 59000 60000 0",
    };
    struct quota_answer a;

    cr_assert_eq(limits_take_answer(SLICE_LIT("1 2 3 4 5 6 7 8 9 10 1 1 59000 60000 5"), &a),
                 WEIR_OK);
    cr_assert(a.minute[0] == 1 && a.day[2] == 6 && a.streams == 7 && a.granted[2] == 10);
    cr_assert(a.full && a.limit == QUOTA_REQUESTS_MINUTE && a.wait_ms == 59000);
    cr_assert(a.reset_minute_ms == 60000 && a.reset_day_ms == 5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(limits_take_answer(slice_str(bad[i]), &a), WEIR_BAD, "%s", bad[i]);
}
