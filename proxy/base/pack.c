/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/pack.h"

#include <string.h>

#include "weir/base/assert.h"
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

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void pack_real(struct packer *p, double x)
{
    pack_number(p, bits_of(x), 8);
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

/* --- objects */

#define REAL_MOST 1e15

static uint64_t whole_at(const void *at, size_t size)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;

    switch (size) {
    case 1:
        return memcpy(&a, at, size), a;
    case 2:
        return memcpy(&b, at, size), b;
    case 4:
        return memcpy(&c, at, size), c;
    }
    WEIR_ASSERT(size == 8);
    return memcpy(&d, at, size), d;
}

static void set_whole(void *at, size_t size, uint64_t x)
{
    uint8_t a = (uint8_t)x;
    uint16_t b = (uint16_t)x;
    uint32_t c = (uint32_t)x;

    memcpy(at, size == 1 ? (void *)&a : size == 2 ? (void *)&b : size == 4 ? (void *)&c : &x, size);
}

static double real_at(const void *at, size_t size)
{
    double x;
    float y;

    if (size == sizeof x)
        return memcpy(&x, at, size), x;
    return memcpy(&y, at, size), (double)y;
}

static void set_real(void *at, size_t size, double x)
{
    float y = (float)x;

    memcpy(at, size == sizeof x ? (void *)&x : &y, size);
}

/* Numbers that go together: many objects are written while nobody is served. */
struct gathered {
    unsigned char bytes[256];
    size_t n;
};

static void flush(struct packer *p, struct gathered *g)
{
    pack_bytes(p, g->bytes, g->n);
    g->n = 0;
}

static void gather(struct packer *p, struct gathered *g, uint64_t x, size_t size)
{
    if (g->n + size > sizeof g->bytes)
        flush(p, g);
    le_put(g->bytes + g->n, x, size);
    g->n += size;
}

void pack_object(struct packer *p, const void *object, const struct pack_row *rows, size_t n)
{
    struct gathered g;

    g.n = 0;
    for (const struct pack_row *r = rows; r < rows + n; r++) {
        const char *at = (const char *)object + r->at;

        switch (r->form) {
        case PACKED_WHOLE:
            gather(p, &g, whole_at(at, r->size), r->size);
            break;
        case PACKED_REAL:
            gather(p, &g, bits_of(real_at(at, r->size)), sizeof(double));
            break;
        case PACKED_TEXT:
            flush(p, &g);
            pack_text(p, at);
            break;
        }
    }
    flush(p, &g);
}

void unpack_object(struct unpacker *u, void *object, const struct pack_row *rows, size_t n)
{
    for (const struct pack_row *r = rows; r < rows + n; r++) {
        char *at = (char *)object + r->at;

        switch (r->form) {
        case PACKED_WHOLE:
            set_whole(at, r->size, unpack_at_most(u, r->size, r->max));
            break;
        case PACKED_REAL:
            set_real(at, r->size, unpack_real(u, 0, REAL_MOST));
            break;
        case PACKED_TEXT:
            unpack_string(u, at, r->size);
            break;
        }
    }
}
