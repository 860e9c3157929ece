/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_ADMIN_RIG_H
#define WEIR_TESTS_ADMIN_RIG_H

#include "fake_control.h"
#include "weir/admin/admin.h"

/* The real layer on a real loop, with a control that only remembers; and a client of its sockets.
 */
extern struct control control;
extern struct admin *admin;
extern char socket_path[100];

void rig_open(void);
void rig_close(void);

int dial(void);     /* the socket; non-blocking */
int dial_web(void); /* the endpoint */
void say(int fd, const char *bytes);
/*
 * Runs the loop until what was heard ends with `end`, or the other side has closed (NULL).  Valid
 * until the next call.
 */
const char *hear(int fd, const char *end);

#endif
