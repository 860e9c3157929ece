/* SPDX-License-Identifier: Apache-2.0 */
/* Where the frames of a WebSocket end, and the one that closes it (RFC 6455).  Pure. */
#include "weir/http/ws_frames.h"

#include <string.h>

enum {
    FIRST = 2, /* bytes of a head before the extended length */
    OPCODE = 0x0f,
    OPCODE_CLOSE = 8,
    FINAL = 0x80,
    MASKED = 0x80,
    SHORT = 0x7f, /* of the second byte: a length up to 125, or how many bytes have it */
    TWO_BYTES = 126,
    EIGHT_BYTES = 127,
    MASK_LEN = 4,
    REASON_MAX = 123
};

static uint8_t extended(const struct ws_frames *f)
{
    uint8_t n = f->size & SHORT;

    return n == TWO_BYTES ? 2 : n == EIGHT_BYTES ? 8 : 0;
}

static void end_frame(struct ws_frames *f)
{
    f->closed = f->closed || f->opcode == OPCODE_CLOSE;
    f->head = 0;
}

/* Its head is whole; the mask counts as payload. */
static void begin_payload(struct ws_frames *f)
{
    if (extended(f) == 0)
        f->left = f->size & SHORT;
    f->bad = f->left >> 63 != 0;
    if (f->bad)
        return;
    f->left += (f->size & MASKED) != 0 ? MASK_LEN : 0;
    if (f->left == 0)
        end_frame(f);
}

static void take_head_byte(struct ws_frames *f, uint8_t byte)
{
    if (f->head == 0)
        f->opcode = byte & OPCODE;
    else if (f->head == 1)
        f->size = byte;
    else
        f->left = f->left << 8 | byte;
    f->head++;
    if (f->head >= FIRST && f->head == FIRST + extended(f))
        begin_payload(f);
}

static bool head_is_whole(const struct ws_frames *f)
{
    return f->head >= FIRST && f->head == FIRST + extended(f);
}

void ws_frames_feed(struct ws_frames *f, struct slice bytes)
{
    while (bytes.len > 0 && !f->bad) {
        size_t n = 1;

        if (head_is_whole(f)) {
            n = bytes.len < f->left ? bytes.len : (size_t)f->left;
            f->left -= n;
            if (f->left == 0)
                end_frame(f);
        } else {
            take_head_byte(f, (uint8_t)bytes.p[0]);
        }
        bytes = slice_from(bytes, n);
    }
}

bool ws_frames_can_add(const struct ws_frames *f)
{
    return f->head == 0 && !f->closed && !f->bad;
}

size_t ws_close_frame(enum ws_code code, struct slice reason, const uint8_t *mask,
                      char to[WS_CLOSE_MAX])
{
    size_t n = reason.len < REASON_MAX ? reason.len : REASON_MAX, at = FIRST;

    to[0] = (char)(FINAL | OPCODE_CLOSE);
    to[1] = (char)((mask != NULL ? MASKED : 0) | (2 + n));
    if (mask != NULL) {
        memcpy(to + at, mask, MASK_LEN);
        at += MASK_LEN;
    }
    to[at] = (char)(code >> 8);
    to[at + 1] = (char)(code & 0xff);
    if (n > 0)
        memcpy(to + at + 2, reason.p, n);
    for (size_t i = 0; mask != NULL && i < n + 2; i++)
        to[at + i] = (char)((uint8_t)to[at + i] ^ mask[i % MASK_LEN]);
    return at + 2 + n;
}
