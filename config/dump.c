/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in force, line by line, and what of them a reload can not change. */
#include <stdio.h>

#include "conf_priv.h"
#include "weir/base/hash.h"

enum { VALUE_MAX = 2048 };

static void format_texts(const struct conf_row *row, const char *base, struct text *out)
{
    char **list;
    size_t n;

    memcpy(&list, base + row->at, sizeof list);
    memcpy(&n, base + row->at_n, sizeof n);
    text_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        text_str(out, i == 0 ? "" : ", ");
        conf_quote(out, list[i], SIZE_MAX);
    }
    text_char(out, ']');
}

/* Enough to see that it is another one now, and nothing to use. */
static void hide(const char *string, struct text *out)
{
    static const struct hash_key key = {0x77656972, 0x68696465};

    text_printf(out, "(not shown, %08x)", (unsigned)(hash_keyed(key, slice_str(string)) >> 32));
}

static void format_value(const struct conf_row *row, const char *base, char out[VALUE_MAX])
{
    const char *string;
    struct text t;

    text_init(&t, out, VALUE_MAX);
    if (conf_is_scalar(row->type)) {
        conf_num_format(row, conf_num_fetch(row, base), &t);
    } else if (row->type == CONF_TEXT) {
        memcpy(&string, base + row->at, sizeof string);
        if (row->secret && string[0] != '\0')
            hide(string, &t);
        else
            conf_quote(&t, string, SIZE_MAX);
    } else {
        format_texts(row, base, &t);
    }
}

static void format_origin(const struct settings *s, const void *field, char *out, size_t size)
{
    const struct conf_origin *o = conf_origin_of(s, field, false);

    if (o == NULL)
        (void)snprintf(out, size, "default");
    else if (o->line == 0)
        (void)snprintf(out, size, "%s", o->file);
    else
        (void)snprintf(out, size, "%s:%d", o->file, o->line);
}

void conf_dump(const struct settings *s, conf_line_fn *fn, void *arg)
{
    char path[CONF_PATH_MAX], value[VALUE_MAX], origin[512];
    enum conf_walk_event e;
    struct conf_walk w;

    conf_walk_begin(&w, (struct settings *)(uintptr_t)s);
    while ((e = conf_walk_next(&w)) != WALK_END) {
        const struct walk_frame *top = conf_walk_top(&w);
        const struct conf_row *row;

        if (e != WALK_ROW || top->table->rows[top->row - 1].table != NULL)
            continue;
        row = &top->table->rows[top->row - 1];
        conf_walk_path(&w, row->key, path);
        format_value(row, top->base, value);
        format_origin(s, top->base + row->at, origin, sizeof origin);
        fn(path, value, origin, arg);
    }
}

size_t conf_not_live(const struct settings *now, const struct settings *next,
                     void (*fn)(const char *sentence, void *arg), void *arg)
{
    char was[VALUE_MAX], is[VALUE_MAX], sentence[2 * VALUE_MAX + 128];
    size_t n = 0;

    for (size_t i = 0; i < conf_root.n; i++) {
        const struct conf_row *row = &conf_root.rows[i];
        if (!row->not_live)
            continue;
        format_value(row, (const char *)now, was);
        format_value(row, (const char *)next, is);
        if (strcmp(was, is) == 0)
            continue;
        (void)snprintf(sentence, sizeof sentence,
                       "%s stays %s: a reload can not make it %s, a restart can", row->key, was,
                       is);
        fn(sentence, arg);
        n++;
    }
    return n;
}
