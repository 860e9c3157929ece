/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of upstreams.  Pure. */
#include <arpa/inet.h>

#include "weir/base/text.h"
#include "weir/net/addr.h"

static enum weir_status bad(const char **why, const char *what)
{
    *why = what;
    return WEIR_BAD;
}

static bool starts_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq_nocase(slice_of(s.p, prefix.len), prefix);
}

static enum weir_status parse_unix_url(struct slice path, struct net_url *u, const char **why)
{
    struct net_addr a;

    if (!slice_starts(path, SLICE_LIT("/")))
        return bad(why, "the path of a unix socket must be absolute (unix:/path)");
    if (path.len >= sizeof a.u.un.sun_path)
        return bad(why, "the path of the unix socket is too long (107 bytes at most)");
    if (memchr(path.p, '\0', path.len) != NULL)
        return bad(why, "the path of the unix socket has a NUL in it");
    memcpy(u->host, path.p, path.len);
    u->unix_path = true;
    u->port = 0;
    return WEIR_OK;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_name(struct slice s)
{
    if (s.len == 0 || s.len > 253 || s.p[0] == '.' || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_name_char(s.p[i]))
            return false;
    }
    return true;
}

/* "host", "host:", "[v6]" and so on: takes the host, leaves what follows in *rest. */
static enum weir_status take_host(struct slice s, struct net_url *u, struct slice *rest,
                                  const char **why)
{
    const char *end;
    struct slice host;
    struct in6_addr six;

    if (slice_starts(s, SLICE_LIT("["))) {
        end = memchr(s.p, ']', s.len);
        if (end == NULL || end - s.p - 1 >= (long)sizeof u->host)
            return bad(why, "the IPv6 address lacks its closing bracket");
        memcpy(u->host, s.p + 1, (size_t)(end - s.p - 1));
        if (inet_pton(AF_INET6, u->host, &six) != 1)
            return bad(why, "what stands in the brackets is not an IPv6 address");
        *rest = slice_from(s, (size_t)(end - s.p) + 1);
        return WEIR_OK;
    }
    end = s.len == 0 ? NULL : memchr(s.p, ':', s.len);
    host = end == NULL ? s : slice_of(s.p, (size_t)(end - s.p));
    if (!is_name(host))
        return bad(why, "the host is not a name or an address (IPv6 needs brackets)");
    memcpy(u->host, host.p, host.len);
    *rest = slice_from(s, host.len);
    return WEIR_OK;
}

static enum weir_status take_port(struct slice s, struct net_url *u, const char **why)
{
    uint64_t port;

    if (s.len == 0) {
        u->port = u->tls ? 443 : 80;
        return WEIR_OK;
    }
    if (s.p[0] != ':' || s.len > 6 || parse_u64(slice_from(s, 1), UINT16_MAX, &port) != WEIR_OK ||
        port == 0)
        return bad(why, "the port must be a number from 1 to 65535");
    u->port = (uint16_t)port;
    return WEIR_OK;
}

static enum weir_status parse_authority(struct slice s, struct net_url *u, const char **why)
{
    struct slice rest;
    enum weir_status st;

    if (slice_ends(s, SLICE_LIT("/")))
        s.len--;
    if (s.len > 0 && (memchr(s.p, '/', s.len) != NULL || memchr(s.p, '?', s.len) != NULL ||
                      memchr(s.p, '#', s.len) != NULL))
        return bad(why, "it must end after the host and port (requests keep their own path)");
    if (s.len > 0 && memchr(s.p, '@', s.len) != NULL)
        return bad(why, "it must not hold a user or password");
    st = take_host(s, u, &rest, why);
    return st == WEIR_OK ? take_port(rest, u, why) : st;
}

enum weir_status net_url_parse(struct slice text, struct net_url *out, const char **why)
{
    struct net_url u = {0};
    enum weir_status st;

    if (starts_nocase(text, SLICE_LIT("http://"))) {
        st = parse_authority(slice_from(text, 7), &u, why);
    } else if (starts_nocase(text, SLICE_LIT("https://"))) {
        u.tls = true;
        st = parse_authority(slice_from(text, 8), &u, why);
    } else if (slice_starts(text, SLICE_LIT("unix:"))) {
        st = parse_unix_url(slice_from(text, 5), &u, why);
    } else {
        return bad(why, "it must begin with http://, https:// or unix:/");
    }
    if (st == WEIR_OK)
        *out = u;
    return st;
}
