/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CTL_CTL_H
#define WEIR_CTL_CTL_H

#include <stdbool.h>

#include "link.h"
#include "weir/admin/rows.h"

/* weirctl: one command of an operator, from the shell. */

enum ctl_exit {
    CTL_DONE = 0,
    CTL_REFUSED = 1,  /* weir said no */
    CTL_USAGE = 2,    /* there is no such command, or not with these arguments */
    CTL_NO_ANSWER = 3 /* nothing answers on the socket */
};

struct ctl {
    const char *socket; /* NULL: the default places */
    bool json;
    bool colour; /* stdout is a terminal that knows colours */
};

/* An error on stderr: "weirctl: ..." or, with --json, {"error":{"code","message"}}. */
void ctl_complain(const struct ctl *c, const char *code, const char *fmt, ...) WEIR_PRINTF(3, 4);

/* Sends the line and shows the answer. */
enum ctl_exit ctl_ask(const struct ctl *c, const struct command_args *args, struct slice line);
enum ctl_exit ctl_watch(const struct ctl *c, struct slice line);
enum ctl_exit ctl_help(const struct ctl *c, struct slice command);
enum ctl_exit ctl_completion(struct slice shell);
/* Names for the completion script: "pools" or "upstreams", one a line; silent when none answers. */
enum ctl_exit ctl_names(const struct ctl *c, const char *what);
enum ctl_exit ctl_top(const struct ctl *c);

/* Is it "error: ..."?  Then *message is the rest. */
bool answer_is_error(struct slice answer, struct slice *message);
/* Says an error of weir's in the form asked for; the exit status it means. */
enum ctl_exit ctl_refused(const struct ctl *c, struct slice message);

/* Writes text to stdout with the words of states in colour. */
void paint(struct slice text, bool colour);

#endif
