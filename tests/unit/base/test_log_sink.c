/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/log_sink.h"

static size_t told(char *to, size_t room, uint64_t n)
{
    return (size_t)snprintf(to, room, "%llu lost\n", (unsigned long long)n);
}

static void fill(int fd)
{
    char zeros[4096] = {0};
    int flags = fcntl(fd, F_GETFL);

    cr_assert_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(fd, zeros, sizeof zeros) > 0)
        continue;
    cr_assert_eq(fcntl(fd, F_SETFL, flags), 0);
}

Test(log_sink, lines_come_out_in_order_and_whole, .timeout = 20)
{
    char got[64] = "";
    int p[2];
    struct log_sink *s;

    cr_assert_eq(pipe(p), 0);
    s = log_sink_create(p[1], true, 4096, told);
    cr_assert(log_sink_put(s, SLICE_LIT("one\n"), 0));
    cr_assert(log_sink_put(s, SLICE_LIT("two\n"), 0));
    cr_assert_eq(log_sink_destroy(&s, NS_PER_S), 0);
    cr_assert_eq(read(p[0], got, sizeof got - 1), 8);
    cr_assert_str_eq(got, "one\ntwo\n");
}

Test(log_sink, a_pipe_that_nobody_reads_holds_nobody_up, .timeout = 20)
{
    uint64_t lost, kept = 0;
    int p[2];
    struct log_sink *s;

    cr_assert_eq(pipe(p), 0);
    fill(p[1]);
    s = log_sink_create(p[1], false, 4096, told);
    for (int i = 0; i < 10000; i++)
        kept += log_sink_put(s, SLICE_LIT("a line\n"), 0);
    cr_assert_lt(kept, 2 * 4096 / 7 + 2);
    cr_assert_eq(log_sink_look(s).dropped, 10000 - kept);
    lost = log_sink_destroy(&s, 10 * NS_PER_MS); /* its thread hangs in a write, and ends */
    cr_assert(lost == 10000 || lost == 10001, "%llu",
              (unsigned long long)lost); /* the line that tells */
    cr_assert_eq(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0,
                 "whoever shares the pipe finds it as it was");
}

/* A machine that is busy may give the thread its turn only when nobody waits any more. */
Test(log_sink, what_can_be_written_is_written_at_the_end_without_patience_too, .timeout = 20)
{
    for (int i = 0; i < 500; i++) {
        char got[64] = "";
        int p[2];
        struct log_sink *s;

        cr_assert_eq(pipe(p), 0);
        s = log_sink_create(p[1], true, 4096, told);
        cr_assert(log_sink_put(s, SLICE_LIT("the end\n"), 0));
        cr_assert_eq(log_sink_destroy(&s, 0), 0, "at %d", i);
        cr_assert_eq(read(p[0], got, sizeof got - 1), 8);
        cr_assert_str_eq(got, "the end\n");
        (void)close(p[0]);
    }
}

Test(log_sink, lost_lines_are_told_when_somebody_reads_again, .timeout = 20)
{
    char got[65536];
    int p[2];
    struct log_sink *s;

    cr_assert_eq(pipe(p), 0);
    fill(p[1]);
    s = log_sink_create(p[1], true, 64, told);
    for (int i = 0; i < 100; i++)
        (void)log_sink_put(s, SLICE_LIT("a line\n"), 0);
    for (;;) {
        ssize_t r = read(p[0], got, sizeof got);

        cr_assert_gt(r, 0);
        if (memmem(got, (size_t)r, " lost\n", 6) != NULL)
            break;
        (void)log_sink_put(s, SLICE_LIT("x\n"), 0);
    }
    cr_assert_gt(log_sink_destroy(&s, NS_PER_S), 0);
}

Test(log_sink, room_may_be_left_for_others, .timeout = 20)
{
    int p[2];
    struct log_sink *s;

    cr_assert_eq(pipe(p), 0);
    fill(p[1]);
    s = log_sink_create(p[1], false, 64, told);
    cr_assert_not(log_sink_put(s, SLICE_LIT("0123456789\n"), 60));
    cr_assert(log_sink_put(s, SLICE_LIT("0123456789\n"), 0));
    (void)log_sink_destroy(&s, 0);
}

Test(log_sink, a_full_disk_is_an_error_that_can_be_asked_for, .timeout = 20)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct log_sink *s = log_sink_create(fd, true, 4096, told);

    cr_assert(log_sink_put(s, SLICE_LIT("a line\n"), 0));
    log_sink_flush(s, 200 * NS_PER_MS);
    cr_assert_eq(log_sink_look(s).error, ENOSPC);
    cr_assert_eq(log_sink_destroy(&s, 0), 1);
}
