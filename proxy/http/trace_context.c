/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent: read, written, and who is sampled.  Pure. */
#include "weir/http/trace_context.h"

#include <string.h>

/* "00-" 32 "-" 16 "-" 2 */
enum { AT_ID = 3, AT_SPAN = 36, AT_FLAGS = 53, LEN = 55 };

/* Lower-case digits alone, as the specification has it. */
static bool hex_take(struct slice s, size_t at, size_t n, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = at; i < at + n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static bool has_shape(struct slice s)
{
    if (s.len < LEN || s.p[2] != '-' || s.p[AT_SPAN - 1] != '-' || s.p[AT_FLAGS - 1] != '-')
        return false;
    return s.len == LEN || (s.p[LEN] == '-' && !slice_starts(s, SLICE_LIT("00")));
}

enum weir_status trace_context_parse(struct slice value, struct trace_context *out)
{
    struct slice s = slice_trim(value);
    struct trace_context c;
    uint64_t version, flags;

    if (!has_shape(s) || !hex_take(s, 0, 2, &version) || version == 0xff ||
        !hex_take(s, AT_ID, 16, &c.id[0]) || !hex_take(s, AT_ID + 16, 16, &c.id[1]) ||
        !hex_take(s, AT_SPAN, 16, &c.span) || !hex_take(s, AT_FLAGS, 2, &flags))
        return WEIR_BAD;
    if ((c.id[0] == 0 && c.id[1] == 0) || c.span == 0)
        return WEIR_BAD;
    c.flags = (uint8_t)(flags & (TRACE_SAMPLED | TRACE_RANDOM));
    *out = c;
    return WEIR_OK;
}

void trace_context_put(struct text *t, const struct trace_context *c)
{
    text_str(t, "00-");
    text_hex(t, c->id[0], 16);
    text_hex(t, c->id[1], 16);
    text_char(t, '-');
    text_hex(t, c->span, 16);
    text_char(t, '-');
    text_hex(t, c->flags, 2);
}

bool trace_is_in_share(const uint64_t id[2], double share)
{
    const double all = 72057594037927936.0; /* 2^56 */
    uint64_t random = id[1] & ((UINT64_C(1) << 56) - 1);

    if (share >= 1)
        return true;
    return share > 0 && (double)random >= (1 - share) * all;
}

/* The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): different n, different ids. */
uint64_t trace_span_nth(uint64_t root, uint32_t n)
{
    uint64_t z = root + n * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z == 0 ? 1 : z;
}
