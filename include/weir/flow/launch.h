/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_LAUNCH_H
#define WEIR_FLOW_LAUNCH_H

#include <stdint.h>

/*
 * What a running weir and its launcher say to each other, over a pair of sockets that has no name
 * (SOCK_SEQPACKET), each a message of this size.  The launcher is a child that stays outside the
 * sandbox: the one thing it can do is start the program that weir was started from, with the same
 * words, environment and folder (docs/architecture.md, "Hot restart").
 */
enum launch_what {
    LAUNCH_START = 1, /* weir: start it */
    LAUNCH_END,       /* weir: end what was started, at once */
    LAUNCH_STARTED,   /* launcher: pid; with it comes the socket to talk to the new process */
    LAUNCH_FAILED,    /* launcher: nothing was started; number is errno */
    LAUNCH_ENDED,     /* launcher: pid has ended; number is its wait status */
};

struct launch_message {
    uint32_t what;
    int32_t pid, number;
};

/* In the environment of a process that is to take over: the descriptor of its socket. */
#define LAUNCH_ENVIRONMENT "WEIR_HANDOVER_FD"

#endif
