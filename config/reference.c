/* SPDX-License-Identifier: Apache-2.0 */
/* The reference page of the settings, from the table: docs/settings.md. */
#include <stdio.h>

#include "conf_priv.h"
#include "weir/base/assert.h"

enum { LINE_MAX_BYTES = 1024, TABLES_MAX = 32 };

struct page {
    void (*fn)(const char *line, void *arg);
    void *arg;
    const struct conf_table *tables[TABLES_MAX]; /* in the order of their appearance */
    size_t n;
};

static const char intro[] =
    "<!-- Made by `weir --settings` from the table in config/; `./dev lint` compares. -->\n"
    "# Settings\n"
    "\n"
    "The file is written in the notation of libconfig: `key = value;`, groups in `{ }`, lists of\n"
    "groups in `( { }, { } )`, lists of strings in `[ ]`, comments after `#` or `//`, other files "
    "by\n"
    "`@include \"file.cfg\"` on a line of its own, looked for beside the file that includes them.\n"
    "Durations carry `ms`, `s`, `m`, `h` or `d`, sizes `B`, `KiB`, `MiB` or `GiB`, both in "
    "quotes:\n"
    "`\"500ms\"`, `\"32KiB\"`. A key that is not here, a value out of its range, a file that can "
    "not\n"
    "be read: `weir --check -c FILE` tells all errors at once, and nothing is started. After a\n"
    "reload (SIGHUP, `weirctl reload`) all settings but those marked *restart* are in force.\n"
    "\n"
    "Only `pools` has no default. [weir.cfg](weir.cfg) is an example with comments.";

static void put_lines(struct page *p, const char *text)
{
    char line[LINE_MAX_BYTES];

    for (;;) {
        size_t n = strcspn(text, "\n");
        WEIR_ASSERT(n < sizeof line);
        memcpy(line, text, n);
        line[n] = '\0';
        p->fn(line, p->arg);
        if (text[n] == '\0')
            return;
        text += n + 1;
    }
}

static const char *type_name(const struct conf_row *row)
{
    switch (row->type) {
    case CONF_BOOL:
        return "";
    case CONF_COUNT:
        return "number";
    case CONF_RATIO:
        return "number";
    case CONF_SIZE:
        return "size";
    case CONF_DURATION:
        return "duration";
    case CONF_WORD:
        return "";
    case CONF_TEXT:
        return row->form->name;
    case CONF_TEXTS:
        return row->form == NULL ? "list" : "list; each";
    case CONF_GROUP:
        return "group";
    case CONF_LIST:
        return "list of groups";
    }
    WEIR_UNREACHABLE("conf_type");
}

static void put_value(const struct conf_row *row, struct text *t)
{
    text_str(t, type_name(row));
    if (row->type == CONF_TEXTS && row->form != NULL)
        text_printf(t, " %s", row->form->name);
    if (row->form != NULL)
        text_printf(t, ": %s", row->form->shape);
    if (row->min != NULL || row->words != NULL || row->type == CONF_BOOL) {
        text_str(t, type_name(row)[0] == '\0' ? "" : ", ");
        conf_range_format(row, t);
    }
    if (row->unit != NULL)
        text_printf(t, " %s", row->unit);
}

static void put_default(const struct conf_row *row, struct text *t)
{
    bool quoted = row->type == CONF_TEXT || row->type == CONF_SIZE || row->type == CONF_DURATION;

    if (row->def_words != NULL)
        text_str(t, row->def_words);
    else if (row->table != NULL || row->required)
        text_str(t, row->required ? "– (required)" : "");
    else if (row->def != NULL && (quoted || (row->type == CONF_WORD && row->def[0] >= 'a')))
        text_printf(t, "\"%s\"", row->def);
    else if (row->def != NULL)
        text_str(t, row->def);
}

static void put_row(struct page *p, const struct conf_row *row)
{
    char line[LINE_MAX_BYTES];
    struct text t;

    text_init(&t, line, sizeof line);
    text_printf(&t, "| `%s` | ", row->key);
    put_default(row, &t);
    text_str(&t, " | ");
    put_value(row, &t);
    text_printf(&t, " | %s%s |", row->help, row->not_live ? " (*restart*)" : "");
    WEIR_ASSERT(!t.full);
    p->fn(line, p->arg);
}

static void put_table(struct page *p, const struct conf_table *table)
{
    char line[LINE_MAX_BYTES];

    (void)snprintf(line, sizeof line,
                   "\n## %s%s%s\n\n%s\n\n| key | default | value | |\n| --- | --- | --- | --- |",
                   table->name[0] == '\0' ? "At the top" : "`", table->name,
                   table->name[0] == '\0' ? "" : "`", table->about);
    put_lines(p, line);
    for (size_t i = 0; i < table->n; i++)
        put_row(p, &table->rows[i]);
}

/* A table's own tables follow it at once: listeners[], listeners[].tls, listeners[].tls.sni[]. */
static void collect(struct page *p)
{
    p->tables[p->n++] = &conf_root;
    for (size_t at = 0; at < p->n; at++) {
        size_t next = at + 1;

        for (size_t i = 0; i < p->tables[at]->n; i++) {
            const struct conf_table *inner = p->tables[at]->rows[i].table;
            if (inner == NULL)
                continue;
            WEIR_ASSERT(p->n < TABLES_MAX);
            memmove(&p->tables[next + 1], &p->tables[next], (p->n - next) * sizeof p->tables[0]);
            p->tables[next++] = inner;
            p->n++;
        }
    }
}

void conf_reference(void (*fn)(const char *line, void *arg), void *arg)
{
    struct page p = {.fn = fn, .arg = arg};

    collect(&p);
    put_lines(&p, intro);
    for (size_t i = 0; i < p.n; i++)
        put_table(&p, p.tables[i]);
}
