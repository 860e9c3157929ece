/* SPDX-License-Identifier: Apache-2.0 */
/* Loading from files: includes, files that are named in it, files that are none. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_test.h"

static char folder[64];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weir-conf-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(files, .init = make_folder, .fini = remove_folder);

static const char *path_of(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];

    (void)snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static void write_bytes(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(path_of(name), "w");

    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, n, f), n);
    cr_assert_eq(fclose(f), 0);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* The diagnostics of a file as lines "NAME:LINE: TEXT", its folder cut off wherever it stands. */
static const char *diagnostics_of_file(const char *name)
{
    static char out[8192];
    struct conf_diagnostics m;
    struct settings *s = conf_load(path_of(name), &m);
    size_t cut = strlen(folder) + 1, len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < m.n; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s:%d: %s\n", m.list[i].file + cut,
                                m.list[i].line, m.list[i].text);
    for (char *p; (p = strstr(out, folder)) != NULL;)
        memmove(p, p + cut, strlen(p + cut) + 1);
    conf_diagnostics_free(&m);
    settings_destroy(&s);
    return out;
}

Test(files, are_read_with_their_includes_beside_them)
{
    struct conf_diagnostics m;
    struct settings *s;

    write_file("a.cfg", "workers = 2;\n@include \"b.cfg\"\nlog = { query = false; };\n");
    write_file("b.cfg", "\n" GOOD_POOLS "  @include \"c.cfg\"  \ndrain_delay = \"1s\";");
    write_file("c.cfg", "client_fin = \"keep\";");
    s = conf_load(path_of("a.cfg"), &m);
    cr_assert_not_null(s);
    cr_assert_eq(s->workers, 2);
    cr_assert(s->keep_half_closed);
    cr_assert_str_eq(s->file, path_of("a.cfg"));
    cr_assert_str_eq(strrchr(dumped_origin(s, "workers"), '/'), "/a.cfg:1");
    cr_assert_str_eq(strrchr(dumped_origin(s, "pools[p].name"), '/'), "/b.cfg:2");
    cr_assert_str_eq(strrchr(dumped_origin(s, "client_fin"), '/'), "/c.cfg:1");
    cr_assert_str_eq(strrchr(dumped_origin(s, "drain_delay"), '/'), "/b.cfg:4");
    cr_assert_str_eq(strrchr(dumped_origin(s, "log.query"), '/'), "/a.cfg:3");
    settings_destroy(&s);
}

Test(files, diagnostics_in_an_include_carry_its_name_and_line)
{
    write_file("a.cfg", "@include \"b.cfg\"\nworkers = 0;\n" GOOD_POOLS);
    write_file("b.cfg", "\n\ndrain_delay = 1;\n");
    cr_assert_str_eq(diagnostics_of_file("a.cfg"),
                     "a.cfg:2: workers = 0 is out of range (allowed: 1 to 256)\n"
                     "b.cfg:3: drain_delay = 1 lacks its unit: write \"1s\" (allowed: 0s to 1h)\n");
    write_file("b.cfg", "\n\n\ndrain_delay 1;\n");
    cr_assert_str_eq(strstr(diagnostics_of_file("a.cfg"), "b.cfg:4: this can not be read"),
                     diagnostics_of_file("a.cfg"));
}

Test(files, includes_that_can_not_be_are_diagnostics)
{
    write_file("a.cfg", GOOD_POOLS "@include \"missing.cfg\"\n@include \".\"\n");
    cr_assert_str_eq(
        diagnostics_of_file("a.cfg"),
        "a.cfg:2: @include \"missing.cfg\" is not possible: No such file or directory\n"
        "a.cfg:3: @include \".\" is not possible: it is no regular file\n");
    write_file("loop.cfg", "@include \"loop.cfg\"\n");
    cr_assert_str_eq(
        diagnostics_of_file("loop.cfg"),
        "loop.cfg:1: @include \"loop.cfg\" is not possible: includes are nested deeper "
        "than 10, or in a circle\n");
}

Test(files, that_are_none_are_one_diagnostic)
{
    cr_assert_str_eq(diagnostics_of_file("missing.cfg"),
                     "missing.cfg:0: the file can not be read: No such file or directory\n");
    cr_assert_str_eq(diagnostics_of_file("."),
                     ".:0: the file can not be read: it is no regular file\n");
    cr_assert_eq(mkfifo(path_of("fifo"), 0600), 0);
    cr_assert_str_eq(diagnostics_of_file("fifo"),
                     "fifo:0: the file can not be read: it is no regular file\n");
    write_bytes("nul.cfg", "workers\0 = 1;\n", 14);
    cr_assert_str_eq(diagnostics_of_file("nul.cfg"),
                     "nul.cfg:1: a NUL byte is in the line: this is no text\n");
}

