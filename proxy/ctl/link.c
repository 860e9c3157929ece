/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and talks to the admin socket. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/admin/places.h"

enum {
    ANSWER_WAIT_MS = 15000,
    LINE_MAX_BYTES = 8 * 1024 * 1024,
    READ_BYTES = 16 * 1024,
};

static void WEIR_PRINTF(3, 4) say(char *why, size_t room, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, room, fmt, ap);
    va_end(ap);
}

/* -1 with errno. */
static int dial(const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd, saved;

    if (strlen(path) >= sizeof sun.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sun.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0)
        return fd;
    saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static bool take(struct link *l, int fd, const char *path)
{
    l->fd = fd;
    (void)snprintf(l->path, sizeof l->path, "%s", path);
    return true;
}

/* In a folder that others can write to, somebody else could wait for us with a socket of theirs. */
static bool peer_is_trusted(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
           (cred.uid == 0 || cred.uid == geteuid());
}

static bool search(struct link *l, char *why, size_t room)
{
    struct place places[PLACES_MAX];
    size_t n = places_find(places), at = 0;

    say(why, room, "nothing answers; looked at");
    for (size_t i = 0; i < n; i++) {
        int fd = dial(places[i].socket);
        if (fd != -1 && (!places[i].private || peer_is_trusted(fd)))
            return take(l, fd, places[i].socket);
        at = strlen(why);
        say(why + at, room - at, "%s %s (%s)", i == 0 ? "" : ",", places[i].socket,
            fd == -1 ? strerror(errno) : "belongs to somebody else");
        if (fd != -1)
            (void)close(fd);
    }
    return false;
}

bool link_open(struct link *l, const char *path, char *why, size_t room)
{
    int fd;

    *l = (struct link){.fd = -1, .in = BUF_INIT};
    if (path == NULL)
        return search(l, why, room);
    fd = dial(path);
    if (fd != -1)
        return take(l, fd, path);
    say(why, room, "nothing answers on %s: %s", path, strerror(errno));
    return false;
}

void link_close(struct link *l)
{
    if (l->fd != -1)
        (void)close(l->fd);
    l->fd = -1;
    buf_free(&l->in);
}

void link_say(struct link *l, struct slice line)
{
    while (line.len > 0) {
        ssize_t n = send(l->fd, line.p, line.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* the answer, or its absence, tells why */
        line = slice_from(line, (size_t)n);
    }
}

static enum weir_status fill(struct link *l, int wait_ms)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    char *at;
    size_t room;
    ssize_t n;
    int ready = poll(&p, 1, wait_ms);

    if (ready <= 0)
        return ready == 0 ? WEIR_TIMEOUT : errno == EINTR ? WEIR_AGAIN : WEIR_SYS;
    if (buf_reserve(&l->in, READ_BYTES, LINE_MAX_BYTES, &at, &room) != WEIR_OK)
        return WEIR_SYS;
    n = recv(l->fd, at, room, 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return WEIR_CLOSED;
    if (n < 0)
        return errno == EINTR ? WEIR_AGAIN : WEIR_SYS;
    buf_commit(&l->in, (size_t)n);
    return WEIR_OK;
}

enum weir_status link_line(struct link *l, int wait_ms, struct slice *line)
{
    size_t searched = 0;

    for (;;) {
        struct slice s = buf_slice(&l->in);
        const char *end = s.len == searched ? NULL : memchr(s.p + searched, '\n', s.len - searched);
        enum weir_status rc;
        if (end != NULL) {
            *line = slice_of(s.p, (size_t)(end - s.p));
            return WEIR_OK;
        }
        searched = s.len;
        rc = fill(l, wait_ms);
        if (rc != WEIR_OK)
            return rc;
    }
}

enum weir_status link_answer(struct link *l, struct slice line, struct buf *out)
{
    struct slice got;
    enum weir_status rc;

    link_say(l, line);
    while ((rc = link_line(l, ANSWER_WAIT_MS, &got)) == WEIR_OK || rc == WEIR_AGAIN) {
        bool last = rc == WEIR_OK && got.len == 0;
        if (rc == WEIR_AGAIN)
            continue;
        if (!last && (buf_append(out, got, LINE_MAX_BYTES) != WEIR_OK ||
                      buf_append(out, SLICE_LIT("\n"), LINE_MAX_BYTES) != WEIR_OK))
            return WEIR_NO_MEMORY;
        buf_consume(&l->in, got.len + 1);
        if (last)
            return WEIR_OK;
    }
    return rc;
}
