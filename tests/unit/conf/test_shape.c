/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a snapshot: the dump, --check, the reference page, what a reload can not change.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_test.h"

#define EXAMPLE                                                                                    \
    "listeners = ( { address = \"0.0.0.0:80\"; }, { address = \"[::]:81\"; } );\n"                 \
    "pools = ( { name = \"chat\"; upstreams = ( { name = \"a\"; url = \"http://10.0.0.1:8000\";\n" \
    "max_streams = 64; }, { name = \"b\"; url = \"https://10.0.0.2\"; verify = false; } );\n"      \
    "limiter = { mode = \"observe\"; pace_target = \"60ms\"; }; } );\n"                            \
    "routes = ( { path = \"/v1/batches\"; pool = \"chat\"; class = \"batch\"; },\n"                \
    "{ pool = \"chat\"; host = \"a.org\"; websocket = true; } );\n"                                \
    "trusted = [ \"10.0.0.0/8\", \"::1\" ];\n"

Test(shape, values_are_dumped_as_they_would_be_written)
{
    struct settings *s = must_parse_file(EXAMPLE);

    cr_assert_str_eq(dumped(s, "trusted"), "[\"10.0.0.0/8\", \"::1\"]");
    cr_assert_str_eq(dumped(s, "pools[chat].upstreams[a].max_streams"), "64");
    cr_assert_str_eq(dumped(s, "pools[chat].limiter.mode"), "\"observe\"");
    cr_assert_str_eq(dumped(s, "pools[chat].limiter.pace_target"), "\"60ms\"");
    cr_assert_str_eq(dumped_origin(s, "pools[chat].limiter.pace_target"), "t.cfg:4");
    cr_assert_str_eq(dumped_origin(s, "pools[chat].limiter.queue_target"), "default");
    cr_assert_str_eq(dumped(s, "routes[0].class"), "\"batch\"");
    cr_assert_null(dumped(s, "routes[2].class"));
    settings_destroy(&s);
}

Test(shape, a_route_knows_its_pool)
{
    struct settings *s = must_parse_file(
        "pools = ( { name = \"a\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); },\n"
        "{ name = \"b\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } );\n"
        "routes = ( { path = \"/b\"; pool = \"b\"; }, { pool = \"a\"; } );\n");

    cr_assert_eq(s->routes[0].pool, 1);
    cr_assert_eq(s->routes[1].pool, 0);
    settings_destroy(&s);
}

static void write_check(const struct settings *s, char *out, size_t size)
{
    FILE *f = fmemopen(out, size, "w");

    cr_assert_not_null(f);
    conf_print_check(s, f);
    cr_assert_eq(fclose(f), 0);
}

Test(shape, check_shows_what_would_run)
{
    struct settings *s = must_parse_file(EXAMPLE "workers = 3; log = { access = \"off\"; };\n");
    static char out[8192];

    write_check(s, out, sizeof out);
    cr_assert_str_eq(
        out,
        "listeners\n"
        "  0.0.0.0:80                   plain\n"
        "  [::]:81                      plain\n"
        "pools\n"
        "  chat                         2 upstreams, profile chat, limiter observe, breaker "
        "enforce, "
        "ramp enforce, queue enforce\n"
        "    a                          http://10.0.0.1:8000, at most 64 at once\n"
        "    b                          https://10.0.0.2, at most 4096 at once, NOT verified\n"
        "routes (the first match wins)\n"
        "  /v1/batches                  to chat, class batch\n"
        "  /                            to chat, class interactive, host a.org, method any, "
        "WebSocket\n"
        "  no match                     404\n"
        "admin\n"
        "  socket                       at the first default place that can be made\n"
        "  http                         127.0.0.1:9901 (default)\n"
        "process\n"
        "  workers                      3\n"
        "  access log                   off\n"
        "set, all else is default\n"
        "  t.cfg:8                      workers = 3\n"
        "  t.cfg:7                      trusted = [\"10.0.0.0/8\", \"::1\"]\n"
        "  t.cfg:1                      listeners[0].address = \"0.0.0.0:80\"\n"
        "  t.cfg:1                      listeners[1].address = \"[::]:81\"\n"
        "  t.cfg:2                      pools[chat].name = \"chat\"\n"
        "  t.cfg:2                      pools[chat].upstreams[a].name = \"a\"\n"
        "  t.cfg:2                      pools[chat].upstreams[a].url = \"http://10.0.0.1:8000\"\n"
        "  t.cfg:3                      pools[chat].upstreams[a].max_streams = 64\n"
        "  t.cfg:3                      pools[chat].upstreams[b].name = \"b\"\n"
        "  t.cfg:3                      pools[chat].upstreams[b].url = \"https://10.0.0.2\"\n"
        "  t.cfg:3                      pools[chat].upstreams[b].verify = false\n"
        "  t.cfg:4                      pools[chat].limiter.mode = \"observe\"\n"
        "  t.cfg:4                      pools[chat].limiter.pace_target = \"60ms\"\n"
        "  t.cfg:5                      routes[0].path = \"/v1/batches\"\n"
        "  t.cfg:5                      routes[0].pool = \"chat\"\n"
        "  t.cfg:5                      routes[0].class = \"batch\"\n"
        "  t.cfg:6                      routes[1].host = \"a.org\"\n"
        "  t.cfg:6                      routes[1].pool = \"chat\"\n"
        "  t.cfg:6                      routes[1].websocket = true\n"
        "  t.cfg:8                      log.access = \"off\"\n");
    settings_destroy(&s);
}

