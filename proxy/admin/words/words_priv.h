/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_LEX_H
#define WEIR_ADMIN_LEX_H

#include <stdbool.h>

#include "weir/admin/rows.h"
#include "weir/base/slice.h"
#include "weir/base/status.h"
#include "weir/base/text.h"

/* Splits a command line into words.  Pure. */
enum { LEX_WORDS_MAX = 16 };

struct lex_word {
    struct slice value; /* without quotes and escapes */
    size_t at;          /* where it begins in the line */
    bool quoted;
};
struct lex_line {
    struct lex_word words[LEX_WORDS_MAX];
    int n;
    bool more; /* there are further words */
};

/*
 * Words are separated by blanks; double quotes join, with \" and \\ inside.  scratch (as long as
 * the line) holds the values of quoted words.  WEIR_BAD with a sentence in why.
 */
enum weir_status lex_split(struct slice line, struct lex_line *out, char *scratch,
                           struct text *why) WEIR_MUST_CHECK;

/* How a capital word of a pattern is read, and what to call it in a complaint (values.c). */
struct arg_row {
    const char *name, *means;
    bool (*take)(struct slice w, struct command_args *out);
};
/* NULL: the token is a word or a choice of words. */
const struct arg_row *arg_find(struct slice token);
/* The word is one of "a|b"; which one is kept in out->choices. */
bool arg_take_choice(struct slice w, struct slice token, struct command_args *out);

#endif
