/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SPANS_H
#define WEIR_FLOW_SPANS_H

#include "control/control_priv.h"

enum { SPANS_MAX_BYTES = 32 * 1024 }; /* of one request; a path takes at most six times itself */

/* How many spans a request has. */
uint32_t spans_count(const struct request_record *r, const struct request_trace *t);
/* A JSON array of them. */
void spans_put(struct text *to, const struct control *c, const struct request_record *r,
               const struct request_trace *t, const char *path);

#endif