struct sentences {
    char text[1024];
    size_t n;
};

static void on_sentence(const char *sentence, void *arg)
{
    struct sentences *all = arg;

    (void)snprintf(all->text + strlen(all->text), sizeof all->text - strlen(all->text), "%s\n",
                   sentence);
    all->n++;
}

Test(shape, a_reload_changes_all_but_three_settings)
{
    struct settings *now = must_parse_file(GOOD_POOLS "workers = 2;");
    struct settings *next = must_parse_file(
        GOOD_POOLS "workers = 3; sandbox = false; user = \"0\"; drain_delay = \"1s\";");
    struct sentences all = {.n = 0};

    cr_assert_eq(conf_not_live(now, next, on_sentence, &all), 3);
    cr_assert_eq(all.n, 3);
    cr_assert_str_eq(all.text,
                     "workers stays 2: a reload can not make it 3, a restart can\n"
                     "user stays \"\": a reload can not make it \"0\", a restart can\n"
                     "sandbox stays true: a reload can not make it false, a restart can\n");
    cr_assert_eq(conf_not_live(now, now, on_sentence, &all), 0);
    settings_destroy(&now);
    settings_destroy(&next);
}

static void on_reference_line(const char *line, void *arg)
{
    (void)fprintf(arg, "%s\n", line);
}

Test(shape, the_committed_reference_is_the_tables)
{
    char *made = NULL, *committed = NULL;
    size_t n_made, room = 0;
    FILE *f = open_memstream(&made, &n_made);
    ssize_t n_committed;

    conf_reference(on_reference_line, f);
    cr_assert_eq(fclose(f), 0);
    f = fopen(WEIR_SOURCE "/docs/settings.md", "r");
    cr_assert_not_null(f);
    n_committed = getdelim(&committed, &room, '\0', f);
    (void)fclose(f);
    cr_assert(n_committed == (ssize_t)n_made && memcmp(made, committed, n_made) == 0,
              "docs/settings.md is not what the table says: weir --settings > docs/settings.md");
    free(made);
    free(committed);
}

Test(shape, the_annotated_example_is_good)
{
    struct conf_diagnostics m;
    struct settings *s = conf_load(WEIR_SOURCE "/docs/weir.cfg", &m);

    for (size_t i = 0; i < m.n; i++)
        cr_log_error("%s:%d: %s", m.list[i].file, m.list[i].line, m.list[i].text);
    cr_assert_not_null(s);
    conf_diagnostics_free(&m);
    settings_destroy(&s);
}

Test(shape, a_user_that_is_limited_is_not_shown)
{
    struct conf_diagnostics m;
    struct settings *s = conf_parse(
        "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); limits = "
        "( { user = \"Bearer one\"; tokens_per_day = 5000000000; }, { user = \"Bearer two\"; per "
        "= \"all\"; max_streams = 1; } ); } );",
        "t.cfg", &m);
    char one[64];

    cr_assert_not_null(s, "%s", m.n > 0 ? m.list[0].text : "");
    cr_assert_str_eq(s->pools[0].limits[0].user, "Bearer one");
    cr_assert_eq(s->pools[0].limits[0].limits.most[QUOTA_TOKENS_DAY], 5000000000);
    cr_assert(s->pools[0].limits[1].shared);
    (void)snprintf(one, sizeof one, "%s", dumped(s, "pools[p].limits[0].user"));
    cr_assert_not_null(strstr(one, "not shown"));
    cr_assert_null(strstr(one, "one"));
    cr_assert_str_neq(one, dumped(s, "pools[p].limits[1].user"));
    settings_destroy(&s);
}
