/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/pack.h"

#include <string.h>

#include "weir/base/le.h"

void pack_bytes(struct packer *p, const void *bytes, size_t n)
{
    p->ok = p->ok && buf_append(p->b, slice_of(bytes, n), p->max) == WEIR_OK;
}

void pack_number(struct packer *p, uint64_t x, size_t bytes)
{
    unsigned char at[8];

    le_put(at, x, bytes);
    pack_bytes(p, at, bytes);
}

void pack_numbers(struct packer *p, const uint64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pack_number(p, x[i], 8);
}

void pack_real(struct packer *p, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    pack_number(p, bits, 8);
}

void pack_text(struct packer *p, const char *s)
{
    size_t n = strlen(s) < UINT16_MAX ? strlen(s) : UINT16_MAX;

    pack_number(p, n, 2);
    pack_bytes(p, s, n);
}

struct slice unpack_bytes(struct unpacker *u, size_t n)
{
    struct slice s;

    if (u->bad || n > u->rest.len) {
        u->bad = true;
        return SLICE_NONE;
    }
    s = slice_of(u->rest.p, n);
    u->rest = slice_of(u->rest.p + n, u->rest.len - n);
    return s;
}

uint64_t unpack_number(struct unpacker *u, size_t bytes)
{
    struct slice s = unpack_bytes(u, bytes);

    return s.len == 0 ? 0 : le_get(s.p, bytes);
}

uint64_t unpack_at_most(struct unpacker *u, size_t bytes, uint64_t max)
{
    uint64_t x = unpack_number(u, bytes);

    u->bad = u->bad || x > max;
    return u->bad ? 0 : x;
}

void unpack_numbers(struct unpacker *u, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = unpack_number(u, 8);
}

double unpack_real(struct unpacker *u, double least, double most)
{
    uint64_t bits = unpack_number(u, 8);
    double x;

    memcpy(&x, &bits, sizeof x);
    u->bad = u->bad || !(x >= least && x <= most);
    return u->bad ? 0 : x;
}

struct slice unpack_text(struct unpacker *u)
{
    return unpack_bytes(u, (size_t)unpack_number(u, 2));
}

void unpack_string(struct unpacker *u, char *out, size_t room)
{
    struct slice s = unpack_text(u);

    out[0] = '\0';
    u->bad = u->bad || s.len >= room || (s.len > 0 && memchr(s.p, '\0', s.len) != NULL);
    if (u->bad || s.len == 0)
        return;
    memcpy(out, s.p, s.len);
    out[s.len] = '\0';
}
