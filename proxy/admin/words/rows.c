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

static int form_width(const struct command_row *row)
{
    return (int)(strlen(row->name) + strlen(row->args)) + (row->args[0] == '\0' ? 0 : 1);
}

static void help_form(struct text *t, const struct command_row *row, int width)
{
    text_printf(t, "  %s%s%s", row->name, row->args[0] == '\0' ? "" : " ", row->args);
    text_printf(t, "%*s%s\n", width - form_width(row) + 2, "", row->help);
}

/* The widest form of a command, or of all with the right where name is NULL. */
static int widest(bool local, enum command_right right, const struct slice *name)
{
    int width = 0;

    for (size_t i = 0; i < row_count(local); i++) {
        const struct command_row *row = &command_rows[i];
        bool counts = name == NULL ? row->right == right : slice_eq(*name, slice_str(row->name));
        if (counts && form_width(row) > width)
            width = form_width(row);
    }
    return width;
}

static void help_of(struct text *t, bool local, enum command_right right)
{
    int width = widest(local, right, NULL);

    for (size_t i = 0; i < row_count(local); i++) {
        if (command_rows[i].right == right)
            help_form(t, &command_rows[i], width);
    }
}

void command_help(struct text *t, bool local)
{
    text_str(t, "What can be read (add --json for programs):\n");
    help_of(t, local, RIGHT_READ);
    text_str(t, "What can be done (each is logged with its uid; TIME such as 90s, 30m, 2h; 30m "
                "where it is left out;\n"
                "those of a fleet hold on all nodes, with --here on this one):\n");
    help_of(t, local, RIGHT_WRITE);
}

enum weir_status command_help_one(struct text *t, struct slice name, bool local)
{
    int width = widest(local, RIGHT_READ, &name);

    if (width == 0)
        return WEIR_NOT_FOUND;
    for (size_t i = 0; i < row_count(local); i++) {
        if (slice_eq(name, slice_str(command_rows[i].name)))
            help_form(t, &command_rows[i], width);
    }
    return WEIR_OK;
}
