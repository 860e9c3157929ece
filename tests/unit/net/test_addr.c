/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/net/addr.h"

Test(addr, what_is_parsed_is_formatted_alike)
{
    static const char *const rows[] = {
        "127.0.0.1:8080",    "0.0.0.0:80",          "255.255.255.255:65535", "[::1]:8080",
        "[2001:db8::7]:443", "[::ffff:10.0.0.1]:1", "unix:/run/weir/a.sock",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[NET_ADDR_TEXT_MAX];
        struct net_addr a;

        cr_assert_eq(net_addr_parse(slice_str(rows[i]), &a), WEIR_OK, "%s", rows[i]);
        net_addr_format(&a, text);
        cr_assert_str_eq(text, rows[i]);
    }
}

Test(addr, what_is_no_numeric_address_is_refused)
{
    static const char *const rows[] = {
        "",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "1.2.3:80",
        "1.2.3.4.5:1",
        "01.2.3.4:80",
        "localhost:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[127.0.0.1]:80",
        "[]:80",
        "[::1:80",
        "127.0.0.1:-1",
        "127.0.0.1: 1",
        "127.0.0.1:000080",
        "unix:",
        "unix:rel/path",
        "[fe80::1%eth0]:1",
        " 127.0.0.1:80",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_addr a;

        cr_assert_eq(net_addr_parse(slice_str(rows[i]), &a), WEIR_BAD, "%s", rows[i]);
    }
}

Test(addr, a_unix_path_fits_or_is_refused)
{
    char text[5 + 108 + 1], back[NET_ADDR_TEXT_MAX];
    struct net_addr a;

    memset(text, 'p', sizeof text);
    memcpy(text, "unix:/", 6);
    cr_assert_eq(net_addr_parse(slice_of(text, 5 + 107), &a), WEIR_OK);
    net_addr_format(&a, back);
    cr_assert_eq(strlen(back), 5 + 107);
    cr_assert_eq(net_addr_parse(slice_of(text, 5 + 108), &a), WEIR_BAD);
    cr_assert_eq(net_addr_parse(slice_of("unix:/a\0b", 9), &a), WEIR_BAD);
}

Test(addr, an_unnamed_unix_peer_is_unix)
{
    struct net_addr a = {.u.un.sun_family = AF_UNIX, .len = sizeof(sa_family_t)};
    char text[NET_ADDR_TEXT_MAX];

    net_addr_format(&a, text);
    cr_assert_str_eq(text, "unix:");
    net_addr_format_host(&a, text);
    cr_assert_str_eq(text, "unix");
}

static struct net_addr must_parse(const char *s)
{
    struct net_addr a;

    cr_assert_eq(net_addr_parse(slice_str(s), &a), WEIR_OK, "%s", s);
    return a;
}

Test(addr, the_host_is_told_without_its_port)
{
    struct net_addr four = must_parse("10.1.2.3:80"), six = must_parse("[2001:db8::1]:80");
    char text[NET_ADDR_TEXT_MAX];

    net_addr_format_host(&four, text);
    cr_assert_str_eq(text, "10.1.2.3");
    net_addr_format_host(&six, text);
    cr_assert_str_eq(text, "2001:db8::1");
}

Test(addr, equal_means_family_address_and_port)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"1.2.3.4:5", "1.2.3.4:5", true},  {"1.2.3.4:5", "1.2.3.4:6", false},
        {"1.2.3.4:5", "1.2.3.5:5", false}, {"[::1]:5", "[::1]:5", true},
        {"[::1]:5", "[::2]:5", false},     {"[::ffff:1.2.3.4]:5", "1.2.3.4:5", false},
        {"unix:/a", "unix:/a", true},      {"unix:/a", "unix:/ab", false},
        {"unix:/a", "1.2.3.4:5", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_addr a = must_parse(rows[i].a), b = must_parse(rows[i].b);

        cr_assert_eq(net_addr_equal(&a, &b), rows[i].same, "%s %s", rows[i].a, rows[i].b);
    }
}

