/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: one loop over the settings table that reads, range-checks and fills in defaults, beside
 * the tree that libconfig has made of the file.  The only place, with read.c, that knows libconfig.
 */
#include <stdlib.h>

#include "read.h"
#include "weir/base/assert.h"
#include "weir/base/memory.h"

/* For what libconfig makes of the shortest text, its parser's own tables included. */
enum { LIBCONFIG_BYTES = 1 << 20 };

static const config_setting_t *member(const config_setting_t *group, const char *key)
{
    if (group == NULL)
        return NULL;
    return config_setting_get_member((config_setting_t *)(uintptr_t)group, key);
}

static const config_setting_t *element(const config_setting_t *list, size_t i)
{
    return config_setting_get_elem((config_setting_t *)(uintptr_t)list, (unsigned)i);
}

/* The setting behind the table in which the walk is; NULL where the file does not have it. */
static const config_setting_t *here(struct conf_load *l)
{
    return conf_walk_top(&l->walk)->tag;
}

static void note_origin(struct conf_load *l, const config_setting_t *setting, const void *field,
                        bool item)
{
    const char *file;
    int line;

    conf_place(l, setting, &file, &line);
    conf_origin_add(l->s, field, item, file, line);
}

/* Does a key that is unknown here belong to another table?  Says to which, the first that has it.
 */
static bool known_elsewhere(const struct conf_row *row, const char *key)
{
    for (size_t i = 0; row->table != NULL && i < row->table->n; i++)
        if (strcmp(row->table->rows[i].key, key) == 0)
            return true;
    return false;
}

static void hint(struct conf_load *l, const char *key, struct text *out)
{
    const struct walk_frame *top = conf_walk_top(&l->walk);
    const struct walk_frame *above = l->walk.depth > 0 ? top - 1 : top;
    struct nearest near;

    nearest_begin(&near, key);
    for (size_t i = 0; i < top->table->n; i++)
        nearest_offer(&near, top->table->rows[i].key);
    if (nearest_found(&near) != NULL) {
        text_printf(out, "; did you mean \"%s\"?", nearest_found(&near));
        return;
    }
    for (size_t i = 0; i < above->table->n; i++) {
        const struct conf_row *row = &above->table->rows[i];
        if (above != top && strcmp(row->key, key) == 0)
            text_str(out, "; it belongs outside of this group, one level up");
        else if (known_elsewhere(row, key))
            text_printf(out, "; it belongs in %s", row->key);
        else
            continue;
        return;
    }
    text_str(out, "; known here:");
    for (size_t i = 0; i < top->table->n; i++)
        text_printf(out, "%s %s", i == 0 ? "" : ",", top->table->rows[i].key);
}

static void check_keys(struct conf_load *l)
{
    const struct conf_table *t = conf_walk_top(&l->walk)->table;
    const config_setting_t *group = here(l);
    int n = group == NULL ? 0 : config_setting_length(group);

    for (int i = 0; i < n; i++) {
        const config_setting_t *e = element(group, (size_t)i);
        const char *key = config_setting_name(e);
        char text[480], path[CONF_PATH_MAX];
        struct text h;
        const char *file;
        int line;
        size_t row = 0;

        while (row < t->n && strcmp(t->rows[row].key, key) != 0)
            row++;
        if (row < t->n)
            continue;
        text_init(&h, text, sizeof text);
        hint(l, key, &h);
        conf_walk_path(&l->walk, key, path);
        conf_place(l, e, &file, &line);
        conf_diagnostic(l->m, file, line, "%s is no key that weir knows%s", path, text);
    }
}

static void check_required(struct conf_load *l)
{
    const struct conf_table *t = conf_walk_top(&l->walk)->table;
    char path[CONF_PATH_MAX];
    const char *file;
    int line;

    for (size_t i = 0; here(l) != NULL && i < t->n; i++) {
        if (!t->rows[i].required || member(here(l), t->rows[i].key) != NULL)
            continue;
        conf_walk_path(&l->walk, t->rows[i].key, path);
        conf_place(l, here(l), &file, &line);
        conf_diagnostic(l->m, file, l->walk.depth == 0 ? 0 : line, "%s is missing: %s", path,
                        t->rows[i].help);
    }
}

