/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_WEB_H
#define WEIR_ADMIN_WEB_H

#include "call/call.h"

/*
 * The endpoint admin.http: metrics, health, status and the live page, for programs and browsers.
 * GET and HEAD only, nothing here changes anything.  Bounded in connections, bytes and time.
 * Control thread.
 */
struct web;

/* Takes over fd.  NULL when out of memory: fd is closed. */
struct web *web_open(struct admin *a, int fd);
/* Another process serves: nobody new connects, pages and kept connections end and come back to it.
 */
void web_retire(struct web *w);
void web_close(struct web **w);

/* Once a second, after the history has its new point. */
void web_tick(struct web *w);
/* A change of state or an operator command, to the open pages. */
void web_event(struct web *w, const struct control_event *e);

#endif
