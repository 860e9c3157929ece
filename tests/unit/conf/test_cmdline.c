/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "weir/conf/cmdline.h"

enum { WORDS_MAX = 8 };

static char why[160];

static enum weir_status parse(struct cmdline *c, const char *line)
{
    static char copy[256];
    char *argv[WORDS_MAX] = {"weir"};
    int argc = 1;

    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
        argv[argc++] = w;
    why[0] = '\0';
    return cmdline_parse(c, argc, argv, why, sizeof why);
}

static void refuses(const char *line, const char *reason)
{
    struct cmdline c = {.file = "untouched"};

    cr_assert_eq(parse(&c, line), WEIR_BAD, "%s", line);
    cr_assert_str_eq(why, reason, "%s: %s", line, why);
    cr_assert_str_eq(c.file, "untouched");
}

Test(cmdline, a_file_is_run)
{
    struct cmdline c;

    cr_assert_eq(parse(&c, "-c weir.cfg"), WEIR_OK);
    cr_assert_eq(c.action, CMDLINE_RUN);
    cr_assert_str_eq(c.file, "weir.cfg");
    cr_assert_null(c.upstream);
    cr_assert_eq(parse(&c, "--config=weir.cfg"), WEIR_OK);
    cr_assert_str_eq(c.file, "weir.cfg");
}

Test(cmdline, an_upstream_is_run_with_or_without_an_address)
{
    struct cmdline c;

    cr_assert_eq(parse(&c, "--upstream http://h"), WEIR_OK);
    cr_assert(c.action == CMDLINE_RUN && c.file == NULL && c.listen == NULL);
    cr_assert_eq(parse(&c, "--listen 127.0.0.1:0 --upstream http://h"), WEIR_OK);
    cr_assert_str_eq(c.upstream, "http://h");
    cr_assert_str_eq(c.listen, "127.0.0.1:0");
}

Test(cmdline, check_goes_with_both)
{
    struct cmdline c;

    cr_assert_eq(parse(&c, "--check -c weir.cfg"), WEIR_OK);
    cr_assert_eq(c.action, CMDLINE_CHECK);
    cr_assert_eq(parse(&c, "-c weir.cfg --check"), WEIR_OK);
    cr_assert_eq(c.action, CMDLINE_CHECK);
    cr_assert_eq(parse(&c, "--check --upstream http://h"), WEIR_OK);
    cr_assert_eq(c.action, CMDLINE_CHECK);
}

Test(cmdline, help_version_and_settings_need_nothing_else)
{
    struct cmdline c;

    cr_assert(parse(&c, "--help") == WEIR_OK && c.action == CMDLINE_HELP);
    cr_assert(parse(&c, "-h") == WEIR_OK && c.action == CMDLINE_HELP);
    cr_assert(parse(&c, "--version") == WEIR_OK && c.action == CMDLINE_VERSION);
    cr_assert(parse(&c, "-V") == WEIR_OK && c.action == CMDLINE_VERSION);
    cr_assert(parse(&c, "--settings") == WEIR_OK && c.action == CMDLINE_SETTINGS);
}

Test(cmdline, a_bad_one_is_refused_with_its_reason)
{
    refuses("", "neither -c FILE nor --upstream URL is given");
    refuses("--check", "neither -c FILE nor --upstream URL is given");
    refuses("-c", "-c needs a value");
    refuses("--upstream", "--upstream needs a value");
    refuses("-c a --upstream b", "-c and --upstream exclude each other");
    refuses("-c a --listen b",
            "--listen goes with --upstream; in a file, listeners say where clients are accepted");
    refuses("-x", "there is no option -x");
    refuses("--no-such", "there is no option --no-such, or it is not the only one that begins so");
    refuses("--help=3", "--help=3: this option takes no value");
    refuses("weir.cfg", "\"weir.cfg\" is no option");
    refuses("-c a b", "\"b\" is no option");
}

Test(cmdline, settings_come_from_the_upstream)
{
    struct cmdline c;
    struct settings *s;

    cr_assert_eq(parse(&c, "--upstream http://127.0.0.1:8000 --listen 127.0.0.1:0"), WEIR_OK);
    s = cmdline_settings(&c, stderr);
    cr_assert_not_null(s);
    cr_assert_str_eq(s->pools[0].name, "default");
    cr_assert_str_eq(s->pools[0].upstreams[0].name, "default");
    cr_assert_str_eq(s->pools[0].upstreams[0].url, "http://127.0.0.1:8000");
    cr_assert_str_eq(s->listeners[0].address, "127.0.0.1:0");
    cr_assert_str_eq(s->file, "");
    cr_assert(!s->default_listener);
    settings_destroy(&s);
}

Test(cmdline, diagnostics_are_lines_and_a_count)
{
    struct cmdline c;
    static char out[1024];
    FILE *f = fmemopen(out, sizeof out, "w");

    cr_assert_eq(parse(&c, "--upstream 127.0.0.1:8000 --listen 8080"), WEIR_OK);
    cr_assert_null(cmdline_settings(&c, f));
    (void)fclose(f);
    cr_assert_str_eq(
        out, "command line: listeners[0].address = \"8080\" is not an address: the port is missing "
             "(written as 127.0.0.1:8080, [::1]:8080 or unix:/path)\n"
             "command line: pools[default].upstreams[default].url = \"127.0.0.1:8000\" is not a "
             "url: the "
             "scheme is missing; did you mean \"http://127.0.0.1:8000\"?\n"
             "weir: 2 errors, nothing started\n");
}
