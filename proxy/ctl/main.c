/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weirctl: asks a running weir and passes commands on.  Reads the command line, checks the command
 * by the rows that weir has too, and leaves the rest to the files beside this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

struct cmdline {
    struct ctl ctl;
    int first; /* of the command's words */
    bool help, version, here;
    const char *names; /* of the completion scripts */
    const char *bad;   /* an option we do not know */
};

/* A flag counts wherever it is a word of its own. */
static bool take_flag(struct cmdline *l, const char *word)
{
    if (strcmp(word, "--json") == 0)
        l->ctl.json = true;
    else if (strcmp(word, "--here") == 0)
        l->here = true;
    else
        return false;
    return true;
}

static void parse_options(struct cmdline *l, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc && argv[i][0] == '-' && l->bad == NULL; i++) {
        if (take_flag(l, argv[i]))
            continue;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            l->help = true;
        else if (strcmp(argv[i], "--version") == 0)
            l->version = true;
        else if (strncmp(argv[i], "--socket=", 9) == 0)
            l->ctl.socket = argv[i] + 9;
        else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
            l->ctl.socket = argv[++i];
        else if (strcmp(argv[i], "--names") == 0 && i + 1 < argc)
            l->names = argv[++i];
        else
            l->bad = argv[i];
    }
    l->first = i;
}

/* A word of the shell's as a word of the line: quoted where a blank or a quote would tear it. */
static void put_word(struct text *t, const char *word)
{
    bool plain = word[0] != '\0' && strpbrk(word, " \t\"\\") == NULL &&
                 strcmp(word, "--json") != 0 && strcmp(word, "--here") != 0;

    if (plain) {
        text_str(t, word);
        return;
    }
    text_char(t, '"');
    for (; *word != '\0'; word++) {
        if (*word == '"' || *word == '\\')
            text_char(t, '\\');
        text_char(t, *word);
    }
    text_char(t, '"');
}

/* The words of the shell as a line, without the flags. */
static void make_line(struct text *t, struct cmdline *l, int argc, char **argv)
{
    for (int i = l->first; i < argc; i++) {
        if (i > l->first && take_flag(l, argv[i]))
            continue;
        if (t->len > 0)
            text_char(t, ' ');
        put_word(t, argv[i]);
    }
}

/* The line with a flag right behind the command, as weir is told it. */
static void put_flag(struct text *t, struct slice line, const char *flag)
{
    const char *end = memchr(line.p, ' ', line.len);
    size_t n = end == NULL ? line.len : (size_t)(end - line.p);

    text_put(t, slice_of(line.p, n));
    text_char(t, ' ');
    text_str(t, flag);
    text_put(t, slice_from(line, n));
}

static enum ctl_exit run(const struct ctl *c, const struct command_args *args, struct slice line)
{
    static char mem[COMMAND_LINE_MAX + 64];
    struct text told;

    if (args->row->id == COMMAND_TOP)
        return ctl_top(c);
    if (args->row->id == COMMAND_COMPLETION)
        return ctl_completion(args->choices[0]);
    if (args->row->id == COMMAND_HELP && !c->json)
        return ctl_help(c, args->text);
    text_init(&told, mem, sizeof mem);
    if (c->json)
        put_flag(&told, line, "--json");
    else
        text_put(&told, line);
    text_char(&told, '\n');
    if (args->row->id == COMMAND_WATCH)
        return ctl_watch(c, text_slice(&told));
    return ctl_ask(c, args, text_slice(&told));
}

static enum ctl_exit run_words(struct cmdline *l, int argc, char **argv)
{
    static char mem[COMMAND_LINE_MAX * 2], here[COMMAND_LINE_MAX * 2 + 8];
    static struct command_args args;
    char why_mem[512];
    struct text line, why;

    text_init(&line, mem, sizeof mem);
    text_init(&why, why_mem, sizeof why_mem);
    make_line(&line, l, argc, argv);
    if (l->here && line.len > 0) {
        struct text told;

        text_init(&told, here, sizeof here);
        put_flag(&told, text_slice(&line), "--here");
        line = told;
    }
    switch (command_parse(text_slice(&line), true, &args, &why)) {
    case COMMAND_OK:
        return run(&l->ctl, &args, text_slice(&line));
    case COMMAND_EMPTY:
        (void)ctl_help(&l->ctl, SLICE_NONE);
        return CTL_USAGE;
    case COMMAND_UNKNOWN:
        ctl_complain(&l->ctl, "unknown_command", "%s", why_mem);
        return CTL_USAGE;
    case COMMAND_USAGE:
        ctl_complain(&l->ctl, "usage", "%s", why_mem);
        return CTL_USAGE;
    }
    return CTL_USAGE;
}

static bool wants_colour(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && term != NULL &&
           strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
    struct cmdline l = {0};
    enum ctl_exit code;

    parse_options(&l, argc, argv);
    l.ctl.colour = wants_colour();
    if (l.bad != NULL) {
        ctl_complain(&l.ctl, "usage", "there is no option \"%s\" (see: weirctl help)", l.bad);
        return CTL_USAGE;
    }
    if (l.version) {
        (void)puts("weirctl " WEIR_VERSION);
        return CTL_DONE;
    }
    if (l.help)
        return ctl_help(&l.ctl, SLICE_NONE);
    code = l.names != NULL ? ctl_names(&l.ctl, l.names) : run_words(&l, argc, argv);
    return fflush(stdout) == 0 ? (int)code : CTL_REFUSED;
}
