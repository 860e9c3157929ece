/* SPDX-License-Identifier: Apache-2.0 */
/* Every row with a range takes its ends and refuses what lies beyond: a loop over the table. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf_priv.h"
#include "conf_test.h"

enum { TABLES_MAX = 32, FILE_MAX = 1024 };

#define IN_POOL(inside)                                                                            \
    "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); " inside     \
    " } );"

/* A file with "key = value" in the given table. */
static void write_file(char out[FILE_MAX], const char *table, const char *key, const char *value)
{
    const char *inner = strrchr(table, '.') == NULL ? "" : strrchr(table, '.') + 1;

    if (table[0] == '\0')
        (void)snprintf(out, FILE_MAX, GOOD_POOLS "%s = %s;", key, value);
    else if (strcmp(table, "listeners[]") == 0)
        (void)snprintf(out, FILE_MAX, GOOD_POOLS "listeners = ( { %s = %s; } );", key, value);
    else if (strcmp(table, "routes[]") == 0)
        (void)snprintf(out, FILE_MAX, GOOD_POOLS "routes = ( { pool = \"p\"; %s = %s; } );", key,
                       value);
    else if (strcmp(table, "pools[]") == 0)
        (void)snprintf(out, FILE_MAX, IN_POOL("%s = %s;"), key, value);
    else if (strcmp(table, "pools[].upstreams[]") == 0)
        (void)snprintf(out, FILE_MAX,
                       "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = "
                       "\"http://h\"; %s = %s; } ); } );",
                       key, value);
    else if (strcmp(table, "pools[].limits[]") == 0)
        (void)snprintf(out, FILE_MAX, IN_POOL("limits = ( { %s = %s; %s = 1; } );"), key, value,
                       strcmp(key, "requests_per_day") == 0 ? "max_streams" : "requests_per_day");
    else if (strncmp(table, "pools[].", 8) == 0)
        (void)snprintf(out, FILE_MAX, IN_POOL("%s = { %s = %s; };"), inner, key, value);
    else
        (void)snprintf(out, FILE_MAX, GOOD_POOLS "%s = { %s = %s; };", table, key, value);
}

static bool is_refused(const struct conf_table *t, const struct conf_row *row, const char *value)
{
    char file[FILE_MAX], wanted[128];
    const char *m;

    write_file(file, t->name, row->key, value);
    m = diagnostics_of(file);
    (void)snprintf(wanted, sizeof wanted, "%s = %s is out of range (allowed: ", row->key, value);
    /* Two settings may contradict each other at an end (open_min, open_max); that is not looked at.
     */
    cr_assert(m[0] == '\0' || strstr(m, wanted) != NULL || strstr(m, " is shorter than ") != NULL,
              "%s\n%s", file, m);
    return strstr(m, wanted) != NULL;
}

/* A step below or above one end. */
static void beyond(const struct conf_row *row, const char *end, int step, char out[64])
{
    const struct conf_unit *units = conf_units_of(row->type);
    struct conf_num n;

    cr_assert_eq(conf_num_parse(row, slice_str(end), &n), WEIR_OK);
    if (row->type == CONF_RATIO)
        (void)snprintf(out, 64, "%.9g", n.real + step * 0.001);
    else if (row->type == CONF_COUNT)
        (void)snprintf(out, 64, "%lld", (long long)n.whole + step);
    else
        (void)snprintf(out, 64, "\"%lld%s\"", (long long)(n.whole / units->factor) + step,
                       units->name);
}

static void quote(const struct conf_row *row, const char *end, char out[64])
{
    bool quoted = conf_units_of(row->type) != NULL;

    (void)snprintf(out, 64, "%s%s%s", quoted ? "\"" : "", end, quoted ? "\"" : "");
}

static void try_row(const struct conf_table *t, const struct conf_row *row)
{
    char value[64];

    quote(row, row->min, value);
    cr_assert(!is_refused(t, row, value), "%s.%s = %s", t->name, row->key, value);
    quote(row, row->max, value);
    cr_assert(!is_refused(t, row, value), "%s.%s = %s", t->name, row->key, value);
    beyond(row, row->max, 1, value);
    cr_assert(is_refused(t, row, value), "%s.%s = %s", t->name, row->key, value);
    beyond(row, row->min, -1, value);
    /* Nothing is below zero with a unit: a minus sign is no digit. */
    if (value[0] != '"' || value[1] != '-')
        cr_assert(is_refused(t, row, value), "%s.%s = %s", t->name, row->key, value);
}

static size_t collect(const struct conf_table *tables[TABLES_MAX])
{
    size_t n = 1;

    tables[0] = &conf_root;
    for (size_t at = 0; at < n; at++)
        for (size_t i = 0; i < tables[at]->n; i++)
            if (tables[at]->rows[i].table != NULL)
                tables[n++] = tables[at]->rows[i].table;
    return n;
}

Test(ranges, hold_at_both_ends_of_every_row)
{
    const struct conf_table *tables[TABLES_MAX];
    size_t n = collect(tables), tried = 0;

    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            if (tables[t]->rows[i].min == NULL)
                continue;
            try_row(tables[t], &tables[t]->rows[i]);
            tried++;
        }
    }
    cr_assert_geq(tried, 60, "%zu rows have a range", tried);
}

Test(ranges, every_row_has_words_for_people)
{
    const struct conf_table *tables[TABLES_MAX];
    size_t n = collect(tables);

    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct conf_row *row = &tables[t]->rows[i];
            cr_assert(row->help != NULL && row->help[0] != '\0', "%s", row->key);
            cr_assert((row->min == NULL) == (row->max == NULL), "%s", row->key);
            cr_assert(!row->required || row->def == NULL, "%s", row->key);
        }
    }
}

/* Every word of every row is taken, and stored as what it stands for. */
Test(ranges, every_word_is_taken)
{
    const struct conf_table *tables[TABLES_MAX];
    size_t n = collect(tables);
    char file[FILE_MAX], value[64];

    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct conf_row *row = &tables[t]->rows[i];
            for (const struct conf_word *w = row->words; w != NULL && w->word != NULL; w++) {
                bool numeral = w->word[0] >= '0' && w->word[0] <= '9';
                (void)snprintf(value, sizeof value, numeral ? "%s" : "\"%s\"", w->word);
                write_file(file, tables[t]->name, row->key, value);
                cr_assert_str_eq(diagnostics_of(file), "", "%s: %s", file, diagnostics_of(file));
            }
        }
    }
}
