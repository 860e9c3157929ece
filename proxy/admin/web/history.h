/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_HISTORY_H
#define WEIR_ADMIN_HISTORY_H

#include "weir/base/json_out.h"
#include "weir/base/pack.h"
#include "weir/flow/control.h"

/*
 * The last 10 minutes of each pool and upstream, a point a second: what the live page draws, so
 * that a page opened during an outage shows how it began.  About 30 KiB per upstream.  Control
 * thread.
 */
enum { HISTORY_POINTS = 600 };

struct history;
struct history *history_create(void);
void history_destroy(struct history **h);

/* Takes a point. */
void history_tick(struct history *h, const struct status_view *s);

/*
 * Written for the next process of a hot restart.  What is read takes the place of *h if it is whole
 * and of this version, else *h stays; u->bad tells that it is damaged.
 */
void history_keep(const struct history *h, struct packer *p);
void history_restore(struct history **h, struct unpacker *u);

/*
 * Adds to the open object: "at" (seconds since 1970), "pools" and "upstreams", columns of equal
 * length, oldest first; null before a series began.  All of it, and "points", how many there may
 * be; or the newest point alone.
 */
void history_json(struct json_out *j, const struct history *h);
void history_newest_json(struct json_out *j, const struct history *h);

#endif
