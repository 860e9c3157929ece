/* SPDX-License-Identifier: Apache-2.0 */
/* Room for allocations is there when nothing else is: the address space ends with the room. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "weir/base/memory.h"

/* A sanitizer has a malloc of its own, and needs more address space than there is. */
#ifdef WEIR_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { ROOM = 16 << 20, MOST = 100000 };

static void no_more_address_space(void)
{
    struct rlimit l = {.rlim_max = RLIM_INFINITY};
    FILE *f = fopen("/proc/self/statm", "r");
    long pages;

    cr_assert_not_null(f);
    cr_assert_eq(fscanf(f, "%ld", &pages), 1);
    (void)fclose(f);
    l.rlim_cur = (rlim_t)pages * 4096;
    cr_assert_eq(setrlimit(RLIMIT_AS, &l), 0);
}

static void *take_small(void *arg)
{
    struct memory_room *room = memory_room_take(ROOM);
    static char *all[MOST];
    size_t bytes = 0;

    cr_assert_not_null(room);
    no_more_address_space();
    for (int i = 0; i < MOST && (all[i] = malloc(200)) != NULL; i++)
        bytes += 200;
    cr_assert_gt(bytes, 15 << 20, "%zu", bytes);
    for (int i = 0; i < MOST; i++)
        free(all[i]);
    memory_room_give(&room);
    return arg;
}

static void *take_large(void *arg)
{
    struct memory_room *room = memory_room_take(ROOM);
    char *volatile one;

    cr_assert_not_null(room);
    no_more_address_space();
    one = malloc(15 << 20);
    cr_assert_not_null(one);
    free(one);
    memory_room_give(&room);
    return arg;
}

static void *take_none(void *arg)
{
    struct memory_room *room;

    no_more_address_space();
    room = memory_room_take(256 << 20);
    cr_assert_null(room);
    return arg;
}

static void on_a_thread(void *(*run)(void *arg))
{
    pthread_t t;

    if (SANITIZED)
        return;
    cr_assert_eq(pthread_create(&t, NULL, run, NULL), 0);
    cr_assert_eq(pthread_join(t, NULL), 0);
}

Test(memory, room_is_there_for_many_small_pieces)
{
    on_a_thread(take_small);
}

Test(memory, room_is_there_for_one_large_piece)
{
    on_a_thread(take_large);
}

Test(memory, room_that_is_not_there_is_refused)
{
    on_a_thread(take_none);
}

Test(memory, lines_begin_at_one_and_are_zeroed)
{
    enum { SIZE = 1000 };
    static const char none[SIZE];

    for (int i = 0; i < 20; i++) {
        char *p = memory_lines(SIZE);

        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 64, 0);
        cr_assert_eq(memcmp(p, none, SIZE), 0);
        memset(p, 'x', SIZE); /* the next one may get the same memory */
        free(p);
    }
}

Test(memory, the_first_thread_has_room_as_well)
{
    if (!SANITIZED)
        (void)take_small(NULL);
}
