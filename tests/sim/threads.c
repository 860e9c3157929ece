/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I14: the same order of entries gives the same result from one thread and from many.  Threads take
 * turns under one mutex, as workers do at the gate, each doing what happens next.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "weir/base/assert.h"
#include "world.h"

enum { TURN_THREADS = 4 };

struct turns {
    pthread_mutex_t lock;
    pthread_cond_t next;
    struct world *w;
    uint64_t end_ns;
    int turn;
    bool over;
};

struct taker {
    struct turns *t;
    int me;
};

static void *take_turns(void *arg)
{
    struct taker *k = arg;
    struct turns *t = k->t;

    pthread_mutex_lock(&t->lock);
    while (!t->over) {
        if (t->turn == k->me) {
            t->over = !world_step(t->w, t->end_ns);
            t->turn = (t->turn + 1) % TURN_THREADS;
            pthread_cond_broadcast(&t->next);
        } else {
            pthread_cond_wait(&t->next, &t->lock);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void run_in_turns(struct world *w, uint64_t end_ns)
{
    struct turns t = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, w, end_ns, 0, false};
    struct taker taker[TURN_THREADS];
    pthread_t thread[TURN_THREADS];

    for (int i = 0; i < TURN_THREADS; i++) {
        taker[i] = (struct taker){&t, i};
        WEIR_ASSERT(pthread_create(&thread[i], NULL, take_turns, &taker[i]) == 0);
    }
    for (int i = 0; i < TURN_THREADS; i++)
        WEIR_ASSERT(pthread_join(thread[i], NULL) == 0);
}

int command_threads(uint64_t first, uint64_t count)
{
    struct result *one = malloc(sizeof *one), *many = malloc(sizeof *many);
    int failed = 0;

    WEIR_ASSERT(one != NULL && many != NULL);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct scenario sc = storm_of(seed);
        sc.seconds = 15;
        if (!sim_run(&sc, one) || !sim_run_by(&sc, many, run_in_turns) || one->hash != many->hash) {
            (void)fprintf(stderr, "I14 broken: replay: sim threads %llu\n",
                          (unsigned long long)seed);
            failed = 1;
        }
    }
    (void)printf("threads, seeds %llu to %llu: %s\n", (unsigned long long)first,
                 (unsigned long long)(first + count - 1), failed ? "differ" : "the same as one");
    free(one);
    free(many);
    return failed;
}
