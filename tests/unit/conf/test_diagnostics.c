/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of diagnostic with its exact words: they are read by people in a hurry, and by
 * scripts.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf_test.h"

static void expect(const char *text, const char *diagnostics)
{
    const char *got = diagnostics_of(text);

    cr_assert_str_eq(got, diagnostics, "%s\nwanted: %s\ngot:    %s", text, diagnostics, got);
}

/* One more line after the smallest good file, which is line 1. */
#define EXPECT_LINE(line, diagnostic) expect(GOOD_POOLS line, "2: " diagnostic "\n")

#define IN_POOL(inside)                                                                            \
    "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } );\n" inside    \
    "\n} );"
#define EXPECT_IN_POOL(inside, diagnostic) expect(IN_POOL(inside), "2: " diagnostic "\n")

Test(diagnostics, a_good_file_has_none)
{
    expect(GOOD_POOLS, "");
}

Test(diagnostics, an_unknown_key_names_the_nearest)
{
    EXPECT_LINE("wokers = 2;", "wokers is no key that weir knows; did you mean \"workers\"?");
    EXPECT_IN_POOL("breaker = { widow = \"1s\"; };",
                   "pools[p].breaker.widow is no key that weir knows; did you mean \"window\"?");
    EXPECT_LINE("routes = ( { pool = \"p\"; pth = \"/\"; } );",
                "routes[0].pth is no key that weir knows; did you mean \"path\"?");
}

Test(diagnostics, an_unknown_key_that_another_group_has_is_sent_there)
{
    EXPECT_IN_POOL("breaker = { max_wait = \"1s\"; };",
                   "pools[p].breaker.max_wait is no key that weir knows; it belongs in queue");
    EXPECT_IN_POOL("users = { lease = \"1s\"; };",
                   "pools[p].users.lease is no key that weir knows; it belongs outside of this "
                   "group, one level up");
    EXPECT_LINE("sni = ( );", "sni is no key that weir knows; known here: workers, user, sandbox, "
                              "drain_delay, drain_timeout, trusted, client_fin, listeners, limits, "
                              "client_timeouts, pools, routes, identity, cors, pages, admin, log, "
                              "state, tracing, fleet");
}

Test(diagnostics, an_unknown_key_without_a_likely_one_lists_what_there_is)
{
    EXPECT_LINE("log = { colour = true; };",
                "log.colour is no key that weir knows; known here: access, level, query, redact");
}

Test(diagnostics, a_number_out_of_range_shows_the_range)
{
    EXPECT_LINE("workers = 0;", "workers = 0 is out of range (allowed: 1 to 256)");
    EXPECT_LINE("workers = -1;", "workers = -1 is out of range (allowed: 1 to 256)");
    EXPECT_LINE("workers = 4294967298;",
                "workers = 4294967298 is out of range (allowed: 1 to 256)");
    EXPECT_IN_POOL("breaker = { error_rate = 50; };",
                   "pools[p].breaker.error_rate = 50 is out of range (allowed: 0.01 to 1)");
    EXPECT_IN_POOL("queue = { max_wait = \"11s\"; };",
                   "pools[p].queue.max_wait = \"11s\" is out of range (allowed: 0s to 10s)");
    EXPECT_LINE("limits = { body = \"99999999999999999999GiB\"; };",
                "limits.body = \"99999999999999999999GiB\" is out of range (allowed: 0B to 16GiB)");
}

