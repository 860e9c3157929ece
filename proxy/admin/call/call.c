/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one command: understands the line, checks the right, calls the row's handler, frames the
 * answer.  Control thread; leaves connections to socket.c and what is shown to the handlers.
 */
#include "call/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/rights.h"
#include "weir/base/assert.h"

static const struct handler {
    void (*run)(struct call *c, int param);
    int param;
} handlers[COMMAND_COUNT] = {
#define ROW(id, name, args, right, handler, param, help) [COMMAND_##id] = {run_##handler, param},
    WEIR_COMMANDS(ROW)
#undef ROW
};

static const char *fail_name(enum fail_code code)
{
#define WEIR_NAME_ROW(e, name) name,
    static const char *const names[] = {WEIR_FAIL_CODES(WEIR_NAME_ROW)};
#undef WEIR_NAME_ROW

    return names[code];
}

enum weir_status render_into(struct admin *a, struct buf *out, size_t max, render_fn *fn,
                             const void *arg)
{
    enum weir_status rc = WEIR_LIMIT;

    for (size_t room = a->render_hint; room <= 2 * max && rc == WEIR_LIMIT; room *= 2) {
        char *mem = malloc(room);
        struct text t;

        if (mem == NULL)
            return WEIR_NO_MEMORY;
        text_init(&t, mem, room);
        fn(&t, a, arg);
        if (!t.full) {
            a->render_hint = room;
            rc = buf_append(out, text_slice(&t), max);
            room = 2 * max; /* more room would not help */
        }
        free(mem);
    }
    return rc;
}

static void put(struct call *c, struct slice s)
{
    if (buf_append(c->out, s, ANSWER_MAX) == WEIR_OK)
        return;
    c->cut = true; /* the end of the connection tells the client */
    log_warn("admin: an answer to uid %u was cut: there is no memory", c->uid);
}

static void end_answer(struct call *c)
{
    struct slice s = buf_slice(c->out);

    put(c, s.len > 0 && s.p[s.len - 1] == '\n' ? SLICE_LIT("\n") : SLICE_LIT("\n\n"));
    c->state = CALL_ANSWERED;
}

void call_render(struct call *c, render_fn *fn, const void *arg)
{
    enum weir_status rc;

    c->a->status = control_status(c->a->control);
    rc = render_into(c->a, c->out, ANSWER_MAX, fn, arg);
    if (rc == WEIR_OK)
        end_answer(c);
    else if (rc == WEIR_NO_MEMORY)
        call_fail(c, FAIL_BUSY, "there is no memory for the answer");
    else
        call_fail(c, FAIL_TOO_LARGE, "the answer would be larger than %d MiB", ANSWER_MAX >> 20);
}

struct failure {
    bool json;
    enum fail_code code;
    const char *message;
};

/* A message may quote what was typed: only text and line ends go out again. */
static void put_clean(struct text *t, struct slice s)
{
    while (s.len > 0) {
        const char *end = memchr(s.p, '\n', s.len);
        size_t n = end == NULL ? s.len : (size_t)(end - s.p);

        text_shown(t, slice_of(s.p, n));
        s = slice_from(s, n);
        if (s.len > 0) {
            text_char(t, '\n');
            s = slice_from(s, 1);
        }
    }
}

static void show_failure(struct text *t, struct admin *a, const void *arg)
{
    const struct failure *f = arg;
    struct json_out j;

    (void)a;
    text_str(t, "error: ");
    if (!f->json) {
        put_clean(t, slice_str(f->message));
        return;
    }
    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_open_object(&j, "error");
    json_cstr(&j, "code", fail_name(f->code));
    json_cstr(&j, "message", f->message);
    json_close(&j);
    json_close(&j);
}

/* A line that could not be understood is a writing command unless its first word is a reading one.
 */
static bool is_reading(struct slice line)
{
    const char *at = line.p;
    size_t n = 0;

    for (; line.len > 0 && (*at == ' ' || *at == '\t' || *at == '"'); line.len--)
        at++;
    while (n < line.len && ((at[n] >= 'a' && at[n] <= 'z') || at[n] == '-'))
        n++;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (slice_eq(slice_of(at, n), slice_str(command_rows[i].name)))
            return command_rows[i].right == RIGHT_READ;
    }
    return false;
}

static bool is_writing(const struct call *c)
{
    if (c->args == NULL)
        return false; /* an answer that came later: only reading commands have one */
    return c->args->row != NULL ? c->args->row->right == RIGHT_WRITE : !is_reading(c->line);
}

