/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of a load fails in turn: the first, the second, and so on until a load needs no
 * more of them.  Each time the load is refused, says why, and leaks nothing; and once there is
 * memory, the same text is read.  What libconfig allocates is covered by the room it finds
 * (weir/base/memory.h).
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "../failing_memory.h"
#include "conf_test.h"
#include "weir/base/memory.h"
#include "weir/conf/compare.h"

static const char good[] =
    "listeners = ( { address = \"127.0.0.1:1\"; } );\n"
    "log = { redact = [ \"a\", \"b\" ]; };\n"
    "pools = ( { name = \"p\"; retry = { budget = 1.0; };\n"
    "  upstreams = ( { name = \"a\"; url = \"http://127.0.0.1:1\"; },\n"
    "                { name = \"b\"; url = \"http://127.0.0.1:2\"; } ); } );\n"
    "routes = ( { path = \"/\"; pool = \"p\"; method = \"GET\"; } );\n";
static const char bad[] = "workers = 9999;\nno_such = 1;\npools = 3;\n";

static void look(const struct conf_diagnostics *m)
{
    cr_assert_eq(m->n, 1);
    cr_assert(strstr(m->list[0].text, m->no_memory ? "no memory" : "Cannot allocate memory"), "%s",
              m->list[0].text);
    cr_assert_gt(strlen(m->list[0].file), 0);
}

/* Returns how many allocations failed in turn before a run that needed no more of them. */
static size_t each_fails(bool (*load)(struct conf_diagnostics *m))
{
    size_t n = 0;
    bool failed;

    do {
        struct conf_diagnostics m;
        bool whole;

        made = 0;
        fail_at = ++n;
        armed = true;
        whole = load(&m);
        armed = false;
        failed = made >= fail_at;
        cr_assert_neq(whole, failed, "allocation %zu", n);
        if (failed)
            look(&m);
        conf_diagnostics_free(&m);
        cr_assert_lt(n, 100000);
    } while (failed);
    return n - 1;
}

static bool load_good(struct conf_diagnostics *m)
{
    struct settings *s = conf_parse(good, "t.cfg", m);
    bool whole = s != NULL;

    settings_destroy(&s);
    return whole;
}

Test(no_memory, a_text_is_refused_whichever_allocation_fails)
{
    cr_assert_gt(each_fails(load_good), 70);
}

static bool load_command_line(struct conf_diagnostics *m)
{
    struct settings *s = conf_from_upstream("http://127.0.0.1:1", "127.0.0.1:2", m);
    bool whole = s != NULL;

    settings_destroy(&s);
    return whole;
}

Test(no_memory, a_command_line_is_refused_whichever_allocation_fails)
{
    cr_assert_gt(each_fails(load_command_line), 50);
}

/* Whole: all that is wrong is told. */
static bool load_bad(struct conf_diagnostics *m)
{
    cr_assert_null(conf_parse(bad, "t.cfg", m));
    return m->n == 3;
}

Test(no_memory, diagnostics_are_told_all_or_with_the_reason_why_not)
{
    cr_assert_gt(each_fails(load_bad), 50);
}

static char main_path[] = "/tmp/weir-conf-XXXXXX", part_path[] = "/tmp/weir-part-XXXXXX";

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);

    cr_assert_neq(fd, -1);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static bool load_file(struct conf_diagnostics *m)
{
    struct settings *s = conf_load(main_path, m);
    bool whole = s != NULL;

    settings_destroy(&s);
    return whole;
}

Test(no_memory, files_with_includes_are_refused_whichever_allocation_fails)
{
    char text[200];

    write_file(part_path, good);
    (void)snprintf(text, sizeof text, "@include \"%s\"\nworkers = 1;\n", part_path);
    write_file(main_path, text);
    cr_expect_gt(each_fails(load_file), 70);
    (void)unlink(main_path);
    (void)unlink(part_path);
}

static void on_change(const struct conf_change *change, void *arg)
{
    cr_assert_not_null(change->key);
    ++*(int *)arg;
}

Test(no_memory, two_settings_are_compared_whole_or_not_at_all)
{
    struct settings *a = must_parse_file(good), *b = must_parse_file(good);
    bool ok;

    b->workers = a->workers + 1;
    fail_at = 0;
    do {
        int told = 0;

        made = 0;
        fail_at++;
        armed = true;
        ok = conf_compare(a, b, on_change, &told);
        armed = false;
        cr_assert_eq(told, ok ? 1 : 0);
    } while (!ok);
    cr_assert_gt(fail_at, 300);
    settings_destroy(&a);
    settings_destroy(&b);
}
