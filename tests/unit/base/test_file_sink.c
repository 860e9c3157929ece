/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/file_sink.h"

static char folder[] = "/tmp/weir-file-sink-XXXXXX";
static char path[64], beside[64];

static void start(void)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
    (void)snprintf(beside, sizeof beside, "%s/file.new", folder);
}

static void stop(void)
{
    (void)unlink(path);
    (void)unlink(beside);
    (void)rmdir(folder);
}

TestSuite(file_sink, .init = start, .fini = stop);

static void content_is(const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");

    cr_assert_not_null(f);
    cr_assert_eq(fread(got, 1, sizeof got - 1, f), strlen(text));
    cr_assert_str_eq(got, text);
    (void)fclose(f);
}

/* Returns errno of the last write. */
static int write_and_end(struct slice text)
{
    struct file_sink *s = file_sink_create(path, 64);

    cr_assert_not_null(s);
    file_sink_put(s, text);
    return file_sink_destroy(&s, 10 * NS_PER_S);
}

Test(file_sink, the_last_bytes_are_in_the_file_at_the_end)
{
    struct file_sink *s = file_sink_create(path, 64);

    for (int i = 0; i < 1000; i++)
        file_sink_put(s, SLICE_LIT("earlier"));
    file_sink_put(s, SLICE_LIT("the last"));
    cr_assert_eq(file_sink_destroy(&s, 10 * NS_PER_S), 0);
    cr_assert_null(s);
    content_is("the last");
    cr_assert_neq(access(beside, F_OK), 0, "nothing is left beside it");
}

Test(file_sink, nobody_else_may_read_it)
{
    struct stat st;

    cr_assert_eq(write_and_end(SLICE_LIT("secret")), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(file_sink, what_a_killed_process_left_beside_is_no_obstacle_and_no_way_out)
{
    char target[64];

    (void)snprintf(target, sizeof target, "%s/target", folder);
    cr_assert_eq(symlink(target, beside), 0);
    cr_assert_eq(write_and_end(SLICE_LIT("new")), 0);
    content_is("new");
    cr_assert_neq(access(target, F_OK), 0, "a link is not followed");
}

Test(file_sink, a_file_that_cannot_be_written_is_told)
{
    (void)rmdir(folder);
    cr_assert_eq(write_and_end(SLICE_LIT("x")), ENOENT);
    cr_assert_eq(mkdir(folder, 0700), 0);
}
