/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, numbers, addresses and words as they are typed.  Pure but for name resolution. */
#include "bench/common/units.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "weir/base/clock.h"

enum { NUMBER_MAX = 40 };

/* The number at the front of s; *rest is what follows it. */
static enum weir_status number_prefix(struct slice s, double *out, struct slice *rest)
{
    char digits[NUMBER_MAX];
    size_t n = 0;
    char *end;

    while (n < s.len && n < sizeof digits - 1 &&
           ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
        n++;
    if (n == 0)
        return WEIR_BAD;
    memcpy(digits, s.p, n);
    digits[n] = '\0';
    *out = strtod(digits, &end);
    if (*end != '\0' || end == digits || !isfinite(*out))
        return WEIR_BAD;
    *rest = slice_from(s, n);
    return WEIR_OK;
}

enum weir_status duration_parse(struct slice s, uint64_t *ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    struct slice rest;
    double n;

    if (number_prefix(s, &n, &rest) != WEIR_OK)
        return WEIR_BAD;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!slice_eq(rest, slice_str(units[i].unit)))
            continue;
        if (n * units[i].ns > 1e18)
            return WEIR_BAD;
        *ns = (uint64_t)llround(n * units[i].ns);
        return WEIR_OK;
    }
    return WEIR_BAD;
}

enum weir_status real_parse(struct slice s, double *out)
{
    struct slice rest;
    double n;

    if (number_prefix(s, &n, &rest) != WEIR_OK)
        return WEIR_BAD;
    if (slice_eq(rest, SLICE_LIT("%")))
        n /= 100;
    else if (rest.len != 0)
        return WEIR_BAD;
    *out = n;
    return WEIR_OK;
}

static enum weir_status unix_address(struct slice path, struct address *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;

    if (path.len == 0 || path.len >= sizeof un->sun_path)
        return WEIR_BAD;
    memset(&out->sa, 0, sizeof out->sa);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.p, path.len);
    out->len = (socklen_t)sizeof *un;
    return WEIR_OK;
}

/* Splits "host:port" and "[v6]:port" into two terminated strings. */
static enum weir_status host_and_port(struct slice s, char host[256], char port[8])
{
    size_t colon = s.len;
    struct slice h, p;

    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return WEIR_BAD;
    h = slice_of(s.p, colon - 1);
    p = slice_from(s, colon);
    if (h.len > 2 && h.p[0] == '[' && h.p[h.len - 1] == ']')
        h = slice_of(h.p + 1, h.len - 2);
    if (h.len == 0 || h.len > 255 || p.len == 0 || p.len > 5 || strspn(p.p, "0123456789") < p.len)
        return WEIR_BAD;
    (void)snprintf(host, 256, "%.*s", (int)h.len, h.p);
    (void)snprintf(port, 8, "%.*s", (int)p.len, p.p);
    return WEIR_OK;
}

enum weir_status address_parse(struct slice s, struct address *out)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[256], port[8];

    if (slice_starts(s, SLICE_LIT("unix:")))
        return unix_address(slice_from(s, 5), out);
    if (host_and_port(s, host, port) != WEIR_OK || atoi(port) > 65535)
        return WEIR_BAD;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return WEIR_DNS;
    memset(&out->sa, 0, sizeof out->sa);
    memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return WEIR_OK;
}

struct slice next_word(struct slice *s)
{
    size_t n = 0;

    while (s->len > 0 && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == '\n' || s->p[0] == '\r'))
        *s = slice_from(*s, 1);
    while (n < s->len && s->p[n] != ' ' && s->p[n] != '\t' && s->p[n] != '\n' && s->p[n] != '\r')
        n++;
    struct slice word = slice_of(s->p, n);
    *s = slice_from(*s, n);
    return word;
}

struct slice next_part(struct slice *s, char sep)
{
    const char *at = s->len == 0 ? NULL : memchr(s->p, sep, s->len);
    size_t n = at == NULL ? s->len : (size_t)(at - s->p);
    struct slice part = slice_trim(slice_of(s->p, n));

    *s = slice_from(*s, at == NULL ? n : n + 1);
    return part;
}
