/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands and the help that comes from it.  Pure; weir and weirctl share it. */
#include "weir/admin/rows.h"

#include <string.h>

const struct command_row command_rows[COMMAND_ALL_COUNT] = {
#define ROW(id, name, args, right, handler, param, help)                                           \
    {COMMAND_##id, name, args, RIGHT_##right, help},
    WEIR_COMMANDS(ROW) WEIR_LOCAL_COMMANDS(ROW)
#undef ROW
};

static size_t row_count(bool local)
{
    return local ? COMMAND_ALL_COUNT : COMMAND_COUNT;
}

bool command_pattern_next(const char **at, struct slice *word)
{
    const char *p = *at;
    size_t n;

    while (*p == ' ')
        p++;
    n = strcspn(p, " ");
    *word = slice_of(p, n);
    *at = p + n;
    return n > 0;
}

/* --- help */

static void help_form(struct text *t, const struct command_row *row, int width)
{
    int used = (int)(strlen(row->name) + strlen(row->args)) + (row->args[0] == '\0' ? 0 : 1);

    text_printf(t, "  %s%s%s", row->name, row->args[0] == '\0' ? "" : " ", row->args);
    text_printf(t, "%*s%s\n", used < width ? width - used + 2 : 2, "", row->help);
}

void command_help(struct text *t, bool local)
{
    text_str(t, "What can be read (add --json for programs):\n");
    for (size_t i = 0; i < row_count(local); i++) {
        if (command_rows[i].right == RIGHT_READ)
            help_form(t, &command_rows[i], 32);
    }
    text_str(t, "What can be done (each is logged with its uid; TIME such as 90s, 30m, 2h; 30m "
                "where it is left out):\n");
    for (size_t i = 0; i < row_count(local); i++) {
        if (command_rows[i].right == RIGHT_WRITE)
            help_form(t, &command_rows[i], 58);
    }
}

enum weir_status command_help_one(struct text *t, struct slice name, bool local)
{
    bool found = false;

    for (size_t i = 0; i < row_count(local); i++) {
        if (!slice_eq(name, slice_str(command_rows[i].name)))
            continue;
        help_form(t, &command_rows[i], 0);
        found = true;
    }
    return found ? WEIR_OK : WEIR_NOT_FOUND;
}
