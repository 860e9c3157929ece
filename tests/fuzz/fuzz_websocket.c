/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a WebSocket.  Any split gives the same; and a plain reader, which sees all of the
 * input at once, finds the same ends.
 */
#include "fuzz.h"
#include "weir/http/ws_frames.h"

/* The size of the frame at the front, as simply as can be; 0: not all of it is here. */
static uint64_t frame_size(struct slice in, bool *bad)
{
    const unsigned char *p = (const unsigned char *)in.p;
    uint64_t len, n;

    if (in.len < 2)
        return 0;
    n = (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
    if (in.len < 2 + n)
        return 0;
    len = n == 0 ? p[1] & 127U : 0;
    for (uint64_t i = 0; i < n; i++)
        len = len << 8 | p[2 + i];
    *bad = len >> 63 != 0;
    n += 2 + (p[1] >> 7) * 4U;
    return *bad || in.len < n || in.len - n < len ? 0 : n + len;
}

static void check_plain(struct slice in, const struct ws_frames *f)
{
    bool closed = false, bad = false;
    uint64_t n;

    while ((n = frame_size(in, &bad)) > 0) {
        closed = closed || (in.p[0] & 15) == 8;
        in = slice_from(in, (size_t)n);
    }
    WEIR_ASSERT(f->bad == bad && f->closed == closed);
    WEIR_ASSERT(ws_frames_can_add(f) == (in.len == 0 && !closed && !bad));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size), rest = in;
    struct ws_frames whole = {0}, part = {0}, closing;
    uint32_t seed = fuzz_seed(in) | 1;
    char close[WS_CLOSE_MAX];

    ws_frames_feed(&whole, in);
    while (rest.len > 0)
        ws_frames_feed(&part, fuzz_piece(&rest, &seed));
    WEIR_ASSERT(memcmp(&whole, &part, sizeof whole) == 0);
    check_plain(in, &whole);
    closing = whole;
    ws_frames_feed(&closing, slice_of(close, ws_close_frame(WS_GOING_AWAY, in, NULL, close)));
    WEIR_ASSERT(!ws_frames_can_add(&whole) || closing.closed);
    return 0;
}
