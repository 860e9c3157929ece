/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_SCAN_H
#define WEIR_CONF_SCAN_H

#include "conf_priv.h"

/*
 * Looks at the lines of a settings file before libconfig does, and writes them out for it.  Knows
 * as much of the notation as it needs: strings, comments, numbers, bare words.
 */
struct scan {
    char *text; /* what libconfig gets; NUL at the end */
    size_t len, room;
    bool failed;     /* no memory: text is not whole, or NULL */
    int line_out;    /* number of the next line written, from 1 */
    bool in_comment; /* inside one that goes on over lines */
    int comment_line;
    char last; /* the last character that means something */
};

void file_scan_begin(struct scan *s);
/* A line without its end, the number-th of file.  Diagnostics go to m. */
void scan_line(struct scan *s, struct slice line, const char *file, int number,
               struct conf_diagnostics *m);
/* A file ends: whatever is open in it is a diagnostic. */
void scan_end(struct scan *s, const char *file, struct conf_diagnostics *m);
/* Is this line an include, and of what? */
bool scan_include(const struct scan *s, struct slice line, struct slice *name);

#endif
