/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_ONCE_H2_H
#define WEIR_FLOW_ONCE_H2_H

#include "weir/base/buf.h"
#include "weir/http/head.h"

/* A session of HTTP/2 for one request without a body, of whose answer the status is wanted. */
struct once_h2;

/* request: a head of HTTP/1.1.  What is to be sent is put into out.  NULL: no memory. */
struct once_h2 *once_h2_begin(struct slice request, struct buf *out);
/* Takes what came from in.  DONE: *status is the answer's.  BAD: it is none, or broken. */
enum parse once_h2_step(struct once_h2 *h, struct buf *in, struct buf *out, int *status);
void once_h2_end(struct once_h2 **h); /* NULL is fine */

#endif
