/* SPDX-License-Identifier: Apache-2.0 */
/* What two settings differ in. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf_test.h"
#include "weir/conf/compare.h"

static char got[4096];

static void put(const struct conf_change *c, void *arg)
{
    size_t n = strlen(got);

    (void)arg;
    (void)snprintf(got + n, sizeof got - n, "%s: %s > %s (%s)\n", c->key,
                   c->was == NULL ? "-" : c->was, c->is == NULL ? "-" : c->is, c->from);
}

static const char *changes(const char *now, const char *next)
{
    struct settings *a = must_parse_file(now), *b = must_parse_file(next);

    got[0] = '\0';
    cr_assert(conf_compare(a, b, put, NULL));
    settings_destroy(&a);
    settings_destroy(&b);
    return got;
}

#define UPSTREAM(name, port) "{ name = \"" name "\"; url = \"http://10.0.0.1:" port "\"; }"
#define POOL(upstreams, more)                                                                      \
    "pools = ( { name = \"p\"; upstreams = ( " upstreams " ); " more " } );\n"

Test(compare, the_same_settings_do_not_differ_whatever_the_file_looks_like)
{
    cr_assert_str_eq(changes(POOL(UPSTREAM("a", "1"), ""),
                             "\n\n" POOL(UPSTREAM("a", "1"), "queue = { max_wait = \"1s\"; };")),
                     "");
}

Test(compare, a_value_is_told_with_what_it_was_and_where_it_stands)
{
    cr_assert_str_eq(changes(POOL(UPSTREAM("a", "1"), ""),
                             POOL(UPSTREAM("a", "1"), "\nqueue = { max_wait = \"3s\"; };")),
                     "pools[p].queue.max_wait: \"1s\" > \"3s\" (t.cfg:2)\n");
}

Test(compare, back_to_the_default_is_a_change)
{
    cr_assert_str_eq(changes("workers = 3;\n" POOL(UPSTREAM("a", "1"), "heartbeat = \"7s\";"),
                             "workers = 3;\n" POOL(UPSTREAM("a", "1"), "")),
                     "pools[p].heartbeat: \"7s\" > \"15s\" (default)\n");
}

Test(compare, the_order_of_what_has_a_name_does_not_matter)
{
    cr_assert_str_eq(changes(POOL(UPSTREAM("a", "1") ", " UPSTREAM("b", "2"), ""),
                             POOL(UPSTREAM("b", "2") ", " UPSTREAM("a", "1"), "")),
                     "");
}

Test(compare, of_what_came_and_went_what_was_set_is_told)
{
    cr_assert_str_eq(changes(POOL(UPSTREAM("a", "1"), ""), POOL(UPSTREAM("b", "2"), "")),
                     "pools[p].upstreams[b].name: - > \"b\" (t.cfg:1)\n"
                     "pools[p].upstreams[b].url: - > \"http://10.0.0.1:2\" (t.cfg:1)\n"
                     "pools[p].upstreams[a].name: \"a\" > - (t.cfg:1)\n"
                     "pools[p].upstreams[a].url: \"http://10.0.0.1:1\" > - (t.cfg:1)\n");
}
