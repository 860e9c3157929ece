/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bench/load/sdk.h"

static struct sdk_attempt answer(const char *fields, int status)
{
    struct sdk_attempt a = {0};
    struct head h;
    char text[512];

    (void)snprintf(text, sizeof text, "HTTP/1.1 %d X\r\n%s\r\n", status, fields);
    cr_assert_eq(head_parse(slice_str(text), &h), WEIR_OK);
    sdk_read_head(&h, &a);
    return a;
}

static double wait_of(const char *sdk, int done, struct sdk_attempt a, bool *by_hint)
{
    struct rng r;

    rng_seed(&r, 1);
    return sdk_retry_after(sdk_find(sdk), -1, done, &a, &r, by_hint);
}

Test(sdk, openai_follows_hints_below_a_minute_and_milliseconds_first)
{
    bool by_hint;

    cr_assert_float_eq(
        wait_of("openai", 0, answer("Retry-After: 7\r\nretry-after-ms: 6500\r\n", 503), &by_hint),
        6.5, 1e-9);
    cr_assert(by_hint);
    cr_assert_float_eq(wait_of("openai", 1, answer("Retry-After: 59\r\n", 429), &by_hint), 59,
                       1e-9);
    cr_assert(wait_of("openai", 0, answer("Retry-After: 60\r\n", 503), &by_hint) <= 0.5);
    cr_assert_not(by_hint);
    cr_assert(wait_of("openai", 0, answer("Retry-After: 0\r\n", 503), &by_hint) > 0.3);
}

Test(sdk, openai_backs_off_by_doubling_and_ends_after_two)
{
    bool by_hint;
    double first = wait_of("openai", 0, answer("", 500), &by_hint);
    double second = wait_of("openai", 1, answer("", 500), &by_hint);

    cr_assert(first >= 0.375 && first <= 0.5, "%f", first);
    cr_assert(second >= 0.75 && second <= 1, "%f", second);
    cr_assert(wait_of("openai", 2, answer("", 500), &by_hint) < 0);
}

Test(sdk, x_should_retry_is_obeyed_by_those_that_know_it)
{
    bool by_hint;

    cr_assert(wait_of("openai", 0, answer("x-should-retry: false\r\n", 503), &by_hint) < 0);
    cr_assert(wait_of("anthropic", 0, answer("x-should-retry: true\r\n", 404), &by_hint) > 0);
    cr_assert(wait_of("vercel", 0, answer("x-should-retry: false\r\n", 503), &by_hint) > 0);
}

Test(sdk, client_errors_and_accepted_answers_are_not_retried)
{
    bool by_hint;
    struct sdk_attempt lost = {.connected = false, .hint_ms = -1, .hint_s = -1, .should_retry = -1};

    cr_assert(wait_of("openai", 0, answer("", 400), &by_hint) < 0);
    cr_assert(wait_of("openai", 0, answer("", 200), &by_hint) < 0);
    cr_assert(wait_of("openai", 0, answer("", 408), &by_hint) > 0);
    cr_assert(wait_of("openai", 0, answer("", 409), &by_hint) > 0);
    cr_assert(wait_of("langchain", 0, answer("", 409), &by_hint) < 0);
    cr_assert(wait_of("langchain", 0, answer("", 418), &by_hint) > 0);
    cr_assert(wait_of("openai", 0, lost, &by_hint) > 0);
    cr_assert(wait_of("none", 0, answer("", 503), &by_hint) < 0);
}

Test(sdk, langchain_follows_a_hint_on_429_only)
{
    bool by_hint;

    cr_assert_float_eq(wait_of("langchain", 0, answer("Retry-After: 9\r\n", 429), &by_hint), 9,
                       1e-9);
    cr_assert(wait_of("langchain", 0, answer("Retry-After: 9\r\n", 503), &by_hint) <= 2);
    cr_assert_not(by_hint);
    cr_assert(wait_of("langchain", 5, answer("", 503), &by_hint) >= 32);
    cr_assert(wait_of("langchain", 6, answer("", 503), &by_hint) < 0);
}

Test(sdk, a_refusal_is_polite_if_it_says_when)
{
    struct sdk_attempt a = answer("Retry-After: 5\r\n", 503);

    cr_assert(sdk_is_polite(&a));
    a = answer("retry-after-ms: 1500\r\n", 529);
    cr_assert(sdk_is_polite(&a));
    a = answer("", 503);
    cr_assert_not(sdk_is_polite(&a));
    a = answer("Retry-After: 3600\r\n", 503);
    cr_assert_not(sdk_is_polite(&a), "nobody obeys that");
    a = answer("Retry-After: 5\r\n", 502);
    cr_assert_not(sdk_is_polite(&a), "a failure is no refusal");
}

Test(sdk, the_number_of_retries_can_be_set)
{
    struct sdk_attempt a = answer("", 503);
    struct rng r;
    bool by_hint;

    rng_seed(&r, 1);
    cr_assert(sdk_retry_after(sdk_find("openai"), 4, 3, &a, &r, &by_hint) > 0);
    cr_assert(sdk_retry_after(sdk_find("openai"), 4, 4, &a, &r, &by_hint) < 0);
    cr_assert(sdk_retry_after(sdk_find("openai"), 0, 0, &a, &r, &by_hint) < 0);
}
