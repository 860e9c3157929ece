/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_WS_H
#define BENCH_HTTP_WS_H

#include <stdint.h>

#include "bench/common/grow.h"
#include "weir/base/status.h"

/* WebSocket frames (RFC 6455 5.2) of up to WS_PAYLOAD_MAX bytes, for both ends of the harness. */
enum { WS_PAYLOAD_MAX = 64 * 1024, WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_ACCEPT_SIZE = 29 };

struct ws_frame {
    int opcode;
    bool masked;
    unsigned char mask[4];
    struct slice payload; /* as it is on the wire: masked, if it is */
    size_t size;          /* of the whole frame */
};

/* WEIR_OK, WEIR_AGAIN (not whole yet), WEIR_BAD (longer than WS_PAYLOAD_MAX, reserved bits). */
enum weir_status ws_frame_parse(struct slice in, struct ws_frame *out) WEIR_MUST_CHECK;

/* Appends the frame's payload, unmasked. */
void ws_frame_payload(const struct ws_frame *f, struct grow *out);

/* Appends a whole frame; mask 0 is none (servers do not mask). */
void ws_frame_put(struct grow *out, int opcode, struct slice payload, uint32_t mask);

/* The value of Sec-WebSocket-Accept for this key (RFC 6455 4.2.2). */
void ws_accept_value(struct slice key, char out[WS_ACCEPT_SIZE]);

#endif
