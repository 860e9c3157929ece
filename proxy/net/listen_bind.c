/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding addresses, on the main thread before privileges are dropped.  Accepting is listener.c.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/listener.h"

static enum weir_status refuse(const char **why, const char *what)
{
    *why = what;
    return WEIR_REFUSED;
}

static enum weir_status bind_failed(const char **why)
{
    switch (errno) {
    case EADDRINUSE:
        return refuse(why, "another program listens on this address");
    case EACCES:
    case EPERM:
        return refuse(why, "it takes more privileges to listen on this address");
    case EADDRNOTAVAIL:
        return refuse(why, "this machine has no such address");
    }
    *why = "the system would not bind the address";
    return WEIR_SYS;
}

static int new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool set(int fd, int level, int name, int on)
{
    return setsockopt(fd, level, name, &on, sizeof on) == 0;
}

/* Does anybody answer on the socket file?  A full backlog (EAGAIN) is an answer, too. */
static bool unix_is_live(const struct net_addr *a)
{
    int fd = new_socket(AF_UNIX);
    bool live = fd != -1 && (connect(fd, &a->u.sa, a->len) == 0 || errno == EAGAIN);

    if (fd != -1)
        (void)close(fd);
    return live;
}

static enum weir_status clear_unix_path(const struct net_addr *a, const char **why)
{
    struct stat st;

    if (lstat(a->u.un.sun_path, &st) == -1)
        return WEIR_OK; /* nothing there; bind says what else is wrong */
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return refuse(why, "a file that is not a socket has this name");
    }
    if (unix_is_live(a)) {
        errno = EADDRINUSE;
        return refuse(why, "another program listens on this path");
    }
    if (unlink(a->u.un.sun_path) == -1 && errno != ENOENT)
        return refuse(why, "the dead socket file of this name cannot be removed");
    return WEIR_OK;
}

/*
 * The mode goes to the socket before it gets a name: it is never more open than asked, and nothing
 * is done by path afterwards, which in a folder of somebody else's could by then name another file.
 */
static enum weir_status bind_unix(int fd, const struct net_addr *a, unsigned mode, const char **why)
{
    enum weir_status st = clear_unix_path(a, why);
    mode_t mask;
    bool bound;
    int saved;

    if (st != WEIR_OK)
        return st;
    if (fchmod(fd, (mode_t)mode) == -1)
        return bind_failed(why);
    mask = umask(0);
    bound = bind(fd, &a->u.sa, a->len) == 0;
    saved = errno;
    (void)umask(mask);
    errno = saved;
    return bound ? WEIR_OK : bind_failed(why);
}

/* IPV6_V6ONLY is set in either case: its default is the machine's (net.ipv6.bindv6only). */
static enum weir_status bind_inet(int fd, const struct net_addr *a, unsigned how, const char **why)
{
    bool ok = set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set(fd, IPPROTO_TCP, TCP_NODELAY, 1);

    if (a->u.sa.sa_family == AF_INET6)
        ok = ok && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, (how & LISTEN_IPV6_ONLY) != 0);
    if ((how & LISTEN_SHARED) != 0)
        ok = ok && set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!ok || bind(fd, &a->u.sa, a->len) == -1)
        return bind_failed(why);
    return WEIR_OK;
}

enum weir_status listen_bind(const struct net_addr *a, int backlog, unsigned how, unsigned mode,
                             int *out, const char **why)
{
    int fd = new_socket(a->u.sa.sa_family), saved;
    enum weir_status st;

    if (fd == -1) {
        *why = "the system has no socket to give";
        return WEIR_SYS;
    }
    st = a->u.sa.sa_family == AF_UNIX ? bind_unix(fd, a, mode, why) : bind_inet(fd, a, how, why);
    if (st == WEIR_OK && listen(fd, backlog) == -1)
        st = bind_failed(why);
    if (st == WEIR_OK) {
        *out = fd;
        fd = -1; /* the caller's */
    }
    saved = errno;
    if (fd != -1)
        (void)close(fd);
    errno = saved;
    return st;
}

/* Two programs of one user share an address by SO_REUSEPORT without a word: look without it. */
enum weir_status listen_probe(const struct net_addr *a, unsigned how, const char **why)
{
    enum weir_status st = WEIR_OK;
    int fd, saved;

    if (a->u.sa.sa_family == AF_UNIX)
        return unix_is_live(a) ? refuse(why, "another program listens on this path") : WEIR_OK;
    fd = new_socket(a->u.sa.sa_family);
    if (fd == -1) {
        *why = "the system has no socket to give";
        return WEIR_SYS;
    }
    st = bind_inet(fd, a, how & ~(unsigned)LISTEN_SHARED, why);
    saved = errno;
    (void)close(fd);
    errno = saved;
    return st;
}
