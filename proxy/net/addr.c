/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as people write them.  Pure; names are the resolver's. */
#include "weir/net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "weir/base/assert.h"
#include "weir/base/text.h"

/* A NUL-terminated copy for inet_pton, which knows no lengths. */
static bool copy_text(struct slice s, char *to, size_t room)
{
    if (s.len == 0 || s.len >= room || memchr(s.p, '\0', s.len) != NULL)
        return false;
    memcpy(to, s.p, s.len);
    to[s.len] = '\0';
    return true;
}

static enum weir_status parse_port(struct slice s, uint16_t *port)
{
    uint64_t n;

    if (s.len > 5 || parse_u64(s, UINT16_MAX, &n) != WEIR_OK)
        return WEIR_BAD;
    *port = (uint16_t)n;
    return WEIR_OK;
}

static enum weir_status parse_unix(struct slice path, struct net_addr *out)
{
    struct net_addr a = {.u.un.sun_family = AF_UNIX};

    if (!slice_starts(path, SLICE_LIT("/")) ||
        !copy_text(path, a.u.un.sun_path, sizeof a.u.un.sun_path))
        return WEIR_BAD;
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    *out = a;
    return WEIR_OK;
}

enum weir_status net_addr_make(struct slice host, uint16_t port, struct net_addr *out)
{
    struct net_addr a = {0};
    char text[INET6_ADDRSTRLEN];

    if (!copy_text(host, text, sizeof text))
        return WEIR_BAD;
    if (inet_pton(AF_INET, text, &a.u.in.sin_addr) == 1) {
        a.u.in.sin_family = AF_INET;
        a.u.in.sin_port = htons(port);
        a.len = sizeof a.u.in;
    } else if (inet_pton(AF_INET6, text, &a.u.in6.sin6_addr) == 1) {
        a.u.in6.sin6_family = AF_INET6;
        a.u.in6.sin6_port = htons(port);
        a.len = sizeof a.u.in6;
    } else {
        return WEIR_BAD;
    }
    *out = a;
    return WEIR_OK;
}

/* Splits "host:port" at the last colon; brackets around IPv6 are demanded and taken off. */
static bool split_port(struct slice s, struct slice *host, struct slice *port)
{
    const char *colon = s.len == 0 ? NULL : memrchr(s.p, ':', s.len);

    if (colon == NULL)
        return false;
    *host = slice_of(s.p, (size_t)(colon - s.p));
    *port = slice_from(s, host->len + 1);
    if (slice_starts(*host, SLICE_LIT("[")) && slice_ends(*host, SLICE_LIT("]"))) {
        *host = slice_of(host->p + 1, host->len - 2);
        return memchr(host->p, ':', host->len) != NULL;
    }
    return host->len > 0 && memchr(host->p, ':', host->len) == NULL;
}

enum weir_status net_addr_parse(struct slice text, struct net_addr *out)
{
    struct slice host, port_text;
    uint16_t port;

    if (slice_starts(text, SLICE_LIT("unix:")))
        return parse_unix(slice_from(text, 5), out);
    if (!split_port(text, &host, &port_text) || parse_port(port_text, &port) != WEIR_OK)
        return WEIR_BAD;
    return net_addr_make(host, port, out);
}

static void format_unix(const struct net_addr *a, const char *prefix, char *out)
{
    size_t room = a->len > offsetof(struct sockaddr_un, sun_path)
                      ? a->len - offsetof(struct sockaddr_un, sun_path)
                      : 0;

    (void)snprintf(out, NET_ADDR_TEXT_MAX, "%s%.*s", prefix, (int)room, a->u.un.sun_path);
}

/* By hand: on the way of every request, where printf would be a tenth of the work. */
static char *put_byte(char *at, unsigned n)
{
    if (n >= 100)
        *at++ = (char)('0' + n / 100);
    if (n >= 10)
        *at++ = (char)('0' + n / 10 % 10);
    *at++ = (char)('0' + n % 10);
    return at;
}

static void put_v4(struct text *t, const struct sockaddr_in *in)
{
    const unsigned char *b = (const unsigned char *)&in->sin_addr;
    char digits[INET_ADDRSTRLEN], *at = put_byte(digits, b[0]);

    for (int i = 1; i < 4; i++) {
        *at++ = '.';
        at = put_byte(at, b[i]);
    }
    text_put(t, slice_of(digits, (size_t)(at - digits)));
}

void net_addr_format(const struct net_addr *a, char out[NET_ADDR_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    struct text t;

    switch (a->u.sa.sa_family) {
    case AF_INET:
        text_init(&t, out, NET_ADDR_TEXT_MAX);
        put_v4(&t, &a->u.in);
        text_char(&t, ':');
        text_u64(&t, ntohs(a->u.in.sin_port));
        return;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &a->u.in6.sin6_addr, host, sizeof host);
        (void)snprintf(out, NET_ADDR_TEXT_MAX, "[%s]:%u", host, ntohs(a->u.in6.sin6_port));
        return;
    case AF_UNIX:
        format_unix(a, "unix:", out);
        return;
    }
    (void)snprintf(out, NET_ADDR_TEXT_MAX, "unknown");
}

void net_addr_format_host(const struct net_addr *a, char out[NET_ADDR_TEXT_MAX])
{
    struct text t;

    switch (a->u.sa.sa_family) {
    case AF_INET:
        text_init(&t, out, NET_ADDR_TEXT_MAX);
        put_v4(&t, &a->u.in);
        return;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &a->u.in6.sin6_addr, out, NET_ADDR_TEXT_MAX);
        return;
    case AF_UNIX:
        (void)snprintf(out, NET_ADDR_TEXT_MAX, "unix");
        return;
    }
    (void)snprintf(out, NET_ADDR_TEXT_MAX, "unknown");
}

void net_addr_unmap(struct net_addr *a)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (a->u.sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
        return;
    in.sin_port = a->u.in6.sin6_port;
    memcpy(&in.sin_addr, a->u.in6.sin6_addr.s6_addr + 12, sizeof in.sin_addr);
    *a = (struct net_addr){.u.in = in, .len = sizeof in};
}

static bool unix_equal(const struct net_addr *a, const struct net_addr *b)
{
    char x[NET_ADDR_TEXT_MAX], y[NET_ADDR_TEXT_MAX];

    format_unix(a, "", x);
    format_unix(b, "", y);
    return strcmp(x, y) == 0;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
    if (a->u.sa.sa_family != b->u.sa.sa_family)
        return false;
    switch (a->u.sa.sa_family) {
    case AF_INET:
        return a->u.in.sin_port == b->u.in.sin_port &&
               a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
    case AF_INET6:
        return a->u.in6.sin6_port == b->u.in6.sin6_port &&
               a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
               memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0;
    case AF_UNIX:
        return unix_equal(a, b);
    }
    return false;
}
