/* SPDX-License-Identifier: Apache-2.0 */
/* Help, from the rows; needs no running weir. */
#include <stdio.h>

#include "ctl.h"

static const char usage[] =
    "usage: weirctl [--socket PATH] [--json] [--here] COMMAND ...\n"
    "  --socket PATH  where weir listens; else $RUNTIME_DIRECTORY/admin.sock,\n"
    "                 $XDG_RUNTIME_DIR/weir/admin.sock, /run/weir/admin.sock and a folder for the\n"
    "                 user under $TMPDIR or /tmp, whichever answers first\n"
    "  --json         answers and errors for programs\n"
    "  --here         for this node alone, not for its whole fleet\n"
    "Ends with 0: done, 1: weir refused it, 2: no such command, 3: nothing answers.\n";

enum ctl_exit ctl_help(const struct ctl *c, struct slice command)
{
    char mem[16384];
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (command.len == 0) {
        text_str(&t, usage);
        command_help(&t, true);
    } else if (command_help_one(&t, command, true) != WEIR_OK) {
        ctl_complain(c, "unknown_command", "there is no command \"%.*s\" (see: weirctl help)",
                     (int)command.len, command.p);
        return CTL_USAGE;
    }
    (void)fputs(mem, stdout);
    return CTL_DONE;
}