static void read_group(struct conf_load *l, const struct conf_row *row,
                       const config_setting_t *setting, char *base)
{
    bool given = setting != NULL && config_setting_is_group(setting);

    if (setting != NULL && !given)
        conf_wrong(l, row, setting, "is no group: write %s = { … };", row->key);
    if (row->has_is)
        memcpy(base + row->at_is, &given, sizeof given);
}

/* Makes the array; the walk then goes through its elements. */
static void read_list(struct conf_load *l, const struct conf_row *row,
                      const config_setting_t *setting, char *base)
{
    bool is_list = setting != NULL && config_setting_is_list(setting);
    size_t n = is_list ? (size_t)config_setting_length(setting) : 0;
    size_t most = row->most == 0 ? CONF_ITEMS_MAX : row->most;
    void *array;

    if (setting != NULL && !is_list)
        conf_wrong(l, row, setting, "is no list of groups: write %s = ( { … }, { … } );", row->key);
    else if (setting != NULL && n == 0 && row->at_least_one)
        conf_wrong(l, row, setting, "is empty: at least one is needed");
    if (n > most) {
        conf_wrong(l, row, setting, "has %zu elements (allowed: %zu)", n, most);
        n = most;
    }
    if (n == 0 && row->one_if_absent)
        n = 1;
    array = conf_alloc(l->s, n, row->table->size);
    if (array == NULL)
        n = 0;
    memcpy(base + row->at, &array, sizeof array);
    memcpy(base + row->at_n, &n, sizeof n);
}

static void on_row(struct conf_load *l)
{
    const struct walk_frame *top = conf_walk_top(&l->walk);
    const struct conf_row *row = &top->table->rows[top->row - 1];
    const config_setting_t *setting = member(here(l), row->key);

    if (row->type == CONF_GROUP)
        read_group(l, row, setting, top->base);
    else if (row->type == CONF_LIST)
        read_list(l, row, setting, top->base);
    else
        conf_read_row(l, row, setting, top->base);
    if (setting != NULL && row->type != CONF_GROUP)
        note_origin(l, setting, top->base + row->at, false);
    if (top->row < top->table->n)
        return;
    check_keys(l); /* at the last row: by now the name, which messages use, is known */
    check_required(l);
}

static void wrong_element(struct conf_load *l, const struct conf_row *row,
                          const config_setting_t *setting)
{
    char path[CONF_PATH_MAX];
    const char *file;
    int line;

    conf_walk_path(&l->walk, NULL, path);
    conf_place(l, setting, &file, &line);
    conf_diagnostic(l->m, file, line, "%s is not %s: write { … }", path, row->table->each);
}

/* Finds the setting of the table that begins here. */
static void on_enter(struct conf_load *l)
{
    struct walk_frame *top = conf_walk_top(&l->walk), *above = top - 1;
    const struct conf_row *row = &above->table->rows[above->row - 1];
    const config_setting_t *setting = member(above->tag, row->key);

    if (setting != NULL && row->type == CONF_LIST) {
        setting = config_setting_is_list(setting) ? element(setting, top->item) : NULL;
        if (setting != NULL && !config_setting_is_group(setting))
            wrong_element(l, row, setting);
        if (setting != NULL)
            note_origin(l, setting, top->base, true);
    }
    top->tag = setting != NULL && config_setting_is_group(setting) ? setting : NULL;
}

static void read_tree(struct conf_load *l, const config_setting_t *root)
{
    enum conf_walk_event e;

    conf_walk_begin(&l->walk, l->s);
    conf_walk_top(&l->walk)->tag = root;
    while ((e = conf_walk_next(&l->walk)) != WALK_END) {
        if (e == WALK_ROW)
            on_row(l);
        else if (e == WALK_ENTER)
            on_enter(l);
    }
    conf_origins_sort(l->s);
}

/* What is verified is whole: without memory, parts are missing that the rest relies on. */
static void fill(struct conf_load *l, const config_t *tree, const char *name, bool is_file)
{
    l->name = conf_copy(l->s, name);
    l->s->file = is_file ? conf_copy(l->s, name) : conf_copy(l->s, "");
    read_tree(l, config_root_setting(tree));
    if (conf_settings_failed(l->s))
        return;
    conf_derive(l->s);
    if (!conf_settings_failed(l->s))
        conf_verify(l->s, l->m);
}

