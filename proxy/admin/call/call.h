/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_CALL_H
#define WEIR_ADMIN_CALL_H

#include <stdbool.h>

#include "call/admin.h"
#include "weir/admin/rows.h"
#include "weir/base/buf.h"
#include "weir/base/json_out.h"

/*
 * One command on its way: what was asked, by whom, where the answer goes.  Handlers (run_* below,
 * named by the rows) answer with call_render, call_done or call_fail, once; or they say that the
 * answer comes later.
 */
enum call_state {
    CALL_ANSWERED,
    CALL_LATER, /* the answer comes by socket_answer */
    CALL_WATCH, /* events follow until the client says otherwise */
};

struct call {
    struct admin *a;
    const struct command_args *args;
    struct slice line; /* as typed */
    unsigned uid;
    bool json;    /* the form of the answer */
    void *client; /* socket.c's own, for answers that come later */
    struct buf *out;
    enum call_state state;
    bool cut; /* no memory: what was answered is not whole, the connection has to end */
};

enum {
    ANSWER_MAX = 4 * 1024 * 1024, /* of one answer and of what waits to be read */
};

/* What went wrong, for programs ("code" of the JSON form).  X(enumerator, "name") */
#define WEIR_FAIL_CODES(X)                                                                         \
    X(FAIL_USAGE, "usage")                                                                         \
    X(FAIL_UNKNOWN_COMMAND, "unknown_command")                                                     \
    X(FAIL_NOT_ALLOWED, "not_allowed")                                                             \
    X(FAIL_NOT_FOUND, "not_found")                                                                 \
    X(FAIL_REFUSED, "refused")                                                                     \
    X(FAIL_BUSY, "busy")                                                                           \
    X(FAIL_TOO_LARGE, "too_large")
#define WEIR_ENUM_ROW(e, name) e,
enum fail_code { WEIR_FAIL_CODES(WEIR_ENUM_ROW) };
#undef WEIR_ENUM_ROW

/* Writes an answer into t; called again with more room if it did not fit. */
typedef void render_fn(struct text *t, struct admin *a, const void *arg);

/* The answer: what fn writes, then the empty line that ends it. */
void call_render(struct call *c, render_fn *fn, const void *arg);
/* "error: ..." (with --json the JSON form behind it), then the empty line. */
void call_fail(struct call *c, enum fail_code code, const char *fmt, ...) WEIR_PRINTF(3, 4);
/*
 * The answers of call_fail, call_done and call_refuse to a writing command are logged as well, with
 * its uid and text: each command that changes something, or would have, is in the event log once.
 */
/* Of a writing command: a sentence, or {"done": sentence}. */
void call_done(struct call *c, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* The same as call_fail for a sentence of any length and number of lines. */
void call_refuse(struct call *c, enum fail_code code, const char *why);

/*
 * Runs what fn writes into a buffer that grows as needed (up to ANSWER_MAX) and appends it.
 * WEIR_LIMIT, WEIR_NO_MEMORY.
 */
enum weir_status render_into(struct admin *a, struct buf *out, size_t max, render_fn *fn,
                             const void *arg) WEIR_MUST_CHECK;

/* Who gives the command, with its text, of which line is the memory. */
struct control_who call_who(const struct call *c, char line[COMMAND_LINE_MAX + 1]);

/* Parses and runs a line; c->line, uid, client, out and a are set, args is storage. */
void call_run(struct call *c, struct command_args *args);

#define WEIR_HANDLER_ROW(id, name, args, right, handler, param, help)                              \
    void run_##handler(struct call *c, int param_value);
WEIR_COMMANDS(WEIR_HANDLER_ROW)
#undef WEIR_HANDLER_ROW

#endif
