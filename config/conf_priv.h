/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_PRIV_H
#define WEIR_CONF_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"
#include "weir/base/text.h"
#include "weir/conf/settings.h"

/*
 * What the files of config/ share.  Everything here runs on the thread that loads, start or reload;
 * the result is immutable.  Memory that cannot be had is noted where it was asked for, and the load
 * goes on over values that are empty; at its end it is refused for that (conf_no_memory).
 */

/* ---- the settings table (rows_process.c, rows_pool.c, rows_fleet.c) ---- */

enum conf_type {
    CONF_BOOL,     /* true, false */
    CONF_COUNT,    /* a whole number */
    CONF_RATIO,    /* a number with decimals, in a double */
    CONF_SIZE,     /* "32KiB", in bytes */
    CONF_DURATION, /* "500ms", in nanoseconds */
    CONF_WORD,     /* one of .words */
    CONF_TEXT,     /* a string of .form */
    CONF_TEXTS,    /* a list of strings of .form or .words */
    CONF_GROUP,    /* { ... } by .table, in place */
    CONF_LIST,     /* ( { ... }, ... ) by .table, in an array */
};

struct conf_word {
    const char *word;
    uint64_t value;
};

/* A form of strings: what it is called, how it is written, and its test. */
struct conf_form {
    const char *name;  /* "an address" */
    const char *shape; /* `host:port, [v6]:port or unix:path` */
    /* NULL if text has the form, else why not: a sentence part, static or written into room. */
    const char *(*wrong)(const char *text, char *room, size_t size);
    /* NULL, or: what no diagnostic may repeat is in it. */
    bool (*is_secret)(const char *text);
};

#define CONF_ITEMS_MAX 256

struct conf_row {
    const char *key;
    enum conf_type type;
    size_t at;    /* of the field in the struct of the table; of a group's or list's first byte */
    size_t width; /* of the field */
    size_t at_n;  /* CONF_TEXTS, CONF_LIST: where the number of elements goes (size_t) */
    size_t at_is; /* CONF_GROUP: where a bool says that the group was given, if has_is */
    bool has_is;
    const char *min, *max;         /* as they would be written in the file, NULL = none */
    const char *def;               /* default, as it would be written; NULL = zero, "", none */
    const char *def_words;         /* for people, where the default is not a plain value */
    const char *unit;              /* of counts and ratios, for the reference */
    const struct conf_word *words; /* ends with {NULL}; beside durations: further values */
    const struct conf_form *form;
    const struct conf_table *table;
    bool required;
    bool empty_too;     /* CONF_TEXT with a default: "" is a value as well */
    bool at_least_one;  /* CONF_LIST */
    size_t most;        /* CONF_LIST: elements at most, 0 = CONF_ITEMS_MAX */
    bool one_if_absent; /* CONF_LIST: an element of defaults where the file has no such list */
    bool not_live;      /* a reload can not change it */
    bool secret;        /* CONF_TEXT: never shown */
    const char *help;
};

struct conf_table {
    const char *name;  /* heading in the reference */
    const char *about; /* sentence below it */
    const char *each;  /* "a pool": what one element is called */
    size_t size;       /* of the struct, for lists */
    const struct conf_row *rows;
    size_t n;
};

extern const struct conf_table conf_root, conf_pool_table, conf_route_table, conf_fleet_table;

/* ---- values ---- */

struct conf_unit {
    const char *name;
    uint64_t factor;
};
extern const struct conf_unit conf_durations[], conf_sizes[]; /* end with {NULL} */
/* "500ms": digits and a unit of the list, nothing else.  WEIR_LIMIT if it does not fit. */
enum weir_status conf_units_parse(const struct conf_unit *units, struct slice text,
                                  uint64_t *out) WEIR_MUST_CHECK;
/* In the largest unit that divides it; 0 as "0s" or "0B". */
void conf_units_format(const struct conf_unit *units, uint64_t n, struct text *out);

/* A scalar on its way between text and field. */
struct conf_num {
    uint64_t whole;
    double real;  /* CONF_RATIO only */
    bool is_word; /* "auto" and its like beside durations: outside the range */
};
/* Text as in the file (without quotes) to a value; the range is not looked at. */
enum weir_status conf_num_parse(const struct conf_row *row, struct slice text,
                                struct conf_num *out) WEIR_MUST_CHECK;
bool conf_num_in_range(const struct conf_row *row, struct conf_num n);
void conf_num_store(const struct conf_row *row, void *base, struct conf_num n);
struct conf_num conf_num_fetch(const struct conf_row *row, const void *base);
/* As it would be written in a file, quotes included. */
void conf_num_format(const struct conf_row *row, struct conf_num n, struct text *out);
/* "1s to 10m", `"abort" or "keep"`; "" where everything goes. */
void conf_range_format(const struct conf_row *row, struct text *out);
/* What a bare number was meant to be: 10 for a window is "10s". */
void conf_bare_format(const struct conf_row *row, uint64_t bare, struct text *out);
bool conf_is_scalar(enum conf_type type);
const struct conf_unit *conf_units_of(enum conf_type type);

