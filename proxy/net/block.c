/* SPDX-License-Identifier: Apache-2.0 */
/* CIDR blocks, for `trusted`.  Pure. */
#include <arpa/inet.h>

#include "weir/base/text.h"
#include "weir/net/addr.h"

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Bits after the prefix are cleared, so that "10.0.0.1/8" means what it says. */
static void clear_host_bits(struct net_block *b)
{
    for (int i = 0; i < 16; i++) {
        int keep = b->bits - 8 * i;

        if (keep <= 0)
            b->bytes[i] = 0;
        else if (keep < 8)
            b->bytes[i] = (uint8_t)(b->bytes[i] & (0xff << (8 - keep)));
    }
}

enum weir_status net_block_parse(struct slice text, struct net_block *out)
{
    const char *slash = text.len == 0 ? NULL : memchr(text.p, '/', text.len);
    struct slice host = slash == NULL ? text : slice_of(text.p, (size_t)(slash - text.p));
    struct net_block b = {0};
    struct net_addr a;
    uint64_t bits, most;

    if (net_addr_make(host, 0, &a) != WEIR_OK)
        return WEIR_BAD;
    b.family = a.u.sa.sa_family;
    most = bits = b.family == AF_INET ? 32 : 128;
    if (slash != NULL) {
        struct slice digits = slice_from(text, host.len + 1);

        if (digits.len > 3 || parse_u64(digits, most, &bits) != WEIR_OK)
            return WEIR_BAD;
    }
    if (b.family == AF_INET)
        memcpy(b.bytes, &a.u.in.sin_addr, 4);
    else
        memcpy(b.bytes, &a.u.in6.sin6_addr, 16);
    b.bits = (int)bits;
    clear_host_bits(&b);
    *out = b;
    return WEIR_OK;
}

/* The address's bytes as seen by a block of that family, NULL if it cannot be in one. */
static const uint8_t *bytes_for(const struct net_addr *a, int family)
{
    const uint8_t *six = (const uint8_t *)&a->u.in6.sin6_addr;

    if (a->u.sa.sa_family == AF_INET)
        return family == AF_INET ? (const uint8_t *)&a->u.in.sin_addr : NULL;
    if (a->u.sa.sa_family != AF_INET6)
        return NULL;
    if (family == AF_INET6)
        return six;
    return memcmp(six, v4_mapped, sizeof v4_mapped) == 0 ? six + sizeof v4_mapped : NULL;
}

bool net_block_holds(const struct net_block *b, const struct net_addr *a)
{
    const uint8_t *bytes = bytes_for(a, b->family);
    int whole = b->bits / 8, rest = b->bits % 8;

    if (bytes == NULL || memcmp(bytes, b->bytes, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ b->bytes[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}
