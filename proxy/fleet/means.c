/* SPDX-License-Identifier: Apache-2.0 */
/* How Redis is reached: URL, password, TLS.  Reads files; main or control thread. */
#include "weir/fleet/means.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/read_whole.h"
#include "weir/base/slice.h"
#include "weir/net/addr.h"
#include "weir/net/tls.h"

enum { PORT_DEFAULT = 6379 };

static const char *or_null(const char *s)
{
    return s[0] == '\0' ? NULL : s;
}

/* "host[:port]" by the same rules as an upstream's; a port that is left out is Redis's. */
static bool take_authority(struct fleet_means *m, struct slice s, const char **why)
{
    bool has_port = s.len > 0 && memrchr(s.p, ':', s.len) != NULL && s.p[s.len - 1] != ']';
    char text[320];
    struct net_url url;

    (void)snprintf(text, sizeof text, "http://%.*s", (int)s.len, s.p);
    if (net_url_parse(slice_str(text), &url, why) != WEIR_OK)
        return false;
    (void)snprintf(m->host, sizeof m->host, "%s", url.host);
    m->port = has_port ? url.port : PORT_DEFAULT;
    return true;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

static bool take_url(struct fleet_means *m, const char *url, const char **why)
{
    const char *scheme = strstr(url, "://");
    struct slice s, user;
    const char *at, *slash;

    if (scheme == NULL) {
        m->unix_path = true;
        (void)snprintf(m->host, sizeof m->host, "%s", url + sizeof "unix:" - 1);
        return true;
    }
    s = slice_str(scheme + 3);
    at = strrchr(s.p, '@');
    user = at == NULL ? SLICE_NONE : slice_of(s.p, (size_t)(at - s.p));
    (void)snprintf(m->user, sizeof m->user, "%.*s", (int)user.len, user.len == 0 ? "" : user.p);
    s = slice_from(s, at == NULL ? 0 : user.len + 1);
    slash = strchr(s.p, '/');
    (void)snprintf(m->database, sizeof m->database, "%.7s", slash == NULL ? "" : slash + 1);
    if (slash != NULL)
        s.len = (size_t)(slash - s.p);
    if (!take_authority(m, s, why))
        return false;
    m->in_clear = strncmp(url, "redis:", 6) == 0 && !is_loopback(m->host);
    return true;
}

/* The first line of the file. */
static bool take_password(struct fleet_means *m, const char *path, char *why, size_t room)
{
    char text[FLEET_PASSWORD_MAX + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    bool read = fd != -1 && read_whole(fd, text, sizeof text, &len);

    if (!read)
        (void)snprintf(why, room, "fleet.password_file \"%s\": %s", path, strerror(errno));
    if (fd != -1)
        (void)close(fd);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (read && (len == 0 || len > FLEET_PASSWORD_MAX || memchr(text, '\n', len) != NULL)) {
        (void)snprintf(why, room, "fleet.password_file \"%s\": one line of 1 to %d bytes is wanted",
                       path, FLEET_PASSWORD_MAX);
        read = false;
    }
    if (read) {
        memcpy(m->password, text, len);
        m->password[len] = '\0';
        m->has_password = true;
    }
    explicit_bzero(text, sizeof text);
    return read;
}

static bool take_tls(struct fleet_means *m, const struct fleet_conf *c, char *why, size_t room)
{
    const struct tls_client_conf tc = {
        .ca = or_null(c->ca),
        .server_name = c->server_name[0] != '\0' ? c->server_name : m->host,
        .verify = c->verify,
        .certificate = or_null(c->certificate),
        .key = or_null(c->key),
    };

    if (strncmp(c->redis, "rediss:", 7) == 0)
        m->tls = tls_client_create(&tc, why, room);
    return strncmp(c->redis, "rediss:", 7) != 0 || m->tls != NULL;
}

struct fleet_means *fleet_means_create(const struct fleet_conf *c, char *why, size_t room)
{
    struct fleet_means *m = calloc(1, sizeof *m);
    const char *static_why = "";

    (void)snprintf(why, room, "out of memory");
    if (m == NULL)
        return NULL;
    if (!take_url(m, c->redis, &static_why)) {
        (void)snprintf(why, room, "fleet.redis \"%s\": %s", c->redis, static_why);
        fleet_means_destroy(&m);
        return NULL;
    }
    if ((c->password_file[0] != '\0' && !take_password(m, c->password_file, why, room)) ||
        !take_tls(m, c, why, room))
        fleet_means_destroy(&m);
    return m;
}

void fleet_means_destroy(struct fleet_means **mp)
{
    struct fleet_means *m = *mp;

    *mp = NULL;
    if (m == NULL)
        return;
    tls_client_release(&m->tls);
    explicit_bzero(m->password, sizeof m->password);
    free(m);
}

bool fleet_means_equal(const struct fleet_conf *a, const struct fleet_means *am,
                       const struct fleet_conf *b, const struct fleet_means *bm)
{
    if (am == NULL || bm == NULL)
        return am == bm;
    return strcmp(a->redis, b->redis) == 0 && strcmp(am->password, bm->password) == 0 &&
           strcmp(a->ca, b->ca) == 0 && strcmp(a->server_name, b->server_name) == 0 &&
           strcmp(a->certificate, b->certificate) == 0 && strcmp(a->key, b->key) == 0 &&
           a->verify == b->verify;
}