Test(diagnostics, a_bare_number_shows_the_right_spelling)
{
    EXPECT_IN_POOL("limiter = { queue_target = 500; };",
                   "pools[p].limiter.queue_target = 500 lacks its unit: write \"500ms\" (allowed: "
                   "50ms to 5s)");
    EXPECT_IN_POOL(
        "timeouts = { connect = 2; };",
        "pools[p].timeouts.connect = 2 lacks its unit: write \"2s\" (allowed: 50ms to 1m)");
    EXPECT_IN_POOL(
        "timeouts = { connect = \"2000\"; };",
        "pools[p].timeouts.connect = \"2000\" lacks its unit: write \"2000ms\" (allowed: "
        "50ms to 1m)");
    EXPECT_LINE("limits = { head = 65536; };",
                "limits.head = 65536 lacks its unit: write \"65536B\" (allowed: 1KiB to 256KiB)");
    EXPECT_LINE("limits = { head = 64; };",
                "limits.head = 64 lacks its unit: write \"64KiB\" (allowed: 1KiB to 256KiB)");
    EXPECT_LINE("drain_delay = 0;",
                "drain_delay = 0 lacks its unit: write \"0s\" (allowed: 0s to 1h)");
}

Test(diagnostics, a_unit_that_is_none_shows_those_there_are)
{
    EXPECT_LINE("drain_delay = \"5 s\";",
                "drain_delay = \"5 s\" is no duration: write a whole number and ms, s, m, h or d, "
                "such as \"0s\" (allowed: 0s to 1h)");
    EXPECT_LINE("limits = { body = \"32MB\"; };",
                "limits.body = \"32MB\" is no size: write a whole number and B, KiB, MiB or GiB, "
                "such as \"32MiB\" (allowed: 0B to 16GiB)");
    EXPECT_IN_POOL("limiter = { pace_target = \"atuo\"; };",
                   "pools[p].limiter.pace_target = \"atuo\" is not known (allowed: \"auto\" or 5ms "
                   "to 5s); did you mean \"auto\"?");
    EXPECT_IN_POOL(
        "limiter = { pace_target = \"0s\"; };",
        "pools[p].limiter.pace_target = \"0s\" is out of range (allowed: \"auto\" or 5ms "
        "to 5s)");
}

Test(diagnostics, a_value_of_the_wrong_kind_is_told_what_is_wanted)
{
    EXPECT_LINE("sandbox = \"yes\";",
                "sandbox = \"yes\" is neither true nor false, which are written without quotes");
    EXPECT_LINE("sandbox = 1;",
                "sandbox = 1 is neither true nor false, which are written without quotes");
    EXPECT_LINE("workers = \"2\";", "workers = \"2\" is no whole number (allowed: 1 to 256)");
    EXPECT_LINE("workers = 2.5;", "workers = 2.5 is no whole number (allowed: 1 to 256)");
    EXPECT_IN_POOL("breaker = { error_rate = \"half\"; };",
                   "pools[p].breaker.error_rate = \"half\" is no number (allowed: 0.01 to 1)");
    EXPECT_LINE("drain_delay = { };", "drain_delay = { … } is not known (allowed: 0s to 1h)");
    EXPECT_LINE("user = 0;", "user = 0 is no string: write a user in quotes");
    EXPECT_LINE("trusted = 10;", "trusted = 10 is no list of strings: write [ \"…\", \"…\" ]");
    EXPECT_LINE("trusted = ( \"10.0.0.0/8\", 10 );", "trusted = 10 is no string in quotes");
    EXPECT_LINE("limits = 5;", "limits = 5 is no group: write limits = { … };");
    EXPECT_LINE("routes = { pool = \"p\"; };",
                "routes = { … } is no list of groups: write routes = ( { … }, { … } );");
    EXPECT_LINE("routes = ( \"p\" );", "routes[0] is not a route: write { … }");
}

Test(diagnostics, a_word_that_is_not_known_names_the_nearest)
{
    EXPECT_LINE("client_fin = \"abrot\";",
                "client_fin = \"abrot\" is not known (allowed: \"abort\" "
                "or \"keep\"); did you mean \"abort\"?");
    EXPECT_LINE("log = { level = \"all\"; };",
                "log.level = \"all\" is not known (allowed: \"debug\", \"info\", \"warn\" or "
                "\"error\")");
    EXPECT_IN_POOL(
        "overload_status = 500;",
        "pools[p].overload_status = 500 is not known (allowed: 503 or 429); did you mean "
        "\"503\"?");
    EXPECT_LINE("routes = ( { pool = \"p\"; class = \"system\"; } );",
                "routes[0].class = \"system\" is not known (allowed: \"paid\", \"interactive\" or "
                "\"batch\")");
    EXPECT_LINE(
        "pages = { languages = [ \"en\", \"xx\" ]; };",
        "pages.languages = \"xx\" is not known (allowed: \"en\", \"fr\", \"de\" or \"es\")");
}

