/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines from tables.  Runs before anything else; no state. */
#include "bench/common/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/common/units.h"
#include "weir/base/assert.h"
#include "weir/base/text.h"

enum { WORD_MAX = 48, HELP_COLUMN = 28 };

int edit_distance(const char *a, const char *b)
{
    int d[WORD_MAX + 1][WORD_MAX + 1];
    int n = (int)strnlen(a, WORD_MAX), m = (int)strnlen(b, WORD_MAX);

    for (int i = 0; i <= n; i++) {
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[n][m];
}

int cli_wrong(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "weir-bench %s: ", c->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return 2;
}

static void print_option(const struct opt *o)
{
    char left[128];
    int n;

    if (o->kind == OPT_HEADING) {
        (void)printf("\n%s:\n", o->help);
        return;
    }
    n = snprintf(left, sizeof left, "  --%s%s%s", o->name, o->arg == NULL ? "" : " ",
                 o->arg == NULL ? "" : o->arg);
    if (n < HELP_COLUMN - 1)
        (void)printf("%-*s", HELP_COLUMN, left);
    else
        (void)printf("%s\n%*s", left, HELP_COLUMN, "");
    for (const char *p = o->help; *p != '\0'; p++) {
        (void)putchar(*p);
        if (*p == '\n')
            (void)printf("%*s", HELP_COLUMN, "");
    }
    (void)putchar('\n');
}

static void print_help(const struct cli *c)
{
    (void)printf("weir-bench %s %s\n\n%s\n", c->name, c->usage, c->summary);
    if (c->n_opts > 0 && c->opts[0].kind != OPT_HEADING)
        (void)printf("\nOptions:\n");
    for (size_t i = 0; i < c->n_opts; i++)
        print_option(&c->opts[i]);
    if (c->more != NULL)
        (void)printf("\n%s\n", c->more);
}

static const struct opt *find(const struct cli *c, struct slice name)
{
    for (size_t i = 0; i < c->n_opts; i++) {
        if (c->opts[i].kind != OPT_HEADING && slice_eq(name, slice_str(c->opts[i].name)))
            return &c->opts[i];
    }
    return NULL;
}

static void complain_unknown(const struct cli *c, struct slice name)
{
    char word[WORD_MAX];
    const char *nearest = NULL;
    int best = 4;

    (void)snprintf(word, sizeof word, "%.*s", (int)name.len, name.p);
    for (size_t i = 0; i < c->n_opts; i++) {
        int d = c->opts[i].kind == OPT_HEADING ? best : edit_distance(word, c->opts[i].name);
        if (d < best) {
            best = d;
            nearest = c->opts[i].name;
        }
    }
    if (nearest != NULL)
        (void)cli_wrong(c, "no option --%s; did you mean --%s?", word, nearest);
    else
        (void)cli_wrong(c, "no option --%s; see weir-bench %s --help", word, c->name);
}

static bool set_count(const struct opt *o, const char *value, int64_t *out)
{
    uint64_t n;

    if (parse_u64(slice_str(value), INT64_MAX, &n) != WEIR_OK || (double)n < o->min ||
        (double)n > o->max)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool set_real(const struct opt *o, const char *value, double *out)
{
    double n;

    if (real_parse(slice_str(value), &n) != WEIR_OK || n < o->min || n > o->max)
        return false;
    *out = n;
    return true;
}

static bool set_duration(const struct opt *o, const char *value, uint64_t *out)
{
    uint64_t ns;

    if (duration_parse(slice_str(value), &ns) != WEIR_OK || (double)ns < o->min * 1e9 ||
        (double)ns > o->max * 1e9)
        return false;
    *out = ns;
    return true;
}

static bool add_to_list(const char *value, struct opt_list *list)
{
    if (list->n == OPT_LIST_MAX)
        return false;
    list->v[list->n++] = value;
    return true;
}

static bool set(const struct cli *c, const struct opt *o, const char *value, void *into)
{
    void *at = (char *)into + o->at;

    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)at = true;
        return true;
    case OPT_TEXT:
        *(const char **)at = value;
        return true;
    case OPT_COUNT:
        if (set_count(o, value, at))
            return true;
        (void)cli_wrong(c, "--%s %s: wanted a whole number from %.0f to %.0f", o->name, value,
                        o->min, o->max);
        return false;
    case OPT_REAL:
        if (set_real(o, value, at))
            return true;
        (void)cli_wrong(c, "--%s %s: wanted a number from %g to %g", o->name, value, o->min,
                        o->max);
        return false;
    case OPT_DURATION:
        if (set_duration(o, value, at))
            return true;
        (void)cli_wrong(c, "--%s %s: wanted a time with its unit (500ms, 2s, 3m), %gs to %gs",
                        o->name, value, o->min, o->max);
        return false;
    case OPT_LIST:
        if (add_to_list(value, at))
            return true;
        (void)cli_wrong(c, "--%s at most %d times", o->name, OPT_LIST_MAX);
        return false;
    case OPT_HEADING:
        break;
    }
    WEIR_UNREACHABLE("kind of option");
}

/* Handles argv[*i], "--name value" or "--name=value"; advances *i over a separate value. */
static bool take_option(const struct cli *c, int argc, char **argv, int *i, void *into)
{
    struct slice rest = slice_str(argv[*i] + 2);
    bool joined = memchr(rest.p, '=', rest.len) != NULL;
    struct slice name = next_part(&rest, '=');
    const struct opt *o = find(c, name);
    const char *value = joined ? rest.p : NULL;

    if (o == NULL) {
        complain_unknown(c, name);
        return false;
    }
    if (o->kind == OPT_FLAG && joined) {
        (void)cli_wrong(c, "--%s takes no value", o->name);
        return false;
    }
    if (o->kind != OPT_FLAG && !joined) {
        if (*i + 1 >= argc) {
            (void)cli_wrong(c, "--%s needs a value: %s", o->name, o->arg);
            return false;
        }
        value = argv[++*i];
    }
    return set(c, o, value, into);
}

enum cli_result cli_parse(const struct cli *c, int argc, char **argv, void *into, char ***words,
                          int *n_words)
{
    bool good = true;
    int kept = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(c);
            return CLI_HELP;
        }
        if (strncmp(argv[i], "--", 2) == 0) {
            good = take_option(c, argc, argv, &i, into) && good;
        } else if (words != NULL) {
            argv[++kept] = argv[i];
        } else {
            (void)cli_wrong(c, "'%s' is not expected here", argv[i]);
            good = false;
        }
    }
    if (words != NULL) {
        *words = argv + 1;
        *n_words = kept;
    }
    return good ? CLI_RUN : CLI_WRONG;
}
