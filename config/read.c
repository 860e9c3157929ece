/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value: from a libconfig setting into its field, with the diagnostics that one value can have.
 * A wrong number leaves the default; a wrong string is kept, so that what refers to it is not
 * reported as well.
 */
#include <stdarg.h>
#include <stdio.h>

#include "read.h"
#include "weir/base/assert.h"

enum { TEXT_MAX = 320 };

void conf_place(const struct conf_load *l, const config_setting_t *setting, const char **file,
                int *line)
{
    *file = l->name;
    *line = (int)config_setting_source_line(setting);
    if (l->source != NULL)
        conf_source_place(l->source, *line, file, line);
}

/* How a value was written, near enough. */
static void format_setting(const config_setting_t *setting, struct text *out)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        text_printf(out, "%d", config_setting_get_int(setting));
        break;
    case CONFIG_TYPE_INT64:
        text_printf(out, "%lld", config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        text_printf(out, "%.10g", config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_BOOL:
        text_str(out, config_setting_get_bool(setting) != 0 ? "true" : "false");
        break;
    case CONFIG_TYPE_STRING:
        conf_quote(out, config_setting_get_string(setting), CONF_VALUE_MAX);
        break;
    case CONFIG_TYPE_GROUP:
        text_str(out, "{ … }");
        break;
    case CONFIG_TYPE_ARRAY:
        text_str(out, "[ … ]");
        break;
    default:
        text_str(out, "( … )");
        break;
    }
}

static bool is_secret(const struct conf_row *row, const config_setting_t *setting)
{
    return row->form != NULL && row->form->is_secret != NULL &&
           config_setting_type(setting) == CONFIG_TYPE_STRING &&
           row->form->is_secret(config_setting_get_string(setting));
}

void conf_wrong(struct conf_load *l, const struct conf_row *row, const config_setting_t *setting,
                const char *fmt, ...)
{
    char path[CONF_PATH_MAX], value[TEXT_MAX], what[TEXT_MAX];
    struct text t;
    const char *file;
    int line;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    text_init(&t, value, sizeof value);
    if (row->secret || is_secret(row, setting))
        text_str(&t, "(not shown)");
    else
        format_setting(setting, &t);
    conf_walk_path(&l->walk, row->key, path);
    conf_place(l, setting, &file, &line);
    conf_diagnostic(l->m, file, line, "%s = %s %s", path, value, what);
}

static const char *allowed(const struct conf_row *row, char out[TEXT_MAX])
{
    struct text t;

    text_init(&t, out, TEXT_MAX);
    text_str(&t, "allowed: ");
    conf_range_format(row, &t);
    return out;
}

/* The text of a value, as conf_num_parse reads it; NULL if it is no scalar. */
static const char *scalar_text(const config_setting_t *setting, char *room, size_t size)
{
    struct text t;

    if (!config_setting_is_scalar(setting))
        return NULL;
    if (config_setting_type(setting) == CONFIG_TYPE_STRING)
        return config_setting_get_string(setting);
    text_init(&t, room, size);
    if (config_setting_type(setting) == CONFIG_TYPE_FLOAT)
        text_printf(&t, "%.17g", config_setting_get_float(setting));
    else
        format_setting(setting, &t);
    return room;
}

static const char *nearest_word(const struct conf_word *words, const char *text)
{
    struct nearest near;

    nearest_begin(&near, text);
    for (const struct conf_word *w = words; w != NULL && w->word != NULL; w++)
        nearest_offer(&near, w->word);
    return nearest_found(&near);
}

static void wrong_unit(struct conf_load *l, const struct conf_row *row,
                       const config_setting_t *setting, const char *text)
{
    char right[64], range[TEXT_MAX];
    uint64_t bare;
    struct text t;

    if (parse_u64(slice_str(text), UINT64_MAX, &bare) == WEIR_OK) {
        text_init(&t, right, sizeof right);
        conf_bare_format(row, bare, &t);
        conf_wrong(l, row, setting, "lacks its unit: write \"%s\" (%s)", right,
                   allowed(row, range));
        return;
    }
    conf_wrong(l, row, setting, "is no %s: write a whole number and %s, such as \"%s\" (%s)",
               row->type == CONF_SIZE ? "size" : "duration",
               row->type == CONF_SIZE ? "B, KiB, MiB or GiB" : "ms, s, m, h or d",
               row->def != NULL && row->def[0] >= '0' && row->def[0] <= '9' ? row->def : row->min,
               allowed(row, range));
}

static void wrong_scalar(struct conf_load *l, const struct conf_row *row,
                         const config_setting_t *setting, const char *text)
{
    const char *near = text == NULL ? NULL : nearest_word(row->words, text);
    char range[TEXT_MAX];

    if (row->type == CONF_BOOL)
        conf_wrong(l, row, setting, "is neither true nor false, which are written without quotes");
    else if (row->type == CONF_COUNT)
        conf_wrong(l, row, setting, "is no whole number (%s)", allowed(row, range));
    else if (row->type == CONF_RATIO)
        conf_wrong(l, row, setting, "is no number (%s)", allowed(row, range));
    else if (near != NULL)
        conf_wrong(l, row, setting, "is not known (%s); did you mean \"%s\"?", allowed(row, range),
                   near);
    else if (row->type == CONF_WORD || text == NULL)
        conf_wrong(l, row, setting, "is not known (%s)", allowed(row, range));
    else
        wrong_unit(l, row, setting, text);
}