Test(diagnostics, an_address_says_what_is_wrong_with_it)
{
#define WRITTEN " (written as 127.0.0.1:8080, [::1]:8080 or unix:/path)"
#define EXPECT_ADDRESS(a, why)                                                                     \
    EXPECT_LINE("listeners = ( { address = \"" a "\"; } );",                                       \
                "listeners[0].address = \"" a "\" is not an address: " why WRITTEN)
    EXPECT_ADDRESS("8080", "the port is missing");
    EXPECT_ADDRESS("127.0.0.1", "the port is missing");
    EXPECT_ADDRESS("[::1]", "the port is missing");
    EXPECT_ADDRESS("127.0.0.1:", "the port is not a number from 0 to 65535");
    EXPECT_ADDRESS("127.0.0.1:65536", "the port is not a number from 0 to 65535");
    EXPECT_ADDRESS("::1:8080", "an IPv6 address stands in brackets");
    EXPECT_ADDRESS("localhost:8080", "the host is not a numeric address");
    EXPECT_ADDRESS("[::g]:8080", "the host is not a numeric address");
    EXPECT_ADDRESS("unix:", "the path is missing");
    EXPECT_ADDRESS("", "it is empty");
}

Test(diagnostics, good_addresses_are_taken)
{
    expect(GOOD_POOLS "listeners = ( { address = \"0.0.0.0:1\"; }, { address = \"[::]:65535\"; }, "
                      "{ address = \"unix:/run/w.sock\"; }, { address = \"127.0.0.1:0\"; } );",
           "");
}

#define URL(u) "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"" u "\"; } ); } );"

Test(diagnostics, a_url_says_what_is_wrong_with_it)
{
#define EXPECT_URL(u, why)                                                                         \
    expect(URL(u), "1: pools[p].upstreams[u].url = \"" u "\" is not a url: " why "\n")
#define URLS " (written as http://host:port, https://host:port or unix:/path)"
    EXPECT_URL("127.0.0.1:8000", "the scheme is missing; did you mean \"http://127.0.0.1:8000\"?");
    EXPECT_URL("ftp://h", "it begins with no known scheme" URLS);
    EXPECT_URL("http://", "the host is missing" URLS);
    EXPECT_URL("http://h:0", "the port is not a number from 1 to 65535" URLS);
    EXPECT_URL("http://h/v1", "it has a path; the path of each request is passed on as it is" URLS);
    EXPECT_URL("http://user@h", "the host is malformed" URLS);
    EXPECT_URL("http://[::1", "the host is malformed" URLS);
    EXPECT_URL("http://h:x", "the port is not a number from 1 to 65535" URLS);
    EXPECT_URL("unix:", "the path is missing" URLS);
}

Test(diagnostics, good_urls_are_taken)
{
    static const char *const good[] = {URL("http://h"), URL("https://h:8443/"),
                                       URL("http://[::1]:1"), URL("https://10.0.0.1"),
                                       URL("unix:/run/backend.sock")};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect(good[i], "");
}

#define EXPECT_REDIS(url, shown, why)                                                              \
    EXPECT_LINE("fleet = { name = \"f\"; redis = \"" url "\"; };",                                 \
                "fleet.redis = " shown " is not a Redis: " why                                     \
                " (written as redis://[user@]host:6379/0, rediss://[user@]host:6380/0, "           \
                "redis+sentinel://[user@]host,host/master, redis+cluster://[user@]host,host or "   \
                "unix:/path)")

