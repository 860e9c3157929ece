/* SPDX-License-Identifier: Apache-2.0 */
/* How Redis is reached: URL, password, TLS; the shared secret.  Reads files; main or control
 * thread. */
#include "weir/fleet/means.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/assert.h"
#include "weir/base/read_whole.h"
#include "weir/base/slice.h"
#include "weir/net/addr.h"
#include "weir/net/tls.h"

enum { PORT_DEFAULT = 6379, PORT_SENTINEL = 26379 };

static const char *or_null(const char *s)
{
    return s[0] == '\0' ? NULL : s;
}

/* "host[:port]" by the same rules as an upstream's; a port that is left out is Redis's. */
static bool take_host(struct fleet_means *m, struct slice s, uint16_t port, const char **why)
{
    bool has_port = s.len > 0 && memrchr(s.p, ':', s.len) != NULL && s.p[s.len - 1] != ']';
    struct fleet_host *h = &m->hosts[m->n_hosts];
    char text[320];
    struct net_url url;

    (void)snprintf(text, sizeof text, "http://%.*s", (int)s.len, s.p);
    if (m->n_hosts == FLEET_HOSTS_MAX) {
        *why = "there are more than 8 hosts";
        return false;
    }
    if (net_url_parse(slice_str(text), &url, why) != WEIR_OK)
        return false;
    (void)snprintf(h->name, sizeof h->name, "%s", url.host);
    h->port = has_port ? url.port : port;
    m->n_hosts++;
    return true;
}

static bool take_hosts(struct fleet_means *m, struct slice s, uint16_t port, const char **why)
{
    for (;;) {
        const char *comma = s.len == 0 ? NULL : memchr(s.p, ',', s.len);
        size_t n = comma == NULL ? s.len : (size_t)(comma - s.p);

        if (!take_host(m, slice_of(s.p, n), port, why))
            return false;
        if (comma == NULL)
            return true;
        s = slice_from(s, n + 1);
    }
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

static struct slice up_to_slash(struct slice *s)
{
    const char *slash = s->len == 0 ? NULL : memchr(s->p, '/', s->len);
    struct slice front = slash == NULL ? *s : slice_of(s->p, (size_t)(slash - s->p));

    *s = slice_from(*s, slash == NULL ? s->len : front.len + 1);
    return front;
}

static void put(char *to, size_t room, struct slice s)
{
    (void)snprintf(to, room, "%.*s", (int)s.len, s.len == 0 ? "" : s.p);
}

static bool take_url(struct fleet_means *m, const char *url, const char **why)
{
    const char *scheme = strstr(url, "://"), *at;
    bool cluster = scheme != NULL && strstr(url, "+cluster://") != NULL;
    bool sentinel = scheme != NULL && strstr(url, "+sentinel://") != NULL;
    struct slice s, hosts;

    if (scheme == NULL) {
        m->unix_path = true;
        m->n_hosts = 1;
        put(m->hosts[0].name, sizeof m->hosts[0].name, slice_str(url + sizeof "unix:" - 1));
        return true;
    }
    s = slice_str(scheme + 3);
    at = strrchr(s.p, '@');
    put(m->user, sizeof m->user, at == NULL ? SLICE_NONE : slice_of(s.p, (size_t)(at - s.p)));
    s = slice_from(s, at == NULL ? 0 : (size_t)(at - s.p) + 1);
    hosts = up_to_slash(&s);
    if (sentinel)
        put(m->master, sizeof m->master, up_to_slash(&s));
    m->cluster = cluster;
    put(m->database, sizeof m->database, cluster ? SLICE_NONE : s);
    if (!take_hosts(m, hosts, sentinel ? PORT_SENTINEL : PORT_DEFAULT, why))
        return false;
    for (size_t i = 0; i < m->n_hosts; i++)
        m->in_clear = m->in_clear || !is_loopback(m->hosts[i].name);
    m->in_clear = m->in_clear && strncmp(url, "rediss", 6) != 0;
    return true;
}

/* What the file says, without the end of its line, which a program may have put there. */
static bool read_secret(const char *path, const char *setting, size_t least, char *text,
                        size_t text_room, size_t *len, char *why, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool read = fd != -1 && read_whole(fd, text, text_room, len);

    if (!read)
        (void)snprintf(why, room, "%s \"%s\": %s", setting, path, strerror(errno));
    if (fd != -1)
        (void)close(fd);
    while (read && *len > least && (text[*len - 1] == '\n' || text[*len - 1] == '\r'))
        --*len;
    return read;
}

/* The first line of the file. */
static bool take_password(struct fleet_means *m, const char *path, char *why, size_t room)
{
    char text[FLEET_PASSWORD_MAX + 2];
    size_t len = 0;
    bool read = read_secret(path, "fleet.password_file", 0, text, sizeof text, &len, why, room);

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

/* The first half is the key under which all of it is hashed. */
static struct hash_key secret_of(struct slice s)
{
    struct hash_key first, out;

    memcpy(&first, s.p, sizeof first);
    out.k0 = hash_keyed(first, s);
    first.k0 = ~first.k0;
    out.k1 = hash_keyed(first, s);
    explicit_bzero(&first, sizeof first);
    return out;
}

static bool take_secret(struct fleet_means *m, const char *path, char *why, size_t room)
{
    char text[FLEET_PASSWORD_MAX + 2];
    size_t len = 0;
    bool read = read_secret(path, "fleet.secret_file", FLEET_SECRET_MIN, text, sizeof text, &len,
                            why, room);

    if (read && (len < FLEET_SECRET_MIN || len > FLEET_PASSWORD_MAX)) {
        (void)snprintf(why, room, "fleet.secret_file \"%s\": %d to %d bytes are wanted", path,
                       FLEET_SECRET_MIN, FLEET_PASSWORD_MAX);
        read = false;
    }
    if (read) {
        m->secret = secret_of(slice_of(text, len));
        m->has_secret = true;
    }
    explicit_bzero(text, sizeof text);
    return read;
}

struct hash_key fleet_means_key(const struct fleet_means *m, const char *purpose)
{
    struct hash_key other = {~m->secret.k0, m->secret.k1};

    WEIR_ASSERT(m->has_secret);
    return (struct hash_key){hash_keyed(m->secret, slice_str(purpose)),
                             hash_keyed(other, slice_str(purpose))};
}

static bool take_tls(struct fleet_means *m, const struct fleet_conf *c, char *why, size_t room)
{
    const struct tls_client_conf tc = {
        .ca = or_null(c->ca),
        .server_name = c->server_name[0] != '\0' ? c->server_name : m->hosts[0].name,
        .verify = c->verify,
        .certificate = or_null(c->certificate),
        .key = or_null(c->key),
    };

    bool tls = strncmp(c->redis, "rediss", 6) == 0;

    if (tls)
        m->tls = tls_client_create(&tc, why, room);
    return !tls || m->tls != NULL;
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
        (c->secret_file[0] != '\0' && !take_secret(m, c->secret_file, why, room)) ||
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
    explicit_bzero(&m->secret, sizeof m->secret);
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
           a->verify == b->verify && am->secret.k0 == bm->secret.k0 &&
           am->secret.k1 == bm->secret.k1;
}
