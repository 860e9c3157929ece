/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FLOW_RIG_H
#define WEIR_TESTS_FLOW_RIG_H

/*
 * Exchanges between fakes: clients and upstreams that only note what they are told, and a real pool
 * behind a real gate, in virtual time.  No socket.
 */

#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/shared.h"

enum { RIG_MAX = 8 };

struct fake_client {
    struct client client;
    struct exchange *x; /* NULL once it ended or the client left */
    int status;         /* of the head, 0 = none */
    int interim;        /* the last one, 0 = none */
    enum body_kind body;
    char data[4096];
    size_t len, backlog;
    bool ended, wants_body, tunnel;
    enum client_end how;
};

struct fake_upstream {
    struct uplink uplink;
    int slot;   /* of its upstream */
    bool fresh; /* a new connection was asked for */
    bool head_sent, complete, released, cancelled, paused;
    char host[128], body[4096];
    size_t len;
};

struct rig {
    struct worker *w;
    struct snapshot *snapshot;
    struct fake_client clients[RIG_MAX];
    int n_clients;
    struct fake_upstream upstreams[RIG_MAX]; /* in the order they were taken in */
    int n_upstreams;

    struct request_record record; /* the last one, see rig_record */
    int n_records;

    /* how the next ones are */
    bool reused;         /* they have served before */
    bool taken_up;       /* they may have begun what they were sent */
    bool slow;           /* they are not connected yet */
    size_t takes;        /* how many body bytes they take */
    enum weir_status is; /* of upstream_take */
};

extern struct rig rig;

/* Settings: of a pool "p" with upstreams "a" and, if there are two, "b". */
struct rig_settings {
    int upstreams;
    const char *upstream, *pool, *route; /* further ones, each NULL or ending with ";" */
};
/* A worker with that pool. */
void rig_make(const struct rig_settings *s);
void rig_free(void);
/* The newest of each. */
struct fake_client *rig_client(void);
struct fake_upstream *rig_upstream(void);

/* The client asks: a request line and fields that end with an empty line, and a body. */
void rig_ask(const char *head, const char *body, size_t arrived);
void rig_body(const char *bytes);
void rig_body_end(void);
/* What the upstream says. */
void rig_answer(const char *head, bool to_head);
void rig_data(const char *bytes);
void rig_end(enum upstream_end how);
uint64_t rig_outcomes(enum outcome o);
uint64_t rig_decisions(enum decision d);
/* What was recorded last; its exchange has ended. */
const struct request_record *rig_record(void);
struct gate *rig_gate(void);

#endif
