/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_SINK_THREAD_H
#define WEIR_BASE_SINK_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * The thread of a sink, what it waits for (`work`) and what others wait for (`idle`): under one
 * lock, by the clock that does not jump.
 */
struct sink_thread {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    pthread_t id;
};

/* False: there is no thread, and nothing to be freed. */
bool sink_thread_start(struct sink_thread *t, void *(*main)(void *), void *arg);
/* The thread has been joined. */
void sink_thread_free(struct sink_thread *t);
void sink_thread_lock(struct sink_thread *t);
void sink_thread_unlock(struct sink_thread *t);
void sink_thread_wait_for_work(struct sink_thread *t); /* locked, as the next two */
void sink_thread_tell_work(struct sink_thread *t);
void sink_thread_tell_idle(struct sink_thread *t);
/* So many ns from now, for a timed wait on `work` or `idle`. */
struct timespec sink_thread_until(uint64_t ns);

#endif