/* From the tree to a snapshot without diagnostics, or NULL. */
static struct settings *settings_of(const config_t *tree, const struct conf_source *source,
                                    const char *name, bool is_file, struct conf_diagnostics *m)
{
    struct settings *s = conf_settings_new();
    struct conf_load l = {.s = s, .m = m, .source = source};

    if (s != NULL)
        fill(&l, tree, name, is_file);
    if (s == NULL || conf_settings_failed(s))
        conf_no_memory(m);
    conf_diagnostics_sort(m, name);
    if (m->n > 0)
        settings_destroy(&s);
    return s;
}

/*
 * libconfig does not look whether it got the memory it asked for.  Before it runs there is room for
 * all that it makes of a text: "(1)," in a list, its most for the fewest characters, is some 340
 * bytes in five pieces.
 */
static struct memory_room *room_for(size_t text_len)
{
    return memory_room_take(LIBCONFIG_BYTES + 128 * text_len);
}

static void syntax_diagnostic(const config_t *tree, const struct conf_source *source,
                              struct conf_diagnostics *m)
{
    const char *what = config_error_text(tree), *file;
    int line;

    conf_source_place(source, config_error_line(tree), &file, &line);
    if (strcmp(what, "duplicate setting name") == 0)
        what = "a key is given a second time in the same group; keep one of the two";
    else if (strcmp(what, "mismatched element type in array") == 0)
        what = "the values in [ ] are not all of one kind; lists of different things stand in ( )";
    else
        what =
            "this can not be read; look here and one line above for a missing ; or = or quote, or "
            "a bracket that is not closed";
    conf_diagnostic(m, file, line, "%s", what);
}

static struct settings *parse(const struct conf_source *source, const char *name, bool is_file,
                              struct conf_diagnostics *m)
{
    struct memory_room *room = room_for(source->len);
    struct settings *s = NULL;
    config_t tree;

    if (room == NULL) {
        conf_no_memory(m);
        return NULL;
    }
    config_init(&tree);
    if (config_read_string(&tree, source->text) == CONFIG_TRUE)
        s = settings_of(&tree, source, name, is_file, m);
    else
        syntax_diagnostic(&tree, source, m);
    config_destroy(&tree);
    memory_room_give(&room);
    return s;
}

struct settings *conf_load(const char *path, struct conf_diagnostics *m)
{
    struct conf_source source;
    struct settings *s = NULL;

    *m = (struct conf_diagnostics){0};
    if (conf_source_read(&source, path, m))
        s = parse(&source, path, true, m);
    conf_diagnostics_sort(m, path);
    conf_source_free(&source);
    return s;
}

struct settings *conf_parse(const char *text, const char *name, struct conf_diagnostics *m)
{
    struct conf_source source;
    struct settings *s = NULL;

    *m = (struct conf_diagnostics){0};
    if (conf_source_text(&source, text, name, m))
        s = parse(&source, name, true, m);
    conf_diagnostics_sort(m, name);
    conf_source_free(&source);
    return s;
}

static config_setting_t *add_list_of_one(config_setting_t *parent, const char *key)
{
    config_setting_t *list = config_setting_add(parent, key, CONFIG_TYPE_LIST);

    return config_setting_add(list, NULL, CONFIG_TYPE_GROUP);
}

static void add_string(config_setting_t *group, const char *key, const char *value)
{
    config_setting_t *s = config_setting_add(group, key, CONFIG_TYPE_STRING);

    WEIR_ASSERT(s != NULL && config_setting_set_string(s, value) == CONFIG_TRUE);
}

struct settings *conf_from_upstream(const char *url, const char *listen, struct conf_diagnostics *m)
{
    struct memory_room *room = room_for(0);
    config_setting_t *root, *pool, *upstream;
    struct settings *s;
    config_t tree;

    *m = (struct conf_diagnostics){0};
    if (room == NULL) {
        conf_no_memory(m);
        return NULL;
    }
    config_init(&tree);
    root = config_root_setting(&tree);
    pool = add_list_of_one(root, "pools");
    add_string(pool, "name", "default");
    upstream = add_list_of_one(pool, "upstreams");
    add_string(upstream, "name", "default");
    add_string(upstream, "url", url);
    if (listen != NULL)
        add_string(add_list_of_one(root, "listeners"), "address", listen);
    s = settings_of(&tree, NULL, "command line", false, m);
    config_destroy(&tree);
    memory_room_give(&room);
    return s;
}
