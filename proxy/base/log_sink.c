/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers: lines are put into one while the thread writes the other; when it is through, they
 * change places.  The rules:
 *
 *  - everything but what is being written is read and written under the lock, which is never
 *    held across a system call that could wait;
 *  - a write may block for ever: it is the only place at which the thread may be cancelled, and
 *    only while it has said for a while that it writes;
 *  - once the sink ends, it writes what there is room for: a busy machine may give the thread its
 *    turn late, and that is no reason to lose lines.
 */
#include "weir/base/log_sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "sink_thread.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { WRITE_MAX = 64 * 1024, RETRY_MS = 100, LAST_WRITE_MS = 100 };

struct log_sink {
    struct sink_thread thread;
    log_sink_told_fn *told;
    char *filling, *taken;
    size_t cap, len;  /* of filling */
    size_t taken_len; /* > 0: being written */
    uint64_t dropped, dropped_told, lost;
    int fd, next_fd, error;
    bool own, stop;
    bool writing, ended;
};

static uint64_t lines_in(const char *at, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += at[i] == '\n';
    return n;
}

/* --- the thread */

/* How much goes in one write: whole lines; on a pipe that others share, no more than is atomic. */
static size_t piece(const char *at, size_t len, size_t most)
{
    const char *end;

    if (len <= most)
        return len;
    end = memrchr(at, '\n', most);
    return end == NULL ? most : (size_t)(end - at) + 1;
}

static size_t write_max(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? PIPE_BUF : WRITE_MAX;
}

/* AddressSanitizer takes the frames that a cancelled thread leaves behind for an overflow. */
static void on_cancelled(void *arg)
{
    (void)arg;
#ifdef __SANITIZE_ADDRESS__
    __asan_handle_no_return();
#endif
}

static ssize_t write_cancellable(int fd, const char *at, size_t len)
{
    ssize_t n;
    int was;

    pthread_cleanup_push(on_cancelled, NULL);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &was);
    n = write(fd, at, len);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
    pthread_cleanup_pop(0);
    return n;
}

static ssize_t write_if_room(int fd, const char *at, size_t len)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (poll(&p, 1, 0) == 1)
        return write_cancellable(fd, at, piece(at, len, PIPE_BUF));
    errno = EAGAIN;
    return -1;
}

/* Some of it, as far as that is possible now. */
static ssize_t write_some(struct log_sink *s, const char *at, size_t len, size_t most)
{
    bool ending;
    ssize_t n;
    int error;

    sink_thread_lock(&s->thread);
    ending = s->stop;
    s->writing = true;
    sink_thread_unlock(&s->thread);
    n = ending ? write_if_room(s->fd, at, len) : write_cancellable(s->fd, at, piece(at, len, most));
    error = errno;
    sink_thread_lock(&s->thread);
    s->writing = false;
    sink_thread_unlock(&s->thread);
    errno = error;
    return n;
}

static void note_error(struct log_sink *s, int error)
{
    sink_thread_lock(&s->thread);
    s->error = error;
    sink_thread_unlock(&s->thread);
}

static void wait_for_room(struct log_sink *s, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    struct timespec at;

    if (s->error == EAGAIN) {
        (void)poll(&p, 1, RETRY_MS);
        return;
    }
    at = sink_thread_until(RETRY_MS * NS_PER_MS);
    sink_thread_lock(&s->thread);
    if (!s->stop)
        (void)pthread_cond_timedwait(&s->thread.work, &s->thread.lock, &at);
    sink_thread_unlock(&s->thread);
}

