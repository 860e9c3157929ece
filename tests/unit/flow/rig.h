/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FLOW_RIG_H
#define WEIR_TESTS_FLOW_RIG_H

/*
 * An exchange between fakes: a client and an upstream that only note what they are told, and a
 * real pool behind a real gate.  No socket.
 */

#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/shared.h"

struct fake_client {
    struct client client;
    int status; /* of the head, 0 = none */
    enum body_kind body;
    char data[4096];
    size_t len;
    bool ended, wants_body;
    enum client_end how;
};

struct fake_upstream {
    struct uplink uplink;
    int taken; /* how many times one was taken */
    char slots[8];
    bool head_sent, complete, released, cancelled, begun;
    char host[128], body[4096];
    size_t len;
};

struct rig {
    struct worker *w;
    struct snapshot *snapshot;
    struct fake_client c;
    struct exchange *x;
};

extern struct fake_upstream fake; /* the one that upstream_take lends */

/* A worker with one pool of n upstreams. */
void rig_make(struct rig *r, int n_upstreams);
void rig_free(struct rig *r);
/* A POST of so many body bytes that asks for a stream, up to where it is admitted or not. */
void rig_ask(struct rig *r, const char *body, size_t arrived);
/* What the upstream says. */
void rig_answer(struct rig *r, const char *head);
void rig_data(const char *bytes);
void rig_end(enum upstream_end how);
uint64_t rig_outcomes(const struct rig *r, enum outcome o);

#endif