Test(diagnostics, the_url_of_redis_says_what_is_wrong_with_it)
{
    EXPECT_REDIS("http://h", "\"http://h\"", "it begins with no known scheme");
    EXPECT_REDIS("redis://h:0", "\"redis://h:0\"", "the port is not a number from 1 to 65535");
    EXPECT_REDIS("redis://h:1/x", "\"redis://h:1/x\"",
                 "behind the host stands something else than the number of a database");
    EXPECT_REDIS(
        "redis://a!b@h", "\"redis://a!b@h\"",
        "the user has more than 63 characters, or others than letters, digits, -, _ and .");
    EXPECT_REDIS("unix:", "\"unix:\"", "the path is missing");
    EXPECT_REDIS("redis+sentinel://a,b", "\"redis+sentinel://a,b\"",
                 "behind the hosts the name of the master is missing");
    EXPECT_REDIS("redis+cluster://a,b/1", "\"redis+cluster://a,b/1\"",
                 "a cluster has no other database than 0");
    EXPECT_REDIS("redis+sentinel://a,,b/m", "\"redis+sentinel://a,,b/m\"", "the host is missing");
}

Test(diagnostics, a_password_in_the_url_of_redis_is_refused_and_not_repeated)
{
    EXPECT_REDIS("redis://weir:s3cret@h", "(not shown)",
                 "a password is in it; write it to a file and name that in fleet.password_file");
    EXPECT_REDIS("redis://:s3cret@h", "(not shown)",
                 "a password is in it; write it to a file and name that in fleet.password_file");
}

Test(diagnostics, good_urls_of_redis_are_taken)
{
    static const char *const good[] = {"redis://h",
                                       "redis://weir@h:6379/0",
                                       "rediss://[::1]:1/15",
                                       "unix:/run/redis/redis.sock",
                                       "redis+sentinel://a,b:1/m",
                                       "rediss+sentinel://weir@a/my.master/3",
                                       "redis+cluster://a,b:1/0",
                                       "rediss+cluster://weir@a",
                                       ""};
    char text[256];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(text, sizeof text, "fleet = { name = \"f\"; redis = \"%s\"; };\n" GOOD_POOLS,
                       good[i]);
        expect(text, "");
    }
}

Test(diagnostics, a_fleet_needs_a_name_and_what_belongs_together)
{
    EXPECT_LINE("fleet = { redis = \"redis://h\"; };",
                "fleet.name is missing: the nodes of one fleet have the same name");
    EXPECT_LINE("fleet = { redis = \"redis://h\"; name = \"Chat\"; };",
                "fleet.name = \"Chat\" is not a name: another character is in it (written as "
                "letters a to z, digits, - and _)");
    EXPECT_LINE("fleet = { redis = \"redis://h\"; name = \"f\"; server_name = \"r\"; };",
                "fleet.server_name is for rediss:// alone");
}

Test(diagnostics, other_forms_are_looked_at)
{
    EXPECT_LINE("trusted = [ \"10.0.0.0/33\" ];",
                "trusted = \"10.0.0.0/33\" is not an address block: the bits are not a number from "
                "0 to 32 (written as 10.0.0.0/8, fd00::/8 or 192.0.2.7)");
    EXPECT_LINE("cors = { origins = \"app.example.org\"; };",
                "cors.origins = \"app.example.org\" is not an origin: it begins with neither "
                "http:// nor https:// (written as https://app.example.org, without a path, or *)");
    EXPECT_LINE("routes = ( { pool = \"p\"; path = \"v1\"; } );",
                "routes[0].path = \"v1\" is not a path: it does not begin with a slash (written as "
                "/some/path)");
    EXPECT_LINE("routes = ( { pool = \"p\"; host = \"h:80\"; } );",
                "routes[0].host = \"h:80\" is not a host: it has a port (written as "
                "api.example.org, without a port)");
    EXPECT_LINE(
        "routes = ( { pool = \"p\"; method = \"get\"; } );",
        "routes[0].method = \"get\" is not a method: another character is in it (written as "
        "GET, in capital letters)");
    EXPECT_LINE("identity = { header = \"x user\"; };",
                "identity.header = \"x user\" is not a field name: another character is in it "
                "(written as letters, digits and -)");
    EXPECT_LINE("log = { access = \"stder\"; };",
                "log.access = \"stder\" is not a place for the log: did you mean \"stderr\"?");
    EXPECT_LINE(
        "user = \"no-such-user-here\";",
        "user = \"no-such-user-here\" is not a user: there is no such user here (written as "
        "a name or a number)");
    EXPECT_LINE("admin = { socket = \"admin.sock\"; };",
                "admin.socket = \"admin.sock\" is not a socket: it does not begin with a slash "
                "(written as /run/weir/admin.sock)");
}

