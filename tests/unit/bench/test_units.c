/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>

#include "bench/common/units.h"
#include "guard.h"

static uint64_t ns_of(const char *s)
{
    uint64_t ns = 7;

    return duration_parse(guarded(slice_str(s)), &ns) == WEIR_OK ? ns : 0;
}

Test(units, durations_carry_their_unit)
{
    cr_assert_eq(ns_of("500ms"), 500000000);
    cr_assert_eq(ns_of("1.5s"), 1500000000);
    cr_assert_eq(ns_of("20us"), 20000);
    cr_assert_eq(ns_of("3m"), 180000000000);
    cr_assert_eq(ns_of("2h"), 7200000000000);
}

Test(units, what_is_no_duration_is_refused)
{
    static const char *const bad[] = {"5",   "s",    "",       "5 s",
                                      "-5s", "5sec", "1.2.3s", "9999999999999h"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(ns_of(bad[i]), 0, "%s", bad[i]);
}

Test(units, a_percentage_is_a_share)
{
    double x = 0;

    cr_assert_eq(real_parse(SLICE_LIT("40%"), &x), WEIR_OK);
    cr_assert_float_eq(x, 0.4, 1e-9);
    cr_assert_eq(real_parse(SLICE_LIT("2.5"), &x), WEIR_OK);
    cr_assert_float_eq(x, 2.5, 1e-9);
    cr_assert_neq(real_parse(SLICE_LIT("2.5x"), &x), WEIR_OK);
    cr_assert_neq(real_parse(SLICE_LIT("-1"), &x), WEIR_OK);
}

Test(units, addresses_of_both_families_and_unix)
{
    struct address a;

    cr_assert_eq(address_parse(SLICE_LIT("127.0.0.1:81"), &a), WEIR_OK);
    cr_assert_eq(ntohs(((struct sockaddr_in *)&a.sa)->sin_port), 81);
    cr_assert_eq(address_parse(SLICE_LIT("[::1]:82"), &a), WEIR_OK);
    cr_assert_eq(a.sa.ss_family, AF_INET6);
    cr_assert_eq(address_parse(SLICE_LIT("unix:/tmp/x"), &a), WEIR_OK);
    cr_assert_eq(a.sa.ss_family, AF_UNIX);
    cr_assert_eq(address_parse(SLICE_LIT("127.0.0.1"), &a), WEIR_BAD);
    cr_assert_eq(address_parse(SLICE_LIT("127.0.0.1:http"), &a), WEIR_BAD);
    cr_assert_eq(address_parse(SLICE_LIT("127.0.0.1:99999"), &a), WEIR_BAD);
    cr_assert_eq(address_parse(SLICE_LIT("unix:"), &a), WEIR_BAD);
}

Test(units, words_and_parts_come_off_the_front)
{
    struct slice s = SLICE_LIT("  at 10s\tdown ");

    cr_assert(slice_eq(next_word(&s), SLICE_LIT("at")));
    cr_assert(slice_eq(next_word(&s), SLICE_LIT("10s")));
    cr_assert(slice_eq(next_word(&s), SLICE_LIT("down")));
    cr_assert_eq(next_word(&s).len, 0);
    s = SLICE_LIT("a; b;;c");
    cr_assert(slice_eq(next_part(&s, ';'), SLICE_LIT("a")));
    cr_assert(slice_eq(next_part(&s, ';'), SLICE_LIT("b")));
    cr_assert_eq(next_part(&s, ';').len, 0);
    cr_assert(slice_eq(next_part(&s, ';'), SLICE_LIT("c")));
    cr_assert_eq(s.len, 0);
}
