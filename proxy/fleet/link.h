/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_LINK_H
#define WEIR_FLEET_LINK_H

#include "fault.h"
#include "reply.h"
#include "weir/base/text.h"
#include "weir/fleet/means.h"
#include "weir/net/loop.h"
#include "weir/net/resolver.h"

/*
 * The one connection of a node to Redis, on control's loop.  It connects by itself, again and again
 * and later and later, and logs in; one call is under way at a time.  A call that got no answer in
 * time is not said twice: the connection is dropped, for a late answer would be taken for the
 * next call's.
 *
 *     waiting ──► connecting ──► entering (step by step) ──► ready ⇄ calling
 *        ▲             │               │                      │       │
 *        └─────────────┴───────────────┴──────────────────────┴───────┘  down, by any fault
 *
 * Entering: AUTH, SELECT, ROLE, each as far as it is needed.  Where the Sentinels name another
 * master (where.h), the connection to the old one is dropped and the new one tried at once.
 */

struct link_events {
    /* Connected and logged in: calls may begin. */
    void (*on_ready)(void *owner);
    /*
     * Not, or no longer; tried again later.  why: a sentence part for the log without secrets,
     * alive during the call.  Called for each attempt that fails.
     */
    void (*on_down)(enum link_fault f, const char *why, void *owner);
};

enum { LINK_WORDS_MAX = 1024 };

struct link;
/*
 * Connects from the first round of the loop on.  means, resolver and ev are borrowed.  seed: of the
 * jitter.  NULL: no memory.
 */
struct link *link_create(struct loop *l, struct resolver *r, const struct fleet_means *means,
                         uint64_t timeout_ns, uint64_t seed, const struct link_events *ev,
                         void *owner);
void link_destroy(struct link **l); /* a call under way is forgotten: its fn is not called */

/* No call is under way, and one may begin. */
bool link_is_ready(const struct link *l);

/* reply NULL: there is none, and on_down follows.  Errors of Redis's are replies as well. */
typedef void link_answer_fn(const struct reply *reply, void *arg);
/*
 * Begins a call; fn is called once, from the loop.  It may begin the next one.  The bytes are
 * copied.  False: it is not ready, or there is no memory; fn is not called.
 */
bool link_call(struct link *l, const struct slice *words, int n, link_answer_fn *fn, void *arg);

/* From the sending to the answer of the last call that was answered; 0 = none was. */
uint64_t link_rtt_ns(const struct link *l);
/* How often a connection was tried. */
uint64_t link_connects(const struct link *l);

#endif