Test(diagnostics, control_characters_and_length_of_a_value_are_tamed)
{
    EXPECT_LINE("client_fin = \"a\\nb\\\"\\\\\";", "client_fin = \"a\\x0ab\\\"\\\\\" is not known "
                                                   "(allowed: \"abort\" or \"keep\")");
}

Test(diagnostics, what_is_required_is_missed)
{
    expect("", "0: pools is missing: groups of interchangeable upstreams\n");
    expect("\n\npools = ( );", "3: pools = ( … ) is empty: at least one is needed\n");
    expect("pools = (\n{ upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } );",
           "2: pools[0].name is missing: what it is called in routes, commands and metrics\n");
    expect("pools = ( {\n name = \"p\"; } );", "1: pools[p].upstreams is missing: its servers\n");
    expect("pools = ( { name = \"p\"; upstreams = (\n{ name = \"u\"; } ); } );",
           "2: pools[p].upstreams[u].url is missing: where it is\n");
    EXPECT_LINE("routes = ( { path = \"/\"; } );",
                "routes[0].pool is missing: where these requests go");
}

Test(diagnostics, names_are_given_once)
{
    expect("pools = (\n{ name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); },\n"
           "{ name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } );\n"
           "routes = ( { pool = \"p\"; } );",
           "3: pool \"p\" is given twice; the first is in line 2\n");
    expect("pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; },\n"
           "{ name = \"u\"; url = \"http://i\"; } ); } );",
           "2: upstream \"u\" is given twice; the first is in line 1\n");
    expect(GOOD_POOLS "listeners = ( { address = \"127.0.0.1:80\"; },\n\n"
                      "{ address = \"127.0.0.1:80\"; } );",
           "4: listener \"127.0.0.1:80\" is given twice; the first is in line 2\n");
    expect(GOOD_POOLS "listeners = ( { address = \"127.0.0.1:80\"; } );\n"
                      "admin = { http = \"127.0.0.1:80\"; };",
           "3: admin.http = \"127.0.0.1:80\" is the address of listeners[0] as well\n");
}

Test(diagnostics, a_listener_without_an_address_is_the_default_one)
{
    expect(GOOD_POOLS "listeners = ( { },\n{ address = \"127.0.0.1:8080\"; } );",
           "3: listener \"127.0.0.1:8080\" is given twice; the first has it by default\n");
}

#define TWO_POOLS                                                                                  \
    "pools = (\n{ name = \"chat\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); },\n"    \
    "{ name = \"batch\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } );\n"

Test(diagnostics, a_route_to_no_pool_names_the_nearest)
{
    expect(TWO_POOLS "routes = ( { pool = \"chta\"; } );",
           "4: routes[0].pool = \"chta\" is no pool; did you mean \"chat\"?\n");
    expect(TWO_POOLS "routes = ( { pool = \"images\"; } );",
           "4: routes[0].pool = \"images\" is no pool (pools: chat, batch)\n");
}

