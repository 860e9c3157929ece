/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that weir answers: send the line, show the answer, say errors where they belong. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "weir/base/json_out.h"

static void complain_json(const char *code, const char *message)
{
    char mem[8192];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    json_open_object(&j, "error");
    json_cstr(&j, "code", code);
    json_cstr(&j, "message", message);
    json_close(&j);
    json_close(&j);
    (void)fprintf(stderr, "%s\n", mem);
}

void ctl_complain(const struct ctl *c, const char *code, const char *fmt, ...)
{
    char message[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (c->json)
        complain_json(code, message);
    else
        (void)fprintf(stderr, "weirctl: %s\n", message);
}

bool answer_is_error(struct slice answer, struct slice *message)
{
    const struct slice mark = SLICE_LIT("error: ");

    if (!slice_starts(answer, mark))
        return false;
    *message = slice_from(answer, mark.len);
    while (message->len > 0 && message->p[message->len - 1] == '\n')
        message->len--;
    return true;
}

/* Errors from before weir reads a command have no JSON form of their own. */
static const char *code_of(struct slice message)
{
    if (slice_starts(message, SLICE_LIT("not allowed")))
        return "not_allowed";
    return slice_starts(message, SLICE_LIT("busy")) ? "busy" : "refused";
}

enum ctl_exit ctl_refused(const struct ctl *c, struct slice message)
{
    if (c->json && slice_starts(message, SLICE_LIT("{")))
        (void)fprintf(stderr, "%.*s\n", (int)message.len, message.p);
    else
        ctl_complain(c, code_of(message), "%.*s", (int)message.len, message.p);
    return CTL_REFUSED;
}

static enum ctl_exit no_answer(const struct ctl *c, const struct link *l, enum weir_status s)
{
    ctl_complain(c, "no_answer", "%s: %s", l->path,
                 s == WEIR_CLOSED ? "the connection was closed before an answer came"
                                  : "weir does not answer");
    return CTL_NO_ANSWER;
}

static enum ctl_exit reach(const struct ctl *c, struct link *l)
{
    char why[1024];

    if (link_open(l, c->socket, why, sizeof why))
        return CTL_DONE;
    ctl_complain(c, "no_answer", "%s", why);
    return CTL_NO_ANSWER;
}

/* Colour where words are states, and not where they are somebody's text. */
static bool is_painted(enum command_id id)
{
    return id == COMMAND_STATUS || id == COMMAND_UPSTREAMS || id == COMMAND_EVENTS;
}

enum ctl_exit ctl_ask(const struct ctl *c, const struct command_args *args, struct slice line)
{
    struct buf answer = BUF_INIT;
    struct slice message;
    struct link l;
    enum ctl_exit code = reach(c, &l);
    enum weir_status rc;

    if (code != CTL_DONE)
        return code;
    rc = link_answer(&l, line, &answer);
    if (answer_is_error(buf_slice(&answer), &message))
        code = ctl_refused(c, message);
    else if (rc != WEIR_OK)
        code = no_answer(c, &l, rc);
    else
        paint(buf_slice(&answer), c->colour && !c->json && is_painted(args->row->id));
    buf_free(&answer);
    link_close(&l);
    return code;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

enum ctl_exit ctl_watch(const struct ctl *c, struct slice line)
{
    struct sigaction act = {.sa_handler = on_interrupt}; /* no SA_RESTART: poll has to return */
    struct slice got, message;
    struct link l;
    enum ctl_exit code = reach(c, &l);
    enum weir_status rc = WEIR_OK;

    if (code != CTL_DONE)
        return code;
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    link_say(&l, line);
    while (!interrupted && (rc = link_line(&l, -1, &got)) == WEIR_OK) {
        if (answer_is_error(got, &message)) {
            code = ctl_refused(c, message);
            break;
        }
        paint(got, c->colour && !c->json);
        (void)putchar('\n');
        if (fflush(stdout) != 0)
            break; /* whoever read along is gone */
        buf_consume(&l.in, got.len + 1);
    }
    if (rc == WEIR_CLOSED || rc == WEIR_SYS) {
        ctl_complain(c, "no_answer", "weir has ended the connection");
        code = CTL_NO_ANSWER;
    }
    link_close(&l);
    return code;
}
