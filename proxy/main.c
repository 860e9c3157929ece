/* SPDX-License-Identifier: Apache-2.0 */
/* weir: from the command line to what it asks for. */
#include <stdio.h>

#include "weir/base/log.h"
#include "weir/conf/cmdline.h"

static int usage(const char *why)
{
    (void)fprintf(stderr, "weir: %s\n", why);
    cmdline_usage(stderr);
    return CMDLINE_EXIT_USAGE;
}

static int check(const struct cmdline *c)
{
    struct settings *s = cmdline_settings(c, stderr);

    if (s == NULL)
        return CMDLINE_EXIT_SETTINGS;
    conf_print_check(s, stdout);
    settings_destroy(&s);
    return 0;
}

static int run(const struct cmdline *c)
{
    struct settings *s = cmdline_settings(c, stderr);

    if (s == NULL)
        return CMDLINE_EXIT_SETTINGS;
    settings_destroy(&s);
    log_error("this build has no workers: nothing started");
    return 1;
}

int main(int argc, char **argv)
{
    struct cmdline c;
    char why[160];

    if (cmdline_parse(&c, argc, argv, why, sizeof why) != WEIR_OK)
        return usage(why);
    switch (c.action) {
    case CMDLINE_RUN:
        return run(&c);
    case CMDLINE_CHECK:
        return check(&c);
    case CMDLINE_HELP:
        cmdline_help(stdout);
        break;
    case CMDLINE_VERSION:
        (void)puts("weir " WEIR_VERSION);
        break;
    case CMDLINE_SETTINGS:
        cmdline_print_reference(stdout);
        break;
    }
    return 0;
}
