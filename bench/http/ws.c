/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket frames.  Pure but for memory. */
#include "bench/http/ws.h"

#include <openssl/evp.h>
#include <string.h>

#include "weir/base/assert.h"

static uint64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

enum weir_status ws_frame_parse(struct slice in, struct ws_frame *out)
{
    const unsigned char *p = (const unsigned char *)in.p;
    struct ws_frame f = {0};
    uint64_t len;
    size_t at = 2, more;

    if (in.len < 2)
        return WEIR_AGAIN;
    if ((p[0] & 0x70) != 0)
        return WEIR_BAD;
    f.opcode = p[0] & 15;
    f.masked = (p[1] & 0x80) != 0;
    len = p[1] & 0x7f;
    more = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (in.len < at + more + (f.masked ? 4 : 0))
        return WEIR_AGAIN;
    if (more > 0)
        len = big_endian(p + at, more);
    at += more;
    if (len > WS_PAYLOAD_MAX)
        return WEIR_BAD;
    if (f.masked)
        memcpy(f.mask, p + at, 4);
    at += f.masked ? 4 : 0;
    if (in.len < at + len)
        return WEIR_AGAIN;
    f.payload = slice_of(in.p + at, (size_t)len);
    f.size = at + (size_t)len;
    *out = f;
    return WEIR_OK;
}

static void put_masked(struct grow *out, struct slice bytes, const unsigned char mask[4])
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = (char)((unsigned char)bytes.p[i] ^ mask[i % 4]);
        grow_put(out, slice_of(&c, 1));
    }
}

void ws_frame_payload(const struct ws_frame *f, struct grow *out)
{
    put_masked(out, f->payload, f->mask);
}

void ws_frame_put(struct grow *out, int opcode, struct slice payload, uint32_t mask)
{
    bool longer = payload.len > 125;
    unsigned char bits[4] = {(unsigned char)(mask >> 24), (unsigned char)(mask >> 16),
                             (unsigned char)(mask >> 8), (unsigned char)mask};
    char head[4] = {(char)(0x80 | opcode),
                    (char)((mask != 0 ? 0x80 : 0) | (longer ? 126 : (int)payload.len)),
                    (char)(payload.len >> 8), (char)payload.len};

    WEIR_ASSERT(payload.len < 65536);
    grow_put(out, slice_of(head, longer ? 4 : 2));
    if (mask != 0)
        grow_put(out, slice_of((const char *)bits, sizeof bits));
    put_masked(out, payload, bits);
}

void ws_accept_value(struct slice key, char out[WS_ACCEPT_SIZE])
{
    struct grow text = {0};
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    grow_put(&text, key);
    grow_str(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    WEIR_ASSERT(EVP_Digest(text.p, text.len, sum, &n, EVP_sha1(), NULL) == 1 && n == 20);
    (void)EVP_EncodeBlock((unsigned char *)out, sum, (int)n);
    grow_free(&text);
}
