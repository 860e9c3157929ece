/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy has to know of gRPC. */
#include <criterion/criterion.h>
#include <string.h>

#include "weir/base/clock.h"
#include "weir/http/grpc.h"

Test(grpc, is_told_by_its_type_and_is_not_grpc_web)
{
    static const char *const yes[] = {"application/grpc", "application/grpc+proto",
                                      "Application/gRPC;charset=x", "application/grpc ; a=b"};
    static const char *const no[] = {"",
                                     "application/grp",
                                     "application/grpc-web",
                                     "application/grpc-web+proto",
                                     "application/grpcx",
                                     "application/json"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        cr_assert(grpc_is_type(slice_str(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        cr_assert_not(grpc_is_type(slice_str(no[i])), "%s", no[i]);
    cr_assert_not(grpc_is_type(SLICE_NONE));
}

Test(grpc, a_timeout_has_at_most_eight_digits_and_a_unit)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"1H", 3600 * NS_PER_S},
                {"2M", 120 * NS_PER_S},
                {"3S", 3 * NS_PER_S},
                {"4m", 4 * NS_PER_MS},
                {"5u", 5000},
                {"6n", 6},
                {"0S", 0},
                {"99999999H", INT64_MAX}};
    static const char *const bad[] = {"",     "S",          "5",   "5s", "-1S",
                                      "1.5S", "123456789S", "1 S", "1SS"};
    uint64_t ns;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert(grpc_timeout(slice_str(good[i].text), &ns), "%s", good[i].text);
        cr_assert_eq(ns, good[i].ns, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(grpc_timeout(slice_str(bad[i]), &ns), "%s", bad[i]);
}

Test(grpc, statuses_are_judged_as_those_of_http)
{
    cr_assert_eq(grpc_status_read(SLICE_LIT("0")), GRPC_OK);
    cr_assert_eq(grpc_status_read(SLICE_LIT("14")), GRPC_UNAVAILABLE);
    cr_assert_eq(grpc_status_read(SLICE_LIT("99")), GRPC_UNKNOWN);
    cr_assert_eq(grpc_status_read(SLICE_LIT("x")), -1);
    cr_assert_eq(grpc_status_read(SLICE_NONE), -1);
    cr_assert_eq(grpc_http_status(GRPC_OK), 200);
    cr_assert_eq(grpc_http_status(GRPC_UNAVAILABLE), 503);
    cr_assert_eq(grpc_http_status(GRPC_RESOURCE_EXHAUSTED), 429);
    cr_assert_eq(grpc_http_status(GRPC_INTERNAL), 500);
    cr_assert_eq(grpc_http_status(GRPC_UNKNOWN), 500);
    cr_assert_eq(grpc_http_status(GRPC_INVALID_ARGUMENT), 400);
    cr_assert_eq(grpc_http_status(-1), 500);
}

Test(grpc, a_message_is_percent_encoded)
{
    char mem[64];
    struct text t;

    text_init(&t, mem, sizeof mem);
    grpc_message_put(&t, SLICE_LIT("100% \xc3\xa9\n"));
    cr_assert(slice_eq(text_slice(&t), SLICE_LIT("100%25 %C3%A9%0A")), "%s", mem);
}

Test(grpc, messages_are_counted_in_pieces_of_any_size)
{
    static const char two[] = "\0\0\0\0\3abc\1\0\0\0\0\0\0\0\1\2";
    static const size_t ends[] = {0, 8, 13}; /* where no half message lies open */

    for (size_t step = 1; step < sizeof two; step++) {
        struct grpc_messages m = {0};

        for (size_t at = 0; at < sizeof two - 1;) {
            size_t n = at + step < sizeof two - 1 ? step : sizeof two - 1 - at;
            bool end = false;

            grpc_messages_feed(&m, slice_of(two + at, n));
            at += n;
            for (size_t i = 0; i < 3; i++)
                end = end || ends[i] == at;
            cr_assert_eq(grpc_messages_at_boundary(&m), end, "at %zu by %zu", at, step);
        }
    }
}
