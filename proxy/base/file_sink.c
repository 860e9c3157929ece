/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers: bytes are put into one while the thread writes the other.  Everything but what is
 * being written is read and written under the lock, which is never held across a system call that
 * could wait.
 */
#include "weir/base/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

struct file_sink {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    pthread_t thread;
    char *path, *beside; /* the file, and the name it is written under */
    char *filling, *taken;
    size_t cap, len; /* of filling; 0 = nothing waits */
    bool writing, stop;
    int error;
};

static void lock(struct file_sink *s)
{
    WEIR_ASSERT(pthread_mutex_lock(&s->lock) == 0);
}

static void unlock(struct file_sink *s)
{
    WEIR_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

/* --- the thread */

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* 0, or an errno; what was there before stays then. */
static int replace(const struct file_sink *s, size_t len)
{
    int fd, error = 0;

    (void)unlink(s->beside); /* of a process that was killed */
    fd = open(s->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return errno;
    if (!write_all(fd, s->taken, len))
        error = errno != 0 ? errno : EIO;
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(s->beside, s->path) != 0)
        error = errno;
    if (error != 0)
        (void)unlink(s->beside);
    return error;
}

static void write_taken(struct file_sink *s)
{
    char *empty = s->taken;
    size_t len = s->len;
    int error;

    s->taken = s->filling;
    s->filling = empty;
    s->len = 0;
    s->writing = true;
    unlock(s);
    error = replace(s, len);
    lock(s);
    s->error = error;
    s->writing = false;
}

static void *thread_main(void *arg)
{
    struct file_sink *s = arg;

    lock(s);
    for (;;) {
        if (s->len > 0) {
            write_taken(s);
            continue;
        }
        WEIR_ASSERT(pthread_cond_broadcast(&s->idle) == 0);
        if (s->stop)
            break;
        WEIR_ASSERT(pthread_cond_wait(&s->work, &s->lock) == 0);
    }
    unlock(s);
    return NULL;
}

/* --- outside */

static void discard(struct file_sink *s)
{
    free(s->path);
    free(s->beside);
    free(s->filling);
    free(s->taken);
    free(s);
}

static bool start(struct file_sink *s)
{
    pthread_condattr_t monotonic;

    WEIR_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    WEIR_ASSERT(pthread_condattr_init(&monotonic) == 0);
    WEIR_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    WEIR_ASSERT(pthread_cond_init(&s->work, &monotonic) == 0);
    WEIR_ASSERT(pthread_cond_init(&s->idle, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    return pthread_create(&s->thread, NULL, thread_main, s) == 0;
}

struct file_sink *file_sink_create(const char *path, size_t bytes)
{
    struct file_sink *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->cap = bytes;
    s->path = strdup(path);
    s->filling = malloc(bytes);
    s->taken = malloc(bytes);
    if (asprintf(&s->beside, "%s.new", path) == -1)
        s->beside = NULL;
    if (s->path == NULL || s->beside == NULL || s->filling == NULL || s->taken == NULL ||
        !start(s)) {
        discard(s);
        return NULL;
    }
    return s;
}

void file_sink_put(struct file_sink *s, struct slice bytes)
{
    WEIR_ASSERT(bytes.len <= s->cap);
    lock(s);
    memcpy(s->filling, bytes.p, bytes.len);
    s->len = bytes.len;
    (void)pthread_cond_signal(&s->work);
    unlock(s);
}

int file_sink_error(struct file_sink *s)
{
    int error;

    lock(s);
    error = s->error;
    unlock(s);
    return error;
}

int file_sink_destroy(struct file_sink **sp, uint64_t patience_ns)
{
    struct file_sink *s = *sp;
    uint64_t at = mono_now_ns() + patience_ns;
    struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
    int error;
    bool busy;

    *sp = NULL;
    if (s == NULL)
        return 0;
    lock(s);
    s->stop = true;
    (void)pthread_cond_signal(&s->work);
    while ((s->len > 0 || s->writing) && pthread_cond_timedwait(&s->idle, &s->lock, &until) == 0)
        continue;
    busy = s->len > 0 || s->writing;
    unlock(s);
    if (busy) {
        (void)pthread_detach(s->thread);
        return ETIMEDOUT;
    }
    (void)pthread_join(s->thread, NULL);
    error = s->error;
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_cond_destroy(&s->idle);
    discard(s);
    return error;
}
