/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_CMDLINE_H
#define WEIR_CONF_CMDLINE_H

#include <stdio.h>

#include "weir/base/status.h"
#include "weir/conf/settings.h"

/*
 * The command line of `weir`.  A bad one is exit status CMDLINE_EXIT_USAGE, a bad settings file
 * CMDLINE_EXIT_SETTINGS.
 */
enum { CMDLINE_EXIT_SETTINGS = 1, CMDLINE_EXIT_USAGE = 2 };

enum cmdline_action {
    CMDLINE_RUN,
    CMDLINE_CHECK,    /* verify the settings, print what would run, bind nothing */
    CMDLINE_HELP,     /* cmdline_help to stdout, exit 0 */
    CMDLINE_VERSION,  /* "weir VERSION", exit 0 */
    CMDLINE_SETTINGS, /* conf_reference to stdout, exit 0 */
};

/* Strings are argv's.  For RUN and CHECK exactly one of file and upstream is set. */
struct cmdline {
    enum cmdline_action action;
    const char *file;
    const char *upstream;
    const char *listen;   /* NULL: the default address; only with upstream */
    bool verbose;         /* VERSION: the linked libraries as well */
    bool online;          /* CHECK: the upstreams are tried as well */
    const char *generate; /* CHECK, online: the model of a generation; NULL: none */
};

/* WEIR_BAD: a sentence part that says what is wrong in `why`. */
enum weir_status cmdline_parse(struct cmdline *c, int argc, char *const *argv, char *why,
                               size_t why_room) WEIR_MUST_CHECK;

void cmdline_help(FILE *out);
/* The two lines that follow a complaint. */
void cmdline_usage(FILE *out);

/* The settings of a RUN or CHECK, as conf_load; every diagnostic as a line on `err`, NULL then. */
struct settings *cmdline_settings(const struct cmdline *c, FILE *err);

/* Every row of the reference, for CMDLINE_SETTINGS. */
void cmdline_print_reference(FILE *out);

#endif
