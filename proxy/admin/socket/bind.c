/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the descriptors of socket and endpoint; main thread, before privileges are dropped. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/admin/admin.h"
#include "weir/admin/places.h"
#include "weir/base/log.h"
#include "weir/net/listener.h"

enum { BACKLOG = 128 };

/* For sentences that may be cut: what matters is in front. */
static void WEIR_PRINTF(3, 4) say(char *why, size_t room, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, room, fmt, ap);
    va_end(ap);
}

/*
 * With admin.uids others have to be able to connect: SO_PEERCRED then decides alone.  Without, the
 * file's mode keeps them out already.
 */
static unsigned socket_mode(const struct settings *s)
{
    return s->admin.n_uids > 0 ? 0666 : 0600;
}

/*
 * The user weir becomes has to own the socket (and a folder made for it).  The folder may be that
 * user's: what has the name now is opened without following a link, looked at, and given by its
 * descriptor, so that no other file can be put in its place.
 */
static void hand_over(const struct settings *s, const char *path, mode_t kind)
{
    struct stat st;
    int fd;

    const struct passwd *pw;

    if (s->user[0] == '\0' || geteuid() != 0)
        return;
    pw = getpwnam(s->user);
    if (pw == NULL)
        return;
    fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) != 0 || (st.st_mode & S_IFMT) != kind ||
        fchownat(fd, "", pw->pw_uid, pw->pw_gid, AT_EMPTY_PATH) != 0)
        log_warn("admin: %s cannot be given to user %s: %s", path, s->user, strerror(errno));
    if (fd != -1)
        (void)close(fd);
}

static bool bind_path(const struct settings *s, const char *path, struct admin_listen *out,
                      char *why, size_t room)
{
    char address[PLACE_ROOM + 8];
    struct net_addr a;
    const char *what;

    (void)snprintf(address, sizeof address, "unix:%s", path);
    if (net_addr_parse(slice_str(address), &a) != WEIR_OK) {
        say(why, room, "%s: a socket needs an absolute path of at most 107 bytes", path);
        return false;
    }
    if (listen_bind(&a, BACKLOG, 0, socket_mode(s), &out->socket_fd, &what) != WEIR_OK) {
        say(why, room, "%s: %s (%s)", path, what, strerror(errno));
        return false;
    }
    hand_over(s, path, S_IFSOCK);
    (void)snprintf(out->socket_path, sizeof out->socket_path, "%s", path);
    return true;
}

/* Makes the place's folder where weir may; a folder in a place open to others has to be ours. */
static bool prepare(const struct settings *s, const struct place *p, char *why, size_t room)
{
    if (p->make && mkdir(p->folder, p->private ? 0700 : 0755) == 0)
        hand_over(s, p->folder, S_IFDIR);
    if (p->private && !place_is_safe(p)) {
        say(why, room, "%s: not a folder of this user alone", p->folder);
        return false;
    }
    return true;
}

static enum weir_status bind_default(const struct settings *s, struct admin_listen *out, char *why,
                                     size_t room)
{
    struct place places[PLACES_MAX];
    size_t n = places_find(places);

    for (size_t i = 0; i < n; i++) {
        char reason[256];
        if (prepare(s, &places[i], reason, sizeof reason) &&
            bind_path(s, places[i].socket, out, reason, sizeof reason))
            return WEIR_OK;
        log_debug("admin: no socket at %s", reason);
        if (i == 0 || i + 1 == n)
            say(why, room, "no place for the admin socket: %s", reason);
    }
    return WEIR_REFUSED;
}

static enum weir_status bind_socket(const struct settings *s, struct admin_listen *out, char *why,
                                    size_t room)
{
    char reason[256];

    if (s->admin.socket[0] == '\0')
        return bind_default(s, out, why, room);
    if (bind_path(s, s->admin.socket, out, reason, sizeof reason))
        return WEIR_OK;
    say(why, room, "admin.socket: %s", reason);
    return WEIR_REFUSED;
}

static enum weir_status bind_http(const struct settings *s, struct admin_listen *out, char *why,
                                  size_t room)
{
    struct net_addr a;
    const char *what = "neither host:port nor [v6]:port";

    if (s->admin.http[0] == '\0')
        return WEIR_OK;
    errno = EINVAL;
    if (net_addr_parse(slice_str(s->admin.http), &a) == WEIR_OK &&
        listen_bind(&a, BACKLOG, 0, 0600, &out->http_fd, &what) == WEIR_OK)
        return WEIR_OK;
    say(why, room, "admin.http: %s: %s (%s)", s->admin.http, what, strerror(errno));
    if (!s->admin.default_http)
        return WEIR_REFUSED;
    log_warn("%s: no metrics and no live page in this run", why);
    return WEIR_OK;
}

/* The place the process before this one had, if it is one of ours. */
static bool take_socket(const struct settings *s, struct inherited *in, struct admin_listen *out)
{
    struct place places[PLACES_MAX];
    size_t n = s->admin.socket[0] == '\0' ? places_find(places) : 1;

    for (size_t i = 0; i < n && out->socket_fd == -1; i++) {
        const char *path = s->admin.socket[0] == '\0' ? places[i].socket : s->admin.socket;

        out->socket_fd = inherited_take(in, INHERITED_ADMIN_SOCKET, path);
        if (out->socket_fd != -1)
            (void)snprintf(out->socket_path, sizeof out->socket_path, "%s", path);
    }
    return out->socket_fd != -1;
}

static bool take_http(const struct settings *s, struct inherited *in, struct admin_listen *out)
{
    out->http_fd = inherited_take(in, INHERITED_ADMIN_HTTP, s->admin.http);
    return out->http_fd != -1;
}

enum weir_status admin_bind(const struct settings *s, struct inherited *in,
                            struct admin_listen *out, char *why, size_t room)
{
    struct admin_listen l = {.socket_fd = -1, .http_fd = -1};
    bool inherited = take_socket(s, in, &l);
    enum weir_status rc = inherited ? WEIR_OK : bind_socket(s, &l, why, room);

    if (rc == WEIR_OK && !take_http(s, in, &l))
        rc = bind_http(s, &l, why, room);
    l.socket_stays = inherited && out->socket_stays;
    if (rc == WEIR_OK) {
        *out = l;
        return WEIR_OK;
    }
    if (l.socket_fd != -1) {
        (void)close(l.socket_fd);
        if (!inherited)
            (void)unlink(l.socket_path);
    }
    return rc;
}
