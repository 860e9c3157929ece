/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "heads.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110. */
enum { NOV_1994 = 784111777 };

static uint32_t wait_of(const char *fields, uint64_t now_s)
{
    struct test_response r;
    char text[512];

    (void)snprintf(text, sizeof text, "HTTP/1.1 503 X\r\n%s\r\n", fields);
    good_response(&r, text);
    return response_retry_after_ms(&r.head, now_s);
}

Test(retry_after, seconds_and_milliseconds)
{
    cr_assert_eq(wait_of("", 0), 0);
    cr_assert_eq(wait_of("Retry-After: 0\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: 7\r\n", 0), 7000);
    cr_assert_eq(wait_of("Retry-After: 1.5\r\n", 0), 1500);
    cr_assert_eq(wait_of("Retry-After: 0.0004\r\n", 0), 0);
    cr_assert_eq(wait_of("retry-after-ms: 250\r\n", 0), 250);
    cr_assert_eq(wait_of("retry-after-ms: 250.75\r\n", 0), 250);
}

Test(retry_after, the_finer_one_is_preferred_when_it_is_usable)
{
    cr_assert_eq(wait_of("Retry-After: 7\r\nRetry-After-Ms: 6543\r\n", 0), 6543);
    cr_assert_eq(wait_of("Retry-After: 7\r\nRetry-After-Ms: soon\r\n", 0), 7000);
}

Test(retry_after, what_is_no_wait_is_none)
{
    cr_assert_eq(wait_of("Retry-After: -1\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: soon\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After:\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: 5s\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: .5\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: 1e3\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:99 GMT\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nox 1994 08:49:37 GMT\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 CET\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:3\r\n", 0), 0);
    cr_assert_eq(wait_of("Retry-After: ,\r\n", 0), 0);
}

Test(retry_after, more_than_fits_is_the_most_that_fits)
{
    cr_assert_eq(wait_of("Retry-After: 4294967\r\n", 0), 4294967000);
    cr_assert_eq(wait_of("Retry-After: 4294968\r\n", 0), UINT32_MAX);
    cr_assert_eq(wait_of("Retry-After: 99999999999999999999999999999999\r\n", 0), UINT32_MAX);
    cr_assert_eq(wait_of("retry-after-ms: 4294967296\r\n", 0), UINT32_MAX);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n", NOV_1994), UINT32_MAX);
}

Test(retry_after, a_date_in_each_of_its_three_forms)
{
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NOV_1994 - 9), 9000);
    cr_assert_eq(wait_of("Retry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n", NOV_1994 - 9), 9000);
    cr_assert_eq(wait_of("Retry-After: Sun Nov  6 08:49:37 1994\r\n", NOV_1994 - 9), 9000);
    cr_assert_eq(wait_of("Retry-After: Wed Nov 16 08:49:37 1994\r\n", NOV_1994), 864000000);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NOV_1994), 0);
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NOV_1994 + 1), 0);
}

Test(retry_after, a_year_of_two_digits_is_not_far_in_the_future)
{
    uint64_t in_2025 = 1756857600;

    cr_assert_eq(wait_of("Retry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n", in_2025), 0);
    cr_assert_eq(wait_of("Retry-After: Wednesday, 03-Sep-25 00:00:05 GMT\r\n", in_2025), 5000);
}

Test(retry_after, the_servers_own_clock_counts_where_it_is_told)
{
    cr_assert_eq(wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                         "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\n",
                         12345),
                 30000);
    cr_assert_eq(
        wait_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: today\r\n", NOV_1994 - 2),
        2000);
}

Test(retry_after, days_are_counted_rightly_across_leap_years)
{
    static const struct {
        const char *date;
        uint64_t s;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:01 GMT", 1},
        {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
        {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
        {"Sun, 31 Dec 2023 23:59:60 GMT", 1704067200},
        {"Thu, 29 Feb 2024 12:00:00 GMT", 1709208000},
        {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char field[80];

        (void)snprintf(field, sizeof field, "Retry-After: %s\r\n", rows[i].date);
        cr_assert_eq(wait_of(field, rows[i].s - 1), 1000, "%s", rows[i].date);
    }
}