enum { LINE_SHOWN = 1024, RESULT_SHOWN = 400 };

/* The one place where what an operator did, or would have done, goes to the log. */
static void audit(const struct call *c, const char *result, const char *why)
{
    size_t first = strcspn(why, "\n"), line = c->line.len;

    if (!is_writing(c))
        return;
    log_info("command by uid %u: %.*s%s: %s%s%.*s", c->uid,
             (int)(line > LINE_SHOWN ? LINE_SHOWN : line), c->line.p, line > LINE_SHOWN ? "…" : "",
             result, first > 0 ? ": " : "", (int)(first > RESULT_SHOWN ? RESULT_SHOWN : first),
             why);
}

static void put_failure(struct call *c, enum fail_code code, const char *message)
{
    struct failure f = {c->json, code, message};

    audit(c, "refused", message);
    if (render_into(c->a, c->out, ANSWER_MAX, show_failure, &f) != WEIR_OK)
        put(c, SLICE_LIT("error: there is no memory for the answer"));
    end_answer(c);
}

void call_fail(struct call *c, enum fail_code code, const char *fmt, ...)
{
    char message[640];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    put_failure(c, code, message);
}

void call_done(struct call *c, const char *fmt, ...)
{
    char sentence[640], mem[2048];
    struct text t;
    struct json_out j;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    audit(c, "done", "");
    text_init(&t, mem, sizeof mem);
    if (c->json) {
        json_begin(&j, &t);
        json_open_object(&j, NULL);
        json_cstr(&j, "done", sentence);
        json_close(&j);
    } else {
        text_str(&t, sentence);
    }
    put(c, text_slice(&t));
    end_answer(c);
}

void call_refuse(struct call *c, enum fail_code code, const char *why)
{
    put_failure(c, code, why);
}

struct control_who call_who(const struct call *c, char line[COMMAND_LINE_MAX + 1])
{
    (void)snprintf(line, COMMAND_LINE_MAX + 1, "%.*s", (int)c->line.len, c->line.p);
    return (struct control_who){.uid = c->uid, .text = line, .here = c->args->here};
}

static enum fail_code parse_failure(enum command_parse p)
{
    return p == COMMAND_UNKNOWN ? FAIL_UNKNOWN_COMMAND : FAIL_USAGE;
}

void call_run(struct call *c, struct command_args *args)
{
    char mem[512];
    struct text why;
    enum command_parse p;
    const struct handler *h;

    text_init(&why, mem, sizeof mem);
    p = command_parse(c->line, false, args, &why);
    c->args = args;
    c->json = args->json;
    c->state = CALL_ANSWERED;
    if (p == COMMAND_EMPTY)
        return;
    if (p != COMMAND_OK) {
        call_fail(c, parse_failure(p), "%s", mem);
        return;
    }
    if (args->row->right == RIGHT_WRITE && !rights_may_write(c->a->rights, c->uid)) {
        call_fail(c, FAIL_NOT_ALLOWED, "not allowed: this uid may only read");
        return;
    }
    h = &handlers[args->row->id];
    h->run(c, h->param);
}

static void show_help_json(struct text *t, struct admin *a, const void *arg)
{
    const struct slice *only = arg;
    struct json_out j;

    (void)a;
    json_begin(&j, t);
    json_open_array(&j, NULL);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        if (only->len > 0 && !slice_eq(*only, slice_str(row->name)))
            continue;
        json_open_object(&j, NULL);
        json_cstr(&j, "command", row->name);
        json_cstr(&j, "arguments", row->args);
        json_cstr(&j, "right", row->right == RIGHT_READ ? "read" : "write");
        json_cstr(&j, "help", row->help);
        json_close(&j);
    }
    json_close(&j);
}

static void show_help(struct text *t, struct admin *a, const void *arg)
{
    const struct slice *only = arg;

    (void)a;
    if (only->len == 0)
        command_help(t, false);
    else if (command_help_one(t, *only, false) != WEIR_OK)
        WEIR_UNREACHABLE("a command that was known a moment ago");
}

void run_help(struct call *c, int param)
{
    struct slice only = c->args->text;
    bool known = only.len == 0;

    (void)param;
    for (int i = 0; i < COMMAND_COUNT && !known; i++)
        known = slice_eq(only, slice_str(command_rows[i].name));
    if (known)
        call_render(c, c->json ? show_help_json : show_help, &only);
    else
        call_fail(c, FAIL_UNKNOWN_COMMAND, "there is no command \"%.*s\" (see: help)",
                  (int)only.len, only.p);
}
