/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual user on a WebSocket: a text each second, each of which has to come back, then a close.
 */
#include <stdio.h>

#include "bench/http/ws.h"
#include "bench/load/load_priv.h"
#include "weir/base/clock.h"

static bool say(struct virtual_user *p, int opcode, const char *text)
{
    struct grow frame = {0};
    bool sent;

    ws_frame_put(&frame, opcode, slice_str(text), (uint32_t)rng_next(&p->rng) | 1);
    sent = httpc_put(&p->call, grow_slice(&frame));
    grow_free(&frame);
    return sent;
}

static void text_of(const struct virtual_user *p, uint32_t n, char *out, size_t size)
{
    (void)snprintf(out, size, "%s.%u", p->tag, n);
}

void talk_begin(struct virtual_user *p)
{
    p->said_n = p->echoed_n = 0;
    p->closing = p->closed = false;
    p->until_ns = mono_now_ns() + (uint64_t)(p->load->conf.stay_s * 1e9);
}

enum turn_end talk_go_on(struct virtual_user *p)
{
    char text[96];

    if (p->closing || p->echoed_n != p->said_n)
        return TURN_SILENT;
    p->closing = mono_now_ns() >= p->until_ns;
    if (p->closing)
        return say(p, WS_CLOSE, "") ? TURN_END_COUNT : TURN_CUT;
    text_of(p, p->said_n++, text, sizeof text);
    return say(p, WS_TEXT, text) ? TURN_END_COUNT : TURN_CUT;
}

static void take_frame(struct virtual_user *p, const struct ws_frame *f)
{
    struct grow payload = {0};
    char wanted[96];

    ws_frame_payload(f, &payload);
    text_of(p, p->echoed_n, wanted, sizeof wanted);
    if (f->opcode == WS_CLOSE)
        p->closed = true;
    else if (f->opcode == WS_TEXT && slice_eq(grow_slice(&payload), slice_str(wanted)))
        p->echoed_n++;
    else
        p->reading.mixed = true;
    grow_free(&payload);
}

void talk_read(struct virtual_user *p)
{
    struct slice in = grow_slice(&p->body);
    struct ws_frame f;

    while (ws_frame_parse(in, &f) == WEIR_OK) {
        take_frame(p, &f);
        in = slice_from(in, f.size);
    }
    if (in.len > 0)
        memmove(p->body.p, in.p, in.len);
    p->body.len = in.len;
}

enum turn_end talk_judge(const struct virtual_user *p)
{
    if (p->reading.mixed)
        return TURN_ALTERED;
    return p->closed && p->echoed_n == p->said_n ? TURN_GOOD : TURN_CUT;
}
