/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/http/head.h"

static char *const usual[] = {"key", "api_key", "token", "access_token", "sig", "password"};

static const char *redacted(const char *target, bool all)
{
    static char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    target_redacted(&t, slice_str(target), usual, sizeof usual / sizeof usual[0], all);
    return mem;
}

Test(redact, values_of_secrets_are_not_written_down)
{
    static const struct {
        const char *target, *want;
    } rows[] = {
        {"/v1/models?key=AIza", "/v1/models?key=***"},
        {"/v1?alt=sse&key=AIza&x=1", "/v1?alt=sse&key=***&x=1"},
        {"/v1?KEY=AIza", "/v1?KEY=***"},
        {"/v1?%6bey=AIza", "/v1?%6bey=***"},
        {"/v1?%256bey=AIza", "/v1?%256bey=***"},
        {"/v1?api-key=a&apikey=b&apiKey=c&API_KEY=d",
         "/v1?api-key=***&apikey=***&apiKey=***&API_KEY=***"},
        {"/v1?X-Goog-Api-Key=a", "/v1?X-Goog-Api-Key=***"},
        {"/v1?refresh_token=a;sig=b", "/v1?refresh_token=***;sig=***"},
        {"/v1?accessToken=a", "/v1?accessToken=***"},
        {"/v1?key[0]=a&key%5B1%5D=b", "/v1?key[0]=***&key%5B1%5D=***"},
        {"/v1?a=1?key=b", "/v1?a=1?key=***"},
        {"/v1?key=a=b", "/v1?key=***"},
        {"/v1?key=", "/v1?key="},
        {"/v1?key", "/v1?key"},
        {"/v1?monkey=1&max_tokens=2&keys=3", "/v1?monkey=1&max_tokens=2&keys=3"},
        {"/key=a", "/key=a"},
        {"/v1?", "/v1?"},
        {"*", "*"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(redacted(rows[i].target, false), rows[i].want);
}

Test(redact, all_values_go_where_the_settings_say_so)
{
    cr_assert_str_eq(redacted("/v1?a=1&b=&c=2", true), "/v1?a=***&b=&c=***");
}
