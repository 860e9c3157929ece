/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeds of fuzz_settings, made from the settings table when a run begins: one file with every row,
 * and one for each table that has its rows and nothing else but what is required.
 *
 *     seed_settings FOLDER
 */
#include <stdio.h>
#include <string.h>

#include "../../config/conf_priv.h"

/* A text that has the form, where one is known; any other is a seed as well. */
static const char *some_text(const struct conf_row *row)
{
    static const struct {
        const struct conf_form *form;
        const char *text;
    } samples[] = {
        {&conf_form_name, "a"},
        {&conf_form_url, "http://127.0.0.1:1"},
        {&conf_form_address, "127.0.0.1:8080"},
        {&conf_form_path, "/v1/"},
        {&conf_form_host, "api.example.org"},
        {&conf_form_method, "POST"},
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        if (row->form == samples[i].form)
            return samples[i].text;
    }
    return row->def != NULL ? row->def : "x";
}

static void put_plain(FILE *f, const struct conf_row *row)
{
    const char *value = row->def != NULL ? row->def : row->min != NULL ? row->min : "1";
    bool word = row->type == CONF_WORD || row->type == CONF_SIZE || row->type == CONF_DURATION;

    if (row->type == CONF_TEXT)
        (void)fprintf(f, "%s = \"%s\"; ", row->key, some_text(row));
    else if (row->type == CONF_TEXTS)
        (void)fprintf(f, "%s = ( \"%s\" ); ", row->key,
                      row->words != NULL ? row->words[0].word : some_text(row));
    else if (word && (value[0] < '0' || value[0] > '9' || row->type != CONF_WORD))
        (void)fprintf(f, "%s = \"%s\"; ", row->key, value);
    else
        (void)fprintf(f, "%s = %s; ", row->key, value);
}

static bool leads_to(const struct conf_table *from, const struct conf_table *to)
{
    if (from == to)
        return true;
    for (size_t i = 0; i < from->n; i++) {
        if (from->rows[i].table != NULL && leads_to(from->rows[i].table, to))
            return true;
    }
    return false;
}

/* All rows of `only` (NULL: of every table), elsewhere those that are required or lead there. */
static void put_table(FILE *f, const struct conf_table *t, const struct conf_table *only)
{
    bool all = only == NULL || t == only;

    for (size_t i = 0; i < t->n; i++) {
        const struct conf_row *row = &t->rows[i];
        const bool list = row->type == CONF_LIST;

        if (!all && !row->required && !row->at_least_one &&
            (row->table == NULL || !leads_to(row->table, only)))
            continue;
        if (row->table == NULL) {
            put_plain(f, row);
            continue;
        }
        (void)fprintf(f, "%s = %s{ ", row->key, list ? "( " : "");
        put_table(f, row->table, only);
        (void)fprintf(f, "}%s;\n", list ? " )" : "");
    }
}

static int write_seed(const char *folder, unsigned n, const struct conf_table *only)
{
    char path[4096];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/table-%u", folder, n);
    f = fopen(path, "we");
    if (f == NULL) {
        (void)fprintf(stderr, "seed_settings: %s can not be written\n", path);
        return 1;
    }
    put_table(f, &conf_root, only);
    return fclose(f) != 0;
}

static int write_below(const char *folder, unsigned *n, const struct conf_table *t)
{
    int failed = write_seed(folder, (*n)++, t);

    for (size_t i = 0; i < t->n; i++) {
        if (t->rows[i].table != NULL)
            failed |= write_below(folder, n, t->rows[i].table);
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned n = 0;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: seed_settings FOLDER\n");
        return 2;
    }
    return write_seed(argv[1], n++, NULL) | write_below(argv[1], &n, &conf_root);
}
