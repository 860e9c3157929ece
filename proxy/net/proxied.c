/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol: a line of text in version 1, a binary header in version 2. */
#include "weir/net/proxied.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/text.h"

enum {
    LINE_MAX = PROXIED_WRITTEN_MAX, /* of version 1, with CR LF (2.1) */
    FIXED = 16, /* of version 2: signature, version and command, family, length */
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    TCP4 = 0x11,
    TCP6 = 0x21,
    UNIX_STREAM = 0x31,
    TCP4_LEN = 12,
    TCP6_LEN = 36,
    UNIX_LEN = 216
};

static const struct slice signature = {"\r\n\r\n\0\r\nQUIT\n", 12};

/* Does `in` begin as `start` does, as far as it goes? */
static bool begins_as(struct slice in, struct slice start)
{
    size_t n = in.len < start.len ? in.len : start.len;

    return n == 0 || memcmp(in.p, start.p, n) == 0;
}

/* --- version 1 */

/* The word up to the next space, which is taken, too; empty: there is none. */
static struct slice next_word(struct slice *line)
{
    const char *space = line->len == 0 ? NULL : memchr(line->p, ' ', line->len);
    size_t n = space == NULL ? line->len : (size_t)(space - line->p);
    struct slice word = slice_of(line->p, n);

    *line = slice_from(*line, space == NULL ? n : n + 1);
    return word;
}

static enum weir_status port_read(struct slice word, uint16_t *port)
{
    uint64_t n;

    if (word.len == 0 || word.len > 5 || (word.len > 1 && word.p[0] == '0') ||
        parse_u64(word, UINT16_MAX, &n) != WEIR_OK)
        return WEIR_BAD;
    *port = (uint16_t)n;
    return WEIR_OK;
}

static enum weir_status line_read(struct slice line, struct proxied *out)
{
    struct slice family = next_word(&line), source, to;
    uint16_t from_port, to_port;
    struct net_addr ignored;
    int want;

    if (slice_eq(family, SLICE_LIT("UNKNOWN")))
        return WEIR_OK; /* whatever follows is to be ignored (2.1) */
    want = slice_eq(family, SLICE_LIT("TCP4"))   ? AF_INET
           : slice_eq(family, SLICE_LIT("TCP6")) ? AF_INET6
                                                 : AF_UNSPEC;
    source = next_word(&line);
    to = next_word(&line);
    if (want == AF_UNSPEC || port_read(next_word(&line), &from_port) != WEIR_OK ||
        port_read(line, &to_port) != WEIR_OK ||
        net_addr_make(source, from_port, &out->client) != WEIR_OK ||
        net_addr_make(to, to_port, &ignored) != WEIR_OK || out->client.u.sa.sa_family != want ||
        ignored.u.sa.sa_family != want)
        return WEIR_BAD;
    out->named = true;
    return WEIR_OK;
}

static enum weir_status read_text(struct slice in, struct proxied *out, size_t *used)
{
    static const struct slice start = {"PROXY ", 6};
    size_t look = in.len < LINE_MAX ? in.len : LINE_MAX;
    const char *lf = memchr(in.p, '\n', look);
    enum weir_status rc;

    if (!begins_as(in, start))
        return WEIR_BAD;
    if (lf == NULL)
        return in.len < LINE_MAX ? WEIR_AGAIN : WEIR_BAD;
    look = (size_t)(lf - in.p) + 1;
    if (look < start.len + 2 || lf[-1] != '\r')
        return WEIR_BAD;
    rc = line_read(slice_of(in.p + start.len, look - start.len - 2), out);
    if (rc == WEIR_OK)
        *used = look;
    return rc;
}

/* --- version 2 */

static void set_v4(struct net_addr *a, const char *address, const char *port)
{
    *a = (struct net_addr){.len = sizeof a->u.in};
    a->u.in.sin_family = AF_INET;
    memcpy(&a->u.in.sin_addr, address, 4);
    memcpy(&a->u.in.sin_port, port, 2);
}

static void set_v6(struct net_addr *a, const char *address, const char *port)
{
    *a = (struct net_addr){.len = sizeof a->u.in6};
    a->u.in6.sin6_family = AF_INET6;
    memcpy(&a->u.in6.sin6_addr, address, 16);
    memcpy(&a->u.in6.sin6_port, port, 2);
    net_addr_unmap(a);
}

static enum weir_status addresses_read(unsigned family, struct slice rest, struct proxied *out)
{
    switch (family) {
    case 0: /* unspecified: the peer is what there is to know */
        return WEIR_OK;
    case TCP4:
        if (rest.len < TCP4_LEN)
            return WEIR_BAD;
        set_v4(&out->client, rest.p, rest.p + 8);
        out->named = true;
        return WEIR_OK;
    case TCP6:
        if (rest.len < TCP6_LEN)
            return WEIR_BAD;
        set_v6(&out->client, rest.p, rest.p + 32);
        out->named = true;
        return WEIR_OK;
    case UNIX_STREAM:
        return rest.len < UNIX_LEN ? WEIR_BAD : WEIR_OK;
    }
    return WEIR_BAD;
}

