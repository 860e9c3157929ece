/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_thread.h"

#include "weir/base/assert.h"
#include "weir/base/clock.h"

bool sink_thread_start(struct sink_thread *t, void *(*main)(void *), void *arg)
{
    pthread_condattr_t monotonic;

    WEIR_ASSERT(pthread_mutex_init(&t->lock, NULL) == 0);
    WEIR_ASSERT(pthread_condattr_init(&monotonic) == 0);
    WEIR_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    WEIR_ASSERT(pthread_cond_init(&t->work, &monotonic) == 0);
    WEIR_ASSERT(pthread_cond_init(&t->idle, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&t->id, NULL, main, arg) == 0)
        return true;
    sink_thread_free(t);
    return false;
}

void sink_thread_free(struct sink_thread *t)
{
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_cond_destroy(&t->work);
    (void)pthread_cond_destroy(&t->idle);
}

void sink_thread_lock(struct sink_thread *t)
{
    WEIR_ASSERT(pthread_mutex_lock(&t->lock) == 0);
}

void sink_thread_unlock(struct sink_thread *t)
{
    WEIR_ASSERT(pthread_mutex_unlock(&t->lock) == 0);
}

void sink_thread_wait_for_work(struct sink_thread *t)
{
    WEIR_ASSERT(pthread_cond_wait(&t->work, &t->lock) == 0);
}

void sink_thread_tell_work(struct sink_thread *t)
{
    WEIR_ASSERT(pthread_cond_signal(&t->work) == 0);
}

void sink_thread_tell_idle(struct sink_thread *t)
{
    WEIR_ASSERT(pthread_cond_broadcast(&t->idle) == 0);
}

struct timespec sink_thread_until(uint64_t ns)
{
    uint64_t at = mono_now_ns() + ns;

    return (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
}
