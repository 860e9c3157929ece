/* SPDX-License-Identifier: Apache-2.0 */
/* `config`: the settings in force and where each came from. */
#include <string.h>

#include "call/call.h"
#include "weir/admin/table.h"

struct dump {
    struct table *tab;
    struct json_out *j;
    struct slice only; /* part of the key; empty = all */
};

static bool holds(struct slice hay, struct slice needle)
{
    for (; hay.len >= needle.len; hay = slice_from(hay, 1)) {
        if (slice_starts(hay, needle))
            return true;
        if (hay.len == 0)
            break;
    }
    return false;
}

static void line_text(const char *key, const char *value, const char *origin, void *arg)
{
    struct dump *d = arg;

    if (!holds(slice_str(key), d->only))
        return;
    table_cell(d->tab, "%s", key);
    table_cell(d->tab, "%s", value);
    table_cell(d->tab, "%s", origin);
    table_end_row(d->tab);
}

static void line_json(const char *key, const char *value, const char *origin, void *arg)
{
    struct dump *d = arg;

    if (!holds(slice_str(key), d->only))
        return;
    json_open_object(d->j, NULL);
    json_cstr(d->j, "key", key);
    json_cstr(d->j, "value", value);
    json_cstr(d->j, "from", origin);
    json_close(d->j);
}

static void config_text(struct text *t, struct admin *a, const void *arg)
{
    struct table tab;
    struct dump d = {.tab = &tab, .only = *(const struct slice *)arg};

    for (table_begin(&tab, t, ""); table_pass(&tab);)
        conf_dump(control_settings(a->control), line_text, &d);
    if (t->len == 0)
        text_str(t, "no key holds these words\n");
}

static void config_json(struct text *t, struct admin *a, const void *arg)
{
    struct json_out j;
    struct dump d = {.j = &j, .only = *(const struct slice *)arg};

    json_begin(&j, t);
    json_open_array(&j, NULL);
    conf_dump(control_settings(a->control), line_json, &d);
    json_close(&j);
}

void run_config(struct call *c, int param)
{
    (void)param;
    call_render(c, c->json ? config_json : config_text, &c->args->text);
}