static enum weir_status read_binary(struct slice in, struct proxied *out, size_t *used)
{
    unsigned char fixed[FIXED];
    enum weir_status rc;
    size_t len;

    if (in.len > signature.len && (unsigned char)in.p[12] != COMMAND_LOCAL &&
        (unsigned char)in.p[12] != COMMAND_PROXY)
        return WEIR_BAD;
    if (in.len < FIXED)
        return WEIR_AGAIN;
    memcpy(fixed, in.p, FIXED);
    len = FIXED + ((size_t)fixed[14] << 8 | fixed[15]);
    if (len > PROXIED_MAX)
        return WEIR_BAD;
    if (in.len < len)
        return WEIR_AGAIN;
    rc = fixed[12] == COMMAND_LOCAL
             ? WEIR_OK
             : addresses_read(fixed[13], slice_of(in.p + FIXED, len - FIXED), out);
    if (rc == WEIR_OK)
        *used = len;
    return rc;
}

enum weir_status proxied_read(struct slice in, struct proxied *out, size_t *used)
{
    *out = (struct proxied){0};
    if (in.len == 0)
        return WEIR_AGAIN;
    if (begins_as(in, signature))
        return read_binary(in, out, used);
    return read_text(in, out, used);
}

/* --- writing */

static bool is_ip(const struct net_addr *a)
{
    return a->u.sa.sa_family == AF_INET || a->u.sa.sa_family == AF_INET6;
}

static uint16_t port_of(const struct net_addr *a)
{
    if (!is_ip(a))
        return 0;
    return ntohs(a->u.sa.sa_family == AF_INET ? a->u.in.sin_port : a->u.in6.sin6_port);
}

/* `at` in the family of the client: itself, or no address in particular with its port. */
static struct net_addr destination(const struct net_addr *client, struct net_addr at)
{
    struct net_addr none = {.len = client->len};

    net_addr_unmap(&at);
    if (at.u.sa.sa_family == client->u.sa.sa_family)
        return at;
    none.u.sa.sa_family = client->u.sa.sa_family;
    if (none.u.sa.sa_family == AF_INET)
        none.u.in.sin_port = htons(port_of(&at));
    else
        none.u.in6.sin6_port = htons(port_of(&at));
    return none;
}

static void write_text(struct text *t, const struct net_addr *client, const struct net_addr *at)
{
    char host[NET_ADDR_TEXT_MAX];

    text_str(t, client->u.sa.sa_family == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ");
    net_addr_format_host(client, host);
    text_str(t, host);
    net_addr_format_host(at, host);
    text_printf(t, " %s %u %u\r\n", host, port_of(client), port_of(at));
}

static void put_bytes(struct text *t, const void *from, size_t n)
{
    text_put(t, slice_of(from, n));
}

static void put_number(struct text *t, uint16_t n)
{
    text_char(t, (char)(n >> 8));
    text_char(t, (char)(n & 0xff));
}

static void write_fixed(struct text *t, int command, int family, uint16_t len)
{
    text_put(t, signature);
    text_char(t, (char)command);
    text_char(t, (char)family);
    put_number(t, len);
}

static void write_binary(struct text *t, const struct net_addr *client, const struct net_addr *at)
{
    if (client->u.sa.sa_family == AF_INET) {
        write_fixed(t, COMMAND_PROXY, TCP4, TCP4_LEN);
        put_bytes(t, &client->u.in.sin_addr, 4);
        put_bytes(t, &at->u.in.sin_addr, 4);
    } else {
        write_fixed(t, COMMAND_PROXY, TCP6, TCP6_LEN);
        put_bytes(t, &client->u.in6.sin6_addr, 16);
        put_bytes(t, &at->u.in6.sin6_addr, 16);
    }
    put_number(t, port_of(client));
    put_number(t, port_of(at));
}

size_t proxied_write(int version, const struct net_addr *client, const struct net_addr *at,
                     char to[PROXIED_WRITTEN_MAX])
{
    char mem[PROXIED_WRITTEN_MAX + 1]; /* with the NUL that text ends in */
    struct net_addr from = {0}, dest;
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (client != NULL)
        from = *client;
    net_addr_unmap(&from);
    if (is_ip(&from)) {
        dest = destination(&from, *at);
        if (version == 1)
            write_text(&t, &from, &dest);
        else
            write_binary(&t, &from, &dest);
    } else if (version == 1) {
        text_str(&t, "PROXY UNKNOWN\r\n");
    } else {
        write_fixed(&t, COMMAND_LOCAL, 0, 0);
    }
    WEIR_ASSERT(!t.full);
    memcpy(to, mem, t.len);
    return t.len;
}
