/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_CLI_H
#define BENCH_COMMON_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Command lines as tables: a row is an option, its place in the caller's struct, its range and its
 * help.  Parsing, --help and complaints (with the nearest known spelling) come from the rows.
 */
enum opt_kind {
    OPT_FLAG,     /* bool */
    OPT_TEXT,     /* const char *, points into argv */
    OPT_COUNT,    /* int64_t */
    OPT_REAL,     /* double; "40%" is 0.4 */
    OPT_DURATION, /* uint64_t nanoseconds; min and max in seconds */
    OPT_LIST,     /* struct opt_list: may be given several times */
    OPT_HEADING,  /* no option: a line that groups those after it in --help */
};

enum { OPT_LIST_MAX = 16 };
struct opt_list {
    const char *v[OPT_LIST_MAX];
    size_t n;
};

struct opt {
    const char *name; /* without the dashes */
    const char *arg;  /* how the value is called in the help */
    enum opt_kind kind;
    size_t at; /* offsetof */
    double min, max;
    const char *help;
};

struct cli {
    const char *name;    /* of the subcommand */
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *more;    /* after the options in --help, or NULL */
    const struct opt *opts;
    size_t n_opts;
};

enum cli_result { CLI_RUN, CLI_HELP, CLI_WRONG };

/*
 * Reads argv[1..] into *into.  Words that are no options are kept in order: *words points at them
 * in argv, *n_words of them; NULL allows none.  CLI_HELP: help was asked for and printed on stdout.
 * CLI_WRONG: complaints are on stderr, all of them; exit with 2.
 */
enum cli_result cli_parse(const struct cli *c, int argc, char **argv, void *into, char ***words,
                          int *n_words);

/* One line on stderr in the form of the parser's own complaints.  Returns 2, the exit code. */
int cli_wrong(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Edits (insert, delete, replace, swap) that lead from a to b, for "did you mean". */
int edit_distance(const char *a, const char *b);

#endif