extern const struct conf_form conf_form_address, conf_form_url, conf_form_name, conf_form_path,
    conf_form_token, conf_form_method, conf_form_host, conf_form_block, conf_form_origin,
    conf_form_file, conf_form_anchor, conf_form_directory, conf_form_log, conf_form_user,
    conf_form_operator, conf_form_socket, conf_form_admin_host, conf_form_upstream_host,
    conf_form_field, conf_form_statuses, conf_form_kept, conf_form_redis, conf_form_fleet_name,
    conf_form_model, conf_form_identity;

/* ---- the nearest word ---- */

struct nearest {
    const char *word, *best;
    size_t distance;
};
void nearest_begin(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);
/* NULL if nothing offered is near enough to be meant. */
const char *nearest_found(const struct nearest *n);

/* ---- diagnostics ---- */

/* In place of all others: nothing that was read is of use.  Allocates nothing. */
void conf_no_memory(struct conf_diagnostics *m);
void conf_diagnostics_sort(struct conf_diagnostics *m, const char *first_file);
#define CONF_VALUE_MAX 96
/* A string in quotes, escaped, cut after `most` bytes. */
void conf_quote(struct text *out, const char *s, size_t most);

/* ---- ownership and origins ---- */

struct conf_origin {
    const void *field;
    bool item; /* the element of a list that begins at field, not the field */
    const char *file;
    int line;
};
struct conf_own {
    struct own_block *blocks;
    struct conf_origin *origins;
    size_t n, room;
    bool failed; /* there was no memory for some of it */
};
/* Zeroed memory that lives as long as the snapshot; NULL: there is none, which is noted. */
void *conf_alloc(struct settings *s, size_t n, size_t size);
/* Where there is no memory, which is noted, "". */
char *conf_copy(struct settings *s, const char *text);
/* NULL: no memory. */
struct settings *conf_settings_new(void);
/* Was memory missing for a part of it?  Then it is no settings to run with. */
bool conf_settings_failed(const struct settings *s);
void conf_origin_add(struct settings *s, const void *field, bool item, const char *file, int line);
/* Once all are added; before the first conf_origin_of. */
void conf_origins_sort(struct settings *s);
/* NULL: a default. */
const struct conf_origin *conf_origin_of(const struct settings *s, const void *field, bool item);

/* ---- walking the table over a snapshot ---- */

#define CONF_DEPTH    5
#define CONF_PATH_MAX 160

struct walk_frame {
    const struct conf_table *table;
    const struct conf_row *list; /* the row whose elements these are, NULL for groups */
    size_t row;                  /* next one */
    size_t item, n_items;
    char *base;
    const void *tag; /* the caller's */
};
struct conf_walk {
    struct walk_frame frame[CONF_DEPTH];
    int depth;
    bool enter; /* the last row leads into a table */
};
enum conf_walk_event {
    WALK_ROW,   /* walk_row(), walk_base() */
    WALK_ENTER, /* a table begins: a group, or one element of a list */
    WALK_LEAVE,
    WALK_END,
};
void conf_walk_begin(struct conf_walk *w, struct settings *s);
enum conf_walk_event conf_walk_next(struct conf_walk *w);
static inline struct walk_frame *conf_walk_top(struct conf_walk *w)
{
    return &w->frame[w->depth];
}
/* "pools[chat].breaker" + ".window" (key may be NULL). */
void conf_walk_path(const struct conf_walk *w, const char *key, char out[CONF_PATH_MAX]);

/* ---- the parts of loading ---- */

/* The text of a file with its includes put in, and where each line came from. */
struct conf_source {
    char *text;
    size_t len, room;
    struct source_part *parts; /* lines from .first on are .file's from .line on */
    size_t n_parts, room_parts;
    char **files; /* names, owned */
    size_t n_files;
    bool failed; /* there was no memory for some of it: it is no text to read */
};
/* Diagnostics go to m (an unreadable file, an include that is none); false if there is no text. */
bool conf_source_read(struct conf_source *s, const char *path, struct conf_diagnostics *m);
bool conf_source_text(struct conf_source *s, const char *text, const char *name,
                      struct conf_diagnostics *m);
void conf_source_place(const struct conf_source *s, int line, const char **file, int *file_line);
void conf_source_free(struct conf_source *s);

/* Fills in what follows from other settings; then looks at what must fit together. */
void conf_derive(struct settings *s);
void conf_verify(const struct settings *s, struct conf_diagnostics *m);

#endif
