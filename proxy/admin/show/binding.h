/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_BINDING_H
#define WEIR_ADMIN_BINDING_H

#include "weir/base/json_out.h"
#include "weir/base/text.h"
#include "weir/flow/control.h"

/*
 * Which limit binds, in a sentence without a full stop.  It tells what the next request would meet
 * at this moment (decide/pool.h, struct binding).  BINDING_MAX holds any of them.
 */
enum { BINDING_MAX = 512 };

/* "8 of 11 places used; first tokens hold it: 3 of 3 waiting" */
void show_binding(struct text *t, const struct upstream_status *u, uint64_t now_ns);
/* "1 of 2 upstreams would take another request; the breaker holds 1", and a limit of users. */
void show_pool_binding(struct text *t, const struct pool_status *p);

/*
 * Adds "binding" to the open object: "rule" (null: nothing binds), "enforced", "sentence".  A
 * pool's rule is one about users.
 */
void json_binding(struct json_out *j, const struct upstream_status *u, uint64_t now_ns);
void json_pool_binding(struct json_out *j, const struct pool_status *p);

#endif
