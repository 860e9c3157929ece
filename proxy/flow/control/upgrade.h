/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_UPGRADE_H
#define WEIR_FLOW_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/handover.h"
#include "snapshot/slots.h"
#include "weir/flow/control.h"

/*
 * The old process of a hot restart:
 *
 *     NONE ─► LAUNCHING ─► STARTING ─► SWITCHING ─► DONE
 *       ▲         │            │           │
 *       └──────── └─► FAILING ◄┴───────────┘  everything is as it was
 *
 * LAUNCHING: the launcher was asked.  STARTING: the new process reads, checks and binds, this one
 * serves.  SWITCHING: this one accepts and admits no more than runs here, the new one begins.
 * DONE: this one drains.  FAILING: the new process is to end, then the reason is told.
 */
enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_LAUNCHING,
    UPGRADE_STARTING,
    UPGRADE_SWITCHING,
    UPGRADE_DONE,
    UPGRADE_FAILING,
};

/* How sockets are told apart in the handover: listeners by slot, then the admin side's. */
enum {
    UPGRADE_ADMIN_SOCKET = SNAPSHOT_LISTENERS_MAX,
    UPGRADE_ADMIN_HTTP,
    UPGRADE_GROUPS,
};

struct event;
struct control_upgrade {
    enum upgrade_state state;
    int fd, spool; /* to the new process, and its memory file; -1 = none */
    int32_t pid;
    struct event *launcher, *talk;
    struct loop_timer deadline;
    control_upgraded_fn *fn;
    void *arg;
    uint64_t asked_ns;
    char version[64], why[HANDOVER_TEXT_MAX + 128];
    unsigned taken[UPGRADE_GROUPS]; /* sockets of each listener, by slot, and of the admin side */
    bool told;                      /* DONE: a first SIGTERM came */
};

/* upgrade_send.c; false: errno tells, or the other side does not read. */
bool upgrade_send_sockets(struct control *c);
bool upgrade_write_state(struct control *c, uint32_t *bytes);

/* Before the loop runs; false: no memory. */
bool upgrade_begin(struct control *c);
void upgrade_end(struct control *c);
/* This process drains now: one that is starting is ended. */
void upgrade_give_up(struct control *c);
/*
 * Is this SIGTERM a first one?  Of a process that another one has replaced it means nothing new: a
 * manager that ends all of a service tells this one, too.
 */
bool upgrade_hears_first(struct control *c);
/* Each tick: places that are not needed any more go over, those that are wanted are asked for. */
void upgrade_tick(struct control *c);

#endif
