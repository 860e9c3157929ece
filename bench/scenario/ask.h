/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_ASK_H
#define BENCH_SCENARIO_ASK_H

#include <jansson.h>

#include "bench/common/grow.h"
#include "weir/base/status.h"

/*
 * Requests to the two parties of a run, blocking with a short timeout: weir's admin socket (a line
 * in, lines out up to an empty one) and the backend's control port.
 */
struct admin {
    int fd; /* -1: not connected */
    char path[108];
};

void admin_init(struct admin *a, const char *path);
void admin_close(struct admin *a);

/*
 * Sends a command and reads the answer as JSON; NULL on any failure, with a sentence in why.
 * Connects when necessary.  The caller owns the result.
 */
json_t *admin_ask(struct admin *a, const char *command, char *why, size_t why_size);

/* The same for an answer that is text, behind what *answer has. */
enum weir_status admin_read(struct admin *a, const char *command, struct grow *answer, char *why,
                            size_t why_size) WEIR_MUST_CHECK;

/* The same for a command whose answer does not matter. */
enum weir_status admin_tell(struct admin *a, const char *command, char *why,
                            size_t why_size) WEIR_MUST_CHECK;

/* A line to a unix socket, and the beginning of what it answers; false on any failure.  Redis. */
bool line_ask(const char *unix_path, const char *line, char *answer, size_t size);

/* GET (body NULL) or POST to "http://HOST:PORT" + path; JSON or NULL. */
json_t *control_ask(const char *url, const char *path, const char *body);

/* Members by a dotted path: json_at(status, "pools.0.upstreams.0.state"). NULL when not there. */
const json_t *json_at(const json_t *j, const char *path);
const char *json_text_at(const json_t *j, const char *path); /* "" when not there */
double json_number_at(const json_t *j, const char *path);    /* 0 when not there */

#endif