/* How much is left, at the front: the sink ends or its file is replaced, and it was not taken. */
static size_t write_all(struct log_sink *s, const char *at, size_t len)
{
    size_t most = write_max(s->fd);

    while (len > 0) {
        ssize_t n = write_some(s, at, len, most);
        bool stop;

        if (n > 0) {
            at += n;
            len -= (size_t)n;
            if (s->error != 0)
                note_error(s, 0);
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        note_error(s, n == 0 ? EIO : errno);
        wait_for_room(s, s->fd);
        sink_thread_lock(&s->thread);
        stop = s->stop;
        if (s->next_fd != -1 && s->own)
            stop = true; /* the file is replaced: what is left goes to the new one */
        sink_thread_unlock(&s->thread);
        if (stop) {
            memmove(s->taken, at, len);
            return len;
        }
    }
    return 0;
}

static void take_new_fd(struct log_sink *s)
{
    if (s->next_fd == -1)
        return;
    if (s->own)
        (void)close(s->fd);
    s->fd = s->next_fd;
    s->own = true;
    s->next_fd = -1;
    s->error = 0;
}

/* Under the lock.  True: there is something to write. */
static bool take(struct log_sink *s)
{
    char *empty = s->taken;

    take_new_fd(s);
    if (s->taken_len > 0)
        return true;
    if (s->len == 0)
        return false;
    s->taken = s->filling;
    s->taken_len = s->len;
    s->filling = empty;
    s->len = 0;
    return true;
}

static void tell_dropped(struct log_sink *s)
{
    char line[256];
    uint64_t n = s->dropped - s->dropped_told;
    size_t len;

    if (n == 0 || s->told == NULL)
        return;
    s->dropped_told = s->dropped;
    len = s->told(line, sizeof line, n);
    if (len <= s->cap - s->len) {
        memcpy(s->filling + s->len, line, len);
        s->len += len;
    }
}

static void *thread_main(void *arg)
{
    struct log_sink *s = arg;
    int was;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
    sink_thread_lock(&s->thread);
    for (;;) {
        size_t left;

        if (!take(s)) {
            sink_thread_tell_idle(&s->thread);
            if (s->stop)
                break;
            sink_thread_wait_for_work(&s->thread);
            continue;
        }
        tell_dropped(s);
        sink_thread_unlock(&s->thread);
        left = write_all(s, s->taken, s->taken_len);
        sink_thread_lock(&s->thread);
        s->taken_len = left;
        if (left > 0 && s->stop)
            break;
    }
    s->ended = true;
    sink_thread_tell_idle(&s->thread);
    sink_thread_unlock(&s->thread);
    return NULL;
}

/* --- outside */

static void discard(struct log_sink *s)
{
    free(s->filling);
    free(s->taken);
    free(s);
}

struct log_sink *log_sink_create(int fd, bool own, size_t bytes, log_sink_told_fn *told)
{
    struct log_sink *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->fd = fd;
    s->own = own;
    s->next_fd = -1;
    s->cap = bytes;
    s->told = told;
    s->filling = malloc(bytes);
    s->taken = malloc(bytes);
    if (s->filling == NULL || s->taken == NULL || !sink_thread_start(&s->thread, thread_main, s)) {
        discard(s);
        return NULL;
    }
    return s;
}

bool log_sink_put(struct log_sink *s, struct slice line, size_t leave)
{
    bool fits, was_empty;

    sink_thread_lock(&s->thread);
    fits = line.len + leave <= s->cap - s->len;
    was_empty = s->len == 0;
    if (fits) {
        memcpy(s->filling + s->len, line.p, line.len);
        s->len += line.len;
    } else {
        s->dropped++;
    }
    if (was_empty)
        sink_thread_tell_work(&s->thread);
    sink_thread_unlock(&s->thread);
    return fits;
}

void log_sink_replace(struct log_sink *s, int fd)
{
    sink_thread_lock(&s->thread);
    if (s->next_fd != -1)
        (void)close(s->next_fd);
    s->next_fd = fd;
    sink_thread_tell_work(&s->thread);
    sink_thread_unlock(&s->thread);
}

void log_sink_flush(struct log_sink *s, uint64_t patience_ns)
{
    struct timespec at = sink_thread_until(patience_ns);

    sink_thread_lock(&s->thread);
    while ((s->len > 0 || s->taken_len > 0) &&
           pthread_cond_timedwait(&s->thread.idle, &s->thread.lock, &at) == 0)
        continue;
    sink_thread_unlock(&s->thread);
}

/* The thread ends by itself, unless it hangs in a write. */
static void end_thread(struct log_sink *s)
{
    bool hangs = false;

    sink_thread_lock(&s->thread);
    s->stop = true;
    sink_thread_tell_work(&s->thread);
    while (!s->ended && !hangs) {
        struct timespec at = sink_thread_until(LAST_WRITE_MS * NS_PER_MS);
        bool late = pthread_cond_timedwait(&s->thread.idle, &s->thread.lock, &at) != 0;

        hangs = late && s->writing;
    }
    sink_thread_unlock(&s->thread);
    if (hangs)
        (void)pthread_cancel(s->thread.id);
    (void)pthread_join(s->thread.id, NULL);
}

uint64_t log_sink_destroy(struct log_sink **sp, uint64_t patience_ns)
{
    struct log_sink *s = *sp;
    uint64_t lost;

    *sp = NULL;
    if (s == NULL)
        return 0;
    log_sink_flush(s, patience_ns);
    end_thread(s);
    lost = s->dropped + lines_in(s->filling, s->len) + lines_in(s->taken, s->taken_len);
    if (s->own)
        (void)close(s->fd);
    if (s->next_fd != -1)
        (void)close(s->next_fd);
    sink_thread_free(&s->thread);
    discard(s);
    return lost;
}

struct log_sink_state log_sink_look(struct log_sink *s)
{
    struct log_sink_state st;

    sink_thread_lock(&s->thread);
    st = (struct log_sink_state){s->dropped, s->error};
    sink_thread_unlock(&s->thread);
    return st;
}
