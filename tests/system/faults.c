/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel that has bad days, for test_faults.py: loaded into the real process (LD_PRELOAD), it
 * cuts reads and writes short and lets calls fail, as the rows of the file FAULTS say.  The file
 * is shared memory: the test writes rows while weir runs, and reads how often each one struck.
 *
 * A row is four 32-bit words: the call (enum call), the errno or 0 for "short", how often of a
 * thousand calls, and how often it has been done.  What a kernel never does is not done here
 * either: datagrams, counters (eventfd, timerfd) and lines to stderr stay whole.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROWS = 16 };

/* The order is test_faults.py's. */
enum call {
    CALL_NONE,
    CALL_ACCEPT,
    CALL_RECV,
    CALL_SEND,
    CALL_READ,
    CALL_WRITE,
    CALL_CONNECT,
    CALL_SOCKET,
    CALL_OPEN,
    CALL_WATCH
};

struct row {
    _Atomic uint32_t call, error, rate, done;
};

static struct row *rows;
static _Atomic uint32_t threads;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED
                     : mmap(NULL, sizeof *rows * ROWS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    rows = p == MAP_FAILED ? NULL : p;
    if (fd >= 0)
        (void)close(fd);
}

/* Each thread has a row of numbers of its own, the same in every run. */
static uint32_t draw(void)
{
    static _Thread_local uint32_t x;

    if (x == 0)
        x = 2463534242U + 7919U * atomic_fetch_add(&threads, 1);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static struct row *strikes(enum call call, bool or_short)
{
    for (int i = 0; rows != NULL && i < ROWS; i++) {
        struct row *r = &rows[i];

        if (r->call == (uint32_t)call && (r->error != 0 || or_short) && draw() % 1000 < r->rate)
            return r;
    }
    return NULL;
}

/* Bytes in a row, of which a part may be taken? */
static bool is_stream(int fd)
{
    struct stat st;
    int type = 0;
    socklen_t len = sizeof type;

    if (fstat(fd, &st) != 0)
        return false;
    if (S_ISSOCK(st.st_mode))
        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
    return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
}

/* True: the call fails, with errno.  Else *len may be less. */
static bool fails(enum call call, int fd, size_t *len)
{
    struct row *r = strikes(call, len != NULL && *len > 1);

    if (r == NULL || (r->error == 0 && !is_stream(fd)))
        return false;
    atomic_fetch_add(&r->done, 1);
    if (r->error == ECONNRESET || r->error == EPIPE)
        (void)shutdown(fd, SHUT_RDWR); /* a kernel says so of a broken one only */
    errno = (int)r->error;
    if (r->error == 0)
        *len = 1 + draw() % (*len - 1);
    return r->error != 0;
}

#define REAL(name) ((__typeof__(&(name)))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* Whoever is aborted is lost; everybody else still waits for the next call. */
int accept4(int fd, struct sockaddr *restrict a, socklen_t *restrict len, int flags)
{
    bool failed = fails(CALL_ACCEPT, fd, NULL);
    int error = errno, got;

    if (failed && error != ECONNABORTED)
        return -1;
    got = REAL(accept4)(fd, a, len, flags);
    if (got < 0 || !failed)
        return got;
    (void)close(got);
    errno = error;
    return -1;
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
    return fails(CALL_RECV, fd, &n) ? -1 : REAL(recv)(fd, to, n, flags);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
    return fails(CALL_SEND, fd, &n) ? -1 : REAL(send)(fd, from, n, flags);
}

static size_t length_of(const struct msghdr *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->msg_iovlen; i++)
        n += m->msg_iov[i].iov_len;
    return n;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct iovec some[16];
    struct msghdr part = *m;
    size_t all = length_of(m), n = all;

    if (fails(CALL_SEND, fd, &n))
        return -1;
    if (n == all || m->msg_iovlen > 16)
        return REAL(sendmsg)(fd, m, flags);
    part.msg_iov = some;
    for (part.msg_iovlen = 0; n > 0; part.msg_iovlen++) {
        struct iovec *v = &some[part.msg_iovlen];

        *v = m->msg_iov[part.msg_iovlen];
        v->iov_len = v->iov_len < n ? v->iov_len : n;
        n -= v->iov_len;
    }
    return REAL(sendmsg)(fd, &part, flags);
}

ssize_t read(int fd, void *to, size_t n)
{
    return fails(CALL_READ, fd, &n) ? -1 : REAL(read)(fd, to, n);
}

ssize_t write(int fd, const void *from, size_t n)
{
    if (fd != STDERR_FILENO && fails(CALL_WRITE, fd, &n))
        return -1;
    return REAL(write)(fd, from, n);
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    return fails(CALL_CONNECT, fd, NULL) ? -1 : REAL(connect)(fd, to, len);
}

int socket(int family, int type, int protocol)
{
    return fails(CALL_SOCKET, -1, NULL) ? -1 : REAL(socket)(family, type, protocol);
}

/* The kernel may refuse to watch one more descriptor; it never refuses to watch one no more. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return what == EPOLL_CTL_ADD && fails(CALL_WATCH, -1, NULL)
               ? -1
               : REAL(epoll_ctl)(epoll, what, fd, event);
}

/* Programs ask for it under this name (large files), and for the checked one of read (FORTIFY). */
int open64(const char *path, int flags, ...)
{
    va_list ap;
    int mode;

    va_start(ap, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
    va_end(ap);
    return fails(CALL_OPEN, -1, NULL) ? -1 : REAL(open64)(path, flags, mode);
}

ssize_t __read_chk(int fd, void *to, size_t n, size_t room);
ssize_t __read_chk(int fd, void *to, size_t n, size_t room)
{
    if (n > room)
        abort();
    return read(fd, to, n);
}
