/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_SHOW_H
#define WEIR_ADMIN_SHOW_H

#include "call/call.h"

/* What is shown, as renderers (call.h): text for people, JSON for programs.  Control thread. */

void show_status(struct text *t, struct admin *a, const void *unused);
void show_status_json(struct text *t, struct admin *a, const void *unused);

/* "40 ok, 3 failed, 1 late" */
void show_window(struct text *t, const struct upstream_view *v);
/* The object of one upstream; with its pool's name where that is not around it already. */
void json_upstream(struct json_out *j, struct admin *a, size_t pool, size_t upstream,
                   bool with_pool);
/* Until the share is 1, as ", full in about 12 s"; nothing where it is.  dead: no probe was good.
 */
void show_expected(struct text *t, double share, double expected_s, bool dead);
/* The rules wait for the upstream to answer a probe. */
bool awaits_probe(const struct upstream_view *v);

/* The fleet in `status`; NULL: there is none. */
void show_fleet(struct text *t, const struct fleet_view *f);
void json_fleet(struct json_out *j, const struct fleet_view *f);
/* An upstream's part of it; null where it is in none. */
void json_fleet_part(struct json_out *j, const struct pool_fleet_view *v);
/* A line about the canary that runs, or was rolled back and is drained; else nothing. */
void show_canary_line(struct text *t, const struct pool_status *p, uint64_t now_wall_ns);
/* Its object, the last one's too; null where there was none.  pool NULL: it stands around it. */
void json_canary(struct json_out *j, const char *key, const char *pool,
                 const struct canary_status *s);

/* A user by the keyed hash that the access log has, 16 hex digits. */
const char *user_text(char out[20], uint64_t user);

/* The JSON object of `events`. */
void show_event_json(struct json_out *j, const struct control_event *e);

/* RFC 3339; null for 0. */
void json_wall(struct json_out *j, const char *key, uint64_t wall_ns);
/* NULL for an empty string. */
const char *or_null(const char *s);

/* Overrides, one a line, each with what is left of it. */
void show_overrides(struct text *t, const char *indent, const char *whose,
                    const struct override_view *o, int n, uint64_t now_wall_ns);

#endif
