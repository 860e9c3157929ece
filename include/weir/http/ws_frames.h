/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_WS_FRAMES_H
#define WEIR_HTTP_WS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"

/*
 * The frames of one direction of a WebSocket (RFC 6455, 5.2), as far as a proxy has to know them:
 * where one ends, so that a frame of its own can follow, and whether one of them was the last.
 * What is in them is passed on unread; compression (RFC 7692) changes nothing about it.  Pure.
 * All zero: at the beginning.
 */
struct ws_frames {
    uint64_t left;  /* payload, mask included, that is to come of the frame that has begun */
    uint8_t head;   /* bytes of the frame's head that have come; 0: none has begun */
    uint8_t opcode; /* of the frame that has begun */
    uint8_t size;   /* the second byte of its head: mask and short length */
    bool closed;    /* a close frame has come whole: nothing may follow it (5.5.1) */
    bool bad;       /* a length beyond 2^63 (5.2): where frames end is not known any more */
};

/* Takes further bytes. */
void ws_frames_feed(struct ws_frames *f, struct slice bytes);
/* May a frame of our own follow here?  Between frames, and not behind a close frame. */
bool ws_frames_can_add(const struct ws_frames *f);

enum { WS_CLOSE_MAX = 2 + 4 + 125 };
/* Why a WebSocket is closed (7.4.1; 1012 and 1013: IANA's registry). */
enum ws_code { WS_GOING_AWAY = 1001, WS_SERVICE_RESTART = 1012, WS_TRY_AGAIN_LATER = 1013 };
/*
 * Writes a close frame; returns its length.  reason: ASCII, cut at 123 bytes (5.5).  mask: 4 bytes
 * drawn at random, as frames to a server need (5.3); NULL: to a client.
 */
size_t ws_close_frame(enum ws_code code, struct slice reason, const uint8_t *mask,
                      char to[WS_CLOSE_MAX]);

#endif