/* What kind of literal a row wants: numbers in quotes are as wrong as words without. */
static bool literal_fits(const struct conf_row *row, const config_setting_t *setting)
{
    int type = config_setting_type(setting);
    bool is_whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;

    switch (row->type) {
    case CONF_BOOL:
        return type == CONFIG_TYPE_BOOL;
    case CONF_COUNT:
        return is_whole;
    case CONF_RATIO:
        return is_whole || type == CONFIG_TYPE_FLOAT;
    case CONF_SIZE:
    case CONF_DURATION:
        return type == CONFIG_TYPE_STRING;
    case CONF_WORD:
        return is_whole || type == CONFIG_TYPE_STRING;
    case CONF_TEXT:
    case CONF_TEXTS:
    case CONF_GROUP:
    case CONF_LIST:
        break;
    }
    WEIR_UNREACHABLE("not a scalar");
}

static void read_scalar(struct conf_load *l, const struct conf_row *row,
                        const config_setting_t *setting, void *base)
{
    char room[64], range[TEXT_MAX];
    const char *text = scalar_text(setting, room, sizeof room);
    struct conf_num n = {0, 0, false};
    enum weir_status st = WEIR_BAD;

    if (text != NULL && literal_fits(row, setting))
        st = conf_num_parse(row, slice_str(text), &n);
    if (st == WEIR_OK && conf_num_in_range(row, n))
        conf_num_store(row, base, n);
    else if (st != WEIR_BAD || (row->type == CONF_COUNT && text != NULL && text[0] == '-'))
        conf_wrong(l, row, setting, "is out of range (%s)", allowed(row, range));
    else
        wrong_scalar(l, row, setting, text);
}

static void check_form(struct conf_load *l, const struct conf_row *row,
                       const config_setting_t *setting, const char *text)
{
    char room[TEXT_MAX];
    const struct conf_form *form = row->form;
    struct conf_num n;
    const char *why;

    if (row->words != NULL) {
        struct conf_row one = {.type = CONF_WORD, .key = row->key, .words = row->words};
        if (conf_num_parse(&one, slice_str(text), &n) != WEIR_OK)
            wrong_scalar(l, &one, setting, text);
        return;
    }
    why = text[0] == '\0' ? "it is empty" : form->wrong(text, room, sizeof room);
    if (why != NULL && strstr(why, "did you mean") != NULL)
        conf_wrong(l, row, setting, "is not %s: %s", form->name, why);
    else if (why != NULL)
        conf_wrong(l, row, setting, "is not %s: %s (written as %s)", form->name, why, form->shape);
}

static void store_text(struct conf_load *l, const struct conf_row *row, void *base,
                       const char *text)
{
    char *copy = conf_copy(l->s, text);

    memcpy((char *)base + row->at, &copy, sizeof copy);
}

static void read_text(struct conf_load *l, const struct conf_row *row,
                      const config_setting_t *setting, void *base)
{
    const char *text;

    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        conf_wrong(l, row, setting, "is no string: write %s in quotes", row->form->name);
        return;
    }
    text = config_setting_get_string(setting);
    store_text(l, row, base, text);
    /* Where nothing is the default, "" says so once more. */
    if (text[0] == '\0' && !row->required && (row->def == NULL || row->empty_too))
        return;
    check_form(l, row, setting, text);
}

static void store_texts(const struct conf_row *row, void *base, char **list, size_t n)
{
    memcpy((char *)base + row->at, &list, sizeof list);
    memcpy((char *)base + row->at_n, &n, sizeof n);
}

static void read_texts(struct conf_load *l, const struct conf_row *row,
                       const config_setting_t *setting, void *base)
{
    bool one = config_setting_type(setting) == CONFIG_TYPE_STRING;
    bool is_list = config_setting_is_list(setting) || config_setting_is_array(setting);
    size_t n = one ? 1 : (size_t)config_setting_length(setting);
    char **list;

    if (!one && !is_list) {
        conf_wrong(l, row, setting, "is no list of strings: write [ \"…\", \"…\" ]");
        return;
    }
    list = conf_alloc(l->s, n, sizeof list[0]);
    if (list == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        const config_setting_t *e =
            one ? setting
                : config_setting_get_elem((config_setting_t *)(uintptr_t)setting, (unsigned)i);
        const char *text =
            config_setting_type(e) == CONFIG_TYPE_STRING ? config_setting_get_string(e) : NULL;

        list[i] = conf_copy(l->s, text == NULL ? "" : text);
        if (text == NULL)
            conf_wrong(l, row, e, "is no string in quotes");
        else
            check_form(l, row, e, text);
    }
    store_texts(row, base, list, n);
}

static void set_default(struct conf_load *l, const struct conf_row *row, void *base)
{
    struct conf_num n = {0, 0, false};
    enum weir_status st;

    if (row->type == CONF_TEXT) {
        store_text(l, row, base, row->def == NULL ? "" : row->def);
    } else if (conf_is_scalar(row->type) && row->def != NULL) {
        st = conf_num_parse(row, slice_str(row->def), &n);
        WEIR_ASSERT(st == WEIR_OK);
        conf_num_store(row, base, n);
    }
}

void conf_read_row(struct conf_load *l, const struct conf_row *row, const config_setting_t *setting,
                   void *base)
{
    set_default(l, row, base);
    if (setting == NULL)
        return;
    if (conf_is_scalar(row->type))
        read_scalar(l, row, setting, base);
    else if (row->type == CONF_TEXT)
        read_text(l, row, setting, base);
    else
        read_texts(l, row, setting, base);
}