Test(diagnostics, a_pool_that_no_route_reaches_is_found)
{
    expect(TWO_POOLS "routes = ( { pool = \"chat\"; } );",
           "3: pool \"batch\" is reached by no route\n");
    expect(TWO_POOLS, "3: pool \"batch\" is reached by no route: without routes everything goes to "
                      "the first pool\n");
    expect(TWO_POOLS "routes = ( { path = \"/v1\"; pool = \"chat\"; }, { path = \"/v1/b\"; pool = "
                     "\"batch\"; } );",
           "3: pool \"batch\" is reached by no route: an earlier one takes all its requests\n");
}

Test(diagnostics, a_pool_that_a_narrower_route_leaves_something_is_reached)
{
    static const char *const good[] = {
        TWO_POOLS "routes = ( { path = \"/v1\"; pool = \"chat\"; }, { path = \"/v1x\"; pool = "
                  "\"batch\"; } );",
        TWO_POOLS "routes = ( { path = \"/v1/\"; pool = \"chat\"; }, { path = \"/v1\"; pool = "
                  "\"batch\"; } );",
        TWO_POOLS "routes = ( { method = \"GET\"; pool = \"chat\"; }, { pool = \"batch\"; } );",
        TWO_POOLS "routes = ( { host = \"a.org\"; pool = \"chat\"; }, { host = \"b.org\"; pool = "
                  "\"batch\"; } );",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect(good[i], "");
}

Test(diagnostics, settings_that_contradict_each_other_are_found)
{
    EXPECT_IN_POOL("breaker = { open_min = \"5s\"; };",
                   "pools[p].breaker: open_max (4s) is shorter than open_min (5s)");
    EXPECT_IN_POOL("timeouts = { first_token_last = \"10s\"; };",
                   "pools[p].timeouts: first_token_last (10s) is shorter than first_token (30s)");
}

Test(diagnostics, what_libconfig_can_not_read_is_one_diagnostic_with_its_line)
{
#define UNREADABLE                                                                                 \
    "this can not be read; look here and one line above for a missing ; or = or quote, or a "      \
    "bracket that is not closed"
    expect(GOOD_POOLS "a 3;\n", "2: " UNREADABLE "\n");
    expect(GOOD_POOLS "log = { level = \"info\";\n", "3: " UNREADABLE "\n");
    EXPECT_LINE("workers = 1; workers = 2;",
                "a key is given a second time in the same group; keep one of the two");
    EXPECT_LINE(
        "trusted = [ \"a\", 1 ];",
        "the values in [ ] are not all of one kind; lists of different things stand in ( )");
}

Test(diagnostics, of_notation_are_told_in_words)
{
    EXPECT_LINE("drain_delay = 10s;", "a value with a unit stands in quotes: write \"10s\"");
    EXPECT_LINE("limits = { body = 1.5MiB; };",
                "a value with a unit stands in quotes: write \"1.5MiB\"");
    EXPECT_LINE("client_fin = abort;", "a word stands in quotes: write \"abort\"");
    EXPECT_LINE("client_fin = \"abort;", "a string is not closed: the quote at its end is missing");
    EXPECT_LINE("/* never closed", "a comment is not closed: */ is missing");
    EXPECT_LINE("@include \"other.cfg\"",
                "@include \"other.cfg\" is not possible: only files can include files");
    EXPECT_LINE("workers = 1; @include \"other.cfg\"",
                "an include has a line of its own: @include \"file.cfg\"");
}

Test(diagnostics, notation_in_comments_and_strings_is_left_alone)
{
    expect("# it's 10s; client_fin = abort \"\n// 32KiB @include\n/* \" workers = many\n"
           "10s */ " GOOD_POOLS "cors = { origins = \"https://a/*b\"; };",
           "5: cors.origins = \"https://a/*b\" is not an origin: the host is malformed (written as "
           "https://app.example.org, without a path, or *)\n");
}

Test(diagnostics, many_are_told_at_once_in_the_order_of_the_lines)
{
    expect(
        "wokers = 3;\n"
        "drain_delay = 5;\n"
        "listeners = ( { address = \"8080\"; tls = { certificate = \"/no/such.pem\"; }; } );\n"
        "pools = ( { name = \"chat\";\n"
        "  upstreams = ( { name = \"a\"; url = \"10.0.0.1:8000\"; } );\n"
        "  breaker = { widow = \"10s\"; error_rate = 2; };\n"
        "} );\n"
        "routes = ( { pool = \"chta\"; } );\n",
        "1: wokers is no key that weir knows; did you mean \"workers\"?\n"
        "2: drain_delay = 5 lacks its unit: write \"5s\" (allowed: 0s to 1h)\n"
        "3: listeners[0].address = \"8080\" is not an address: the port is missing (written as "
        "127.0.0.1:8080, [::1]:8080 or unix:/path)\n"
        "3: listeners[0].tls.certificate = \"/no/such.pem\" is not a readable file: No such file "
        "or directory (written as /path/to/file.pem)\n"
        "3: listeners[0].tls.key is missing: PEM file with its key; may be the same file\n"
        "5: pools[chat].upstreams[a].url = \"10.0.0.1:8000\" is not a url: the scheme is missing; "
        "did you mean \"http://10.0.0.1:8000\"?\n"
        "6: pools[chat].breaker.error_rate = 2 is out of range (allowed: 0.01 to 1)\n"
        "6: pools[chat].breaker.widow is no key that weir knows; did you mean \"window\"?\n"
        "8: routes[0].pool = \"chta\" is no pool; did you mean \"chat\"?\n");
}

Test(diagnostics, a_limit_limits_something_and_stands_once)
{
    EXPECT_IN_POOL("limits = ( { model = \"m\"; } );",
                   "pools[p].limits[0] limits nothing: give it requests_per_minute or another "
                   "number");
    EXPECT_IN_POOL("limits = ( { model = \"m\"; max_streams = 1; }, { model = \"m\"; "
                   "requests_per_day = 2; } );",
                   "pools[p].limits[1] is about the same requests as limits[0]: put their numbers "
                   "into one");
    EXPECT_IN_POOL("limits = ( { model = \"a*b\"; max_streams = 1; } );",
                   "pools[p].limits[0].model = \"a*b\" is not a model: a * stands at the end of a "
                   "name only (written as a name, perhaps with * at its end)");
    EXPECT_IN_POOL("limits = ( { user = \"key \"; max_streams = 1; } );",
                   "pools[p].limits[0].user = (not shown) is not a user: a blank stands at its end "
                   "(written as the identity as it is sent)");
}

/* Limits for the models m0, m1 ... and one for all: as many as there are meet no request. */
static const char *limits_for(int n, const char *more)
{
    static char file[4096];
    size_t at = (size_t)snprintf(file, sizeof file,
                                 "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = "
                                 "\"http://h\"; } ); limits = ( %s",
                                 more);

    for (int i = 0; i < n; i++) {
        at += (size_t)snprintf(file + at, sizeof file - at,
                               ", { max_streams = 1; model = \"m%d\"; }", i);
    }
    (void)snprintf(file + at, sizeof file - at, "); } );");
    return file;
}

Test(diagnostics, a_request_comes_under_so_many_limits_at_most)
{
    static const char all[] = "{ class = \"batch\"; max_streams = 3; }";
    static const char own[] = "{ user = \"Bearer k\"; max_streams = 3; }";

    expect(limits_for(6, all), "");
    cr_assert_str_eq(diagnostics_of(limits_for(30, own)), "",
                     "models that differ never meet, and numbers of one user are none beside them");
    cr_assert_not_null(strstr(diagnostics_of(limits_for(7, all)),
                              "pools[p].limits[0]: a request may come under 8 limits with it, at "
                              "most 7 are possible"));
}
