/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_GRPC_H
#define WEIR_HTTP_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/text.h"

/*
 * gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md): what a proxy has to know of it.  A call is a POST
 * with messages both ways at once; how it went is said in the trailers of a 200, or in its head,
 * where there is no message.  Pure.
 */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_STATUS_COUNT = 17,
};

/* application/grpc, with "+proto" and the like or parameters; not gRPC-Web, which is plain HTTP. */
bool grpc_is_type(struct slice content_type);

/* grpc-timeout: "100m" and the like, at most eight digits; false: it is none. */
bool grpc_timeout(struct slice value, uint64_t *ns);

/* grpc-status as a number; -1: it is none (absent as well).  Unknown ones are GRPC_UNKNOWN. */
int grpc_status_read(struct slice value);

/* The status of HTTP that says the same (google/rpc/code.proto): evidence is judged by that. */
int grpc_http_status(int status);

/* A message as it stands in grpc-message: percent-encoded UTF-8. */
void grpc_message_put(struct text *t, struct slice message);

/*
 * The messages of a call as they go by: five bytes (compressed?, length), then so many bytes.  Zero
 * is its beginning.
 */
struct grpc_messages {
    uint32_t left;   /* of the message's bytes */
    uint32_t length; /* as far as it has been read */
    uint8_t prefix;  /* bytes of the five seen */
};
void grpc_messages_feed(struct grpc_messages *m, struct slice bytes);
/* Does no half message lie open? */
static inline bool grpc_messages_at_boundary(const struct grpc_messages *m)
{
    return m->left == 0 && m->prefix == 0;
}

#endif