Test(files, with_a_byte_order_mark_and_carriage_returns_are_read)
{
    write_file("w.cfg", "\xef\xbb\xbfworkers = 1;\r\npools = ( { name = \"p\";\r\nupstreams = ( { "
                        "name = \"u\"; url = \"http://h\"; } ); } );\r\n");
    cr_assert_str_eq(diagnostics_of_file("w.cfg"), "");
}

static void with_tls(const char *tls)
{
    char text[1024];

    (void)snprintf(text, sizeof text, GOOD_POOLS "listeners = ( { tls = { %s }; } );", tls);
    write_file("t.cfg", text);
}

Test(files, a_listener_needs_certificate_and_key)
{
    char tls[600];

    with_tls("");
    cr_assert_str_eq(
        diagnostics_of_file("t.cfg"),
        "t.cfg:2: listeners[0].tls.certificate is missing: PEM file with the "
        "certificate and its chain, for clients that ask for no name or an unknown one\n"
        "t.cfg:2: listeners[0].tls.key is missing: PEM file with its key; may be the "
        "same file\n");
    write_file("c.pem", "anything: TLS judges it");
    (void)snprintf(tls, sizeof tls,
                   "certificate = \"%s\"; key = \"%s\"; sni = ( { certificate = "
                   "\"%s\"; } );",
                   path_of("c.pem"), path_of("c.pem"), path_of("c.pem"));
    with_tls(tls);
    cr_assert_str_eq(diagnostics_of_file("t.cfg"),
                     "t.cfg:2: listeners[0].tls.sni[0].key is missing: PEM file with its key\n");
}

Test(files, that_are_named_are_readable)
{
    char tls[600];

    write_file("c.pem", "x");
    write_file("empty.pem", "");
    cr_assert_eq(mkdir(path_of("sub"), 0700), 0);
    (void)snprintf(tls, sizeof tls, "certificate = \"%s\"; key = \"%s\"; client_ca = \"%s\";",
                   path_of("c.pem"), path_of("empty.pem"), path_of("sub"));
    with_tls(tls);
    cr_assert_str_eq(
        diagnostics_of_file("t.cfg"),
        "t.cfg:2: listeners[0].tls.key = \"empty.pem\" is not a readable file: it is empty "
        "(written "
        "as /path/to/file.pem)\n"
        "t.cfg:2: listeners[0].tls.client_ca = \"sub\" is not a readable file: it is no regular "
        "file "
        "(written as /path/to/file.pem)\n");
}

Test(files, a_key_towards_an_upstream_comes_with_its_certificate)
{
    char text[512];

    write_file("k.pem", "x");
    (void)snprintf(text, sizeof text,
                   "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"https://h\";\n"
                   "key = \"%s\"; } ); } );",
                   path_of("k.pem"));
    write_file("t.cfg", text);
    cr_assert_str_eq(diagnostics_of_file("t.cfg"), "t.cfg:2: pools[p].upstreams[u].certificate is "
                                                   "missing: a key needs its certificate\n");
}

Test(files, a_log_needs_its_folder)
{
    char text[512];

    (void)snprintf(text, sizeof text, GOOD_POOLS "log = { access = \"%s/no/a.log\"; };", folder);
    write_file("t.cfg", text);
    cr_assert_str_eq(
        diagnostics_of_file("t.cfg"),
        "t.cfg:2: log.access = \"no/a.log\" is not a place for the log: its folder can "
        "not be used (written as stderr, stdout, off, syslog or "
        "/var/log/weir/access.log)\n");
    (void)snprintf(text, sizeof text, GOOD_POOLS "log = { access = \"%s/a.log\"; };", folder);
    write_file("t.cfg", text);
    cr_assert_str_eq(diagnostics_of_file("t.cfg"), "");
}

Test(files, of_three_thousand_upstreams_are_read)
{
    char *text = malloc(1 << 20);
    size_t len = 0;

    cr_assert_not_null(text);
    len += (size_t)sprintf(text + len, "pools = (");
    for (int p = 0; p < 50; p++) {
        len += (size_t)sprintf(text + len, "%s{ name = \"p%d\"; upstreams = (", p ? "," : "", p);
        for (int u = 0; u < 60; u++)
            len += (size_t)sprintf(text + len, "%s{ name = \"u%d\"; url = \"http://h\"; }",
                                   u ? "," : "", u);
        len += (size_t)sprintf(text + len, "); }\n");
    }
    len += (size_t)sprintf(text + len, "); routes = (");
    for (int p = 0; p < 50; p++)
        len += (size_t)sprintf(text + len, "%s{ path = \"/%d\"; pool = \"p%d\"; }", p ? "," : "", p,
                               p);
    (void)sprintf(text + len, ");");
    cr_assert_str_eq(diagnostics_of(text), "");
    free(text);
}