Test(block, holds_what_its_prefix_says)
{
    static const struct {
        const char *block, *addr;
        bool holds;
    } rows[] = {
        {"10.0.0.0/8", "10.255.1.2:1", true},
        {"10.0.0.0/8", "11.0.0.0:1", false},
        {"10.0.0.1/8", "10.9.9.9:1", true},
        {"192.0.2.7", "192.0.2.7:1", true},
        {"192.0.2.7", "192.0.2.8:1", false},
        {"192.0.2.0/31", "192.0.2.1:1", true},
        {"192.0.2.0/31", "192.0.2.2:1", false},
        {"0.0.0.0/0", "203.0.113.9:1", true},
        {"0.0.0.0/0", "[2001:db8::1]:1", false},
        {"::/0", "[2001:db8::1]:1", true},
        {"::/0", "1.2.3.4:1", false},
        {"::1/128", "[::1]:1", true},
        {"::1", "[::2]:1", false},
        {"2001:db8::/33", "[2001:db8:7fff::]:1", true},
        {"2001:db8::/33", "[2001:db8:8000::]:1", false},
        {"10.0.0.0/8", "[::ffff:10.1.2.3]:1", true},
        {"10.0.0.0/8", "[::ffff:11.1.2.3]:1", false},
        {"::ffff:10.0.0.0/104", "[::ffff:10.1.2.3]:1", true},
        {"0.0.0.0/0", "unix:/a", false},
        {"::/0", "unix:/a", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_addr a = must_parse(rows[i].addr);
        struct net_block b;

        cr_assert_eq(net_block_parse(slice_str(rows[i].block), &b), WEIR_OK, "%s", rows[i].block);
        cr_assert_eq(net_block_holds(&b, &a), rows[i].holds, "%s %s", rows[i].block, rows[i].addr);
    }
}

Test(block, what_is_no_block_is_refused)
{
    static const char *const rows[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0/8",
        "::/129",
        "::1/12a",
        "10.0.0.0/8/8",
        "host/8",
        "[::1]/128",
        "10.0.0.0/0008",
        "10.0.0.0 /8",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_block b;

        cr_assert_eq(net_block_parse(slice_str(rows[i]), &b), WEIR_BAD, "%s", rows[i]);
    }
}

Test(url, is_taken_apart)
{
    static const struct {
        const char *url, *host;
        unsigned port;
        bool tls, unix_path;
    } rows[] = {
        {"http://10.0.0.1:8000", "10.0.0.1", 8000, false, false},
        {"http://backend", "backend", 80, false, false},
        {"HTTP://Backend/", "Backend", 80, false, false},
        {"https://api.example.com", "api.example.com", 443, true, false},
        {"https://[2001:db8::1]:8443/", "2001:db8::1", 8443, true, false},
        {"http://[::1]", "::1", 80, false, false},
        {"http://chat_svc.ns:1", "chat_svc.ns", 1, false, false},
        {"unix:/run/llama.sock", "/run/llama.sock", 0, false, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = NULL;
        struct net_url u;

        cr_assert_eq(net_url_parse(slice_str(rows[i].url), &u, &why), WEIR_OK, "%s: %s",
                     rows[i].url, why);
        cr_assert_str_eq(u.host, rows[i].host);
        cr_assert_eq(u.port, rows[i].port);
        cr_assert_eq(u.tls, rows[i].tls);
        cr_assert_eq(u.unix_path, rows[i].unix_path);
    }
}

Test(url, says_what_is_wrong)
{
    static const char *const rows[] = {
        "",
        "http://",
        "http:///",
        "ftp://a",
        "a:80",
        "http://a:0",
        "http://a:65536",
        "http://a:",
        "http://a:8x",
        "http://a/v1",
        "http://a/?q",
        "http://a#f",
        "http://u@a",
        "http://u:p@a:1",
        "http://::1",
        "http://[::1",
        "http://[zz]",
        "http://[::1]x",
        "http://a b",
        "http://-a",
        "unix:",
        "unix:a",
        "https://[]",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = NULL;
        struct net_url u;

        cr_assert_eq(net_url_parse(slice_str(rows[i]), &u, &why), WEIR_BAD, "%s", rows[i]);
        cr_assert_not_null(why);
    }
}
