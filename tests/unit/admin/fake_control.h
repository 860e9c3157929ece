/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FAKE_CONTROL_H
#define WEIR_TESTS_FAKE_CONTROL_H

#include "weir/flow/control.h"

/*
 * A control thread that only remembers: one pool "chat" with upstreams "a" (ramping, held) and "b"
 * (open), whose numbers a test may change.  Stands in for flow/ in the tests of admin.
 */
struct fake_order {
    size_t pool, upstream;
    enum pool_command order;
    double value;
    uint64_t for_ns;
    unsigned uid;
    char text[256];
};

struct control {
    struct loop *loop;
    struct settings settings;
    struct pool_conf pool;
    struct upstream_conf upstreams[2];
    struct pool_status pool_status;
    struct upstream_status upstream_status[2];
    struct status_view view;
    struct fake_order last;
    int orders;
    const char *refuse; /* what every order is refused with, NULL = taken */
    char incident[512];
    bool drained, stopped, no_memory;
    struct request_record record;
    struct live_request live[3];
    size_t n_live;
    struct user_status users[4];
    size_t n_users;
    uint64_t evicted;
    void (*on_sessions)(const struct live_request *list, size_t n, void *arg);
    void *on_sessions_arg;
    struct control_event events[4];
    size_t n_events;
    void (*on_event)(const struct control_event *e, void *arg);
    void *on_event_arg;
    bool sessions_at_once; /* control_sessions answers by itself */
    struct loop_message sessions_message, reloaded_message, upgraded_message;
    control_reloaded_fn *on_reloaded;
    void *on_reloaded_arg;
    control_upgraded_fn *on_upgraded;
    void *on_upgraded_arg;
    const char *diagnostics[4]; /* of the next reload */
    size_t n_diagnostics;
    char *uids[2];
};

void fake_control_init(struct control *c);
void fake_control_fini(struct control *c);
/* Adds an event and tells who subscribed. */
void fake_event(struct control *c, const char *sentence, enum breaker_state from,
                enum breaker_state to);

#endif
