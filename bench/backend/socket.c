/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket that echoes: every text comes back, a ping is answered, a close ends it. */
#include <stdio.h>

#include "bench/backend/server.h"
#include "bench/http/ws.h"

void socket_take(struct httpd_conn *c, const struct httpd_request *r)
{
    struct slice key = head_field(r->head, "sec-websocket-key");
    char accept[WS_ACCEPT_SIZE], extra[160];

    if (key.len == 0 || !head_has_token(r->head, "upgrade", "websocket")) {
        httpd_answer(c, 426, "text/plain", "Upgrade: websocket\r\nConnection: upgrade\r\n",
                     SLICE_LIT("a WebSocket is here\n"));
        return;
    }
    ws_accept_value(key, accept);
    (void)snprintf(extra, sizeof extra,
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                   accept);
    httpd_upgrade(c, extra);
}

/* False: the connection has ended. */
static bool answer_frame(struct httpd_conn *c, const struct ws_frame *f)
{
    struct grow payload = {0}, out = {0};
    bool closes = f->opcode == WS_CLOSE;

    ws_frame_payload(f, &payload);
    ws_frame_put(&out, f->opcode == WS_PING ? WS_PONG : f->opcode, grow_slice(&payload), 0);
    httpd_raw(c, grow_slice(&out));
    grow_free(&payload);
    grow_free(&out);
    if (closes)
        httpd_break(c, false);
    return !closes;
}

size_t socket_bytes(void *server, struct httpd_conn *c, struct slice bytes)
{
    struct slice in = bytes;
    struct ws_frame f;
    enum weir_status rc;

    (void)server;
    while ((rc = ws_frame_parse(in, &f)) == WEIR_OK) {
        in = slice_from(in, f.size);
        if (!answer_frame(c, &f))
            return bytes.len;
    }
    if (rc != WEIR_AGAIN)
        httpd_break(c, true);
    return bytes.len - in.len;
}
