/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers: bytes are put into one while the thread writes the other.  Everything but what is
 * being written is read and written under the lock, which is never held across a system call that
 * could wait.
 */
#include "weir/base/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink_thread.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

struct file_sink {
    struct sink_thread thread;
    char *path, *beside; /* the file, and the name it is written under */
    char *filling, *taken;
    size_t cap, len; /* of filling; 0 = nothing waits */
    bool writing, stop;
    int error;
};

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
    sink_thread_unlock(&s->thread);
    error = replace(s, len);
    sink_thread_lock(&s->thread);
    s->error = error;
    s->writing = false;
}

static void *thread_main(void *arg)
{
    struct file_sink *s = arg;

    sink_thread_lock(&s->thread);
    for (;;) {
        if (s->len > 0) {
            write_taken(s);
            continue;
        }
        sink_thread_tell_idle(&s->thread);
        if (s->stop)
            break;
        sink_thread_wait_for_work(&s->thread);
    }
    sink_thread_unlock(&s->thread);
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
        !sink_thread_start(&s->thread, thread_main, s)) {
        discard(s);
        return NULL;
    }
    return s;
}

void file_sink_put(struct file_sink *s, struct slice bytes)
{
    WEIR_ASSERT(bytes.len <= s->cap);
    sink_thread_lock(&s->thread);
    memcpy(s->filling, bytes.p, bytes.len);
    s->len = bytes.len;
    sink_thread_tell_work(&s->thread);
    sink_thread_unlock(&s->thread);
}

int file_sink_error(struct file_sink *s)
{
    int error;

    sink_thread_lock(&s->thread);
    error = s->error;
    sink_thread_unlock(&s->thread);
    return error;
}

int file_sink_destroy(struct file_sink **sp, uint64_t patience_ns)
{
    struct file_sink *s = *sp;
    struct timespec until = sink_thread_until(patience_ns);
    int error;
    bool busy;

    *sp = NULL;
    if (s == NULL)
        return 0;
    sink_thread_lock(&s->thread);
    s->stop = true;
    sink_thread_tell_work(&s->thread);
    while ((s->len > 0 || s->writing) &&
           pthread_cond_timedwait(&s->thread.idle, &s->thread.lock, &until) == 0)
        continue;
    busy = s->len > 0 || s->writing;
    sink_thread_unlock(&s->thread);
    if (busy) {
        (void)pthread_detach(s->thread.id);
        return ETIMEDOUT;
    }
    (void)pthread_join(s->thread.id, NULL);
    error = s->error;
    sink_thread_free(&s->thread);
    discard(s);
    return error;
}
