/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_ROWS_H
#define WEIR_CONF_ROWS_H

#include "conf_priv.h"

/*
 * How rows of the settings table are written: key, struct and field, default, range, unit, help,
 * and after them whatever else of struct conf_row the row needs.
 */
#define FIELD(s, f)     .at = offsetof(s, f), .width = sizeof(((s *)0)->f)
#define MANY(s, f, n_f) FIELD(s, f), .at_n = offsetof(s, n_f)

#define BOOL(k, s, f, d, h, ...)                                                                   \
    {                                                                                              \
        .key = (k), .type = CONF_BOOL, FIELD(s, f), .def = (d), .help = (h), __VA_ARGS__           \
    }
#define COUNT(k, s, f, d, lo, hi, u, h, ...)                                                       \
    {                                                                                              \
        .key = (k), .type = CONF_COUNT, FIELD(s, f), .def = (d), .min = (lo), .max = (hi),         \
        .unit = (u), .help = (h), __VA_ARGS__                                                      \
    }
#define RATIO(k, s, f, d, lo, hi, u, h, ...)                                                       \
    {                                                                                              \
        .key = (k), .type = CONF_RATIO, FIELD(s, f), .def = (d), .min = (lo), .max = (hi),         \
        .unit = (u), .help = (h), __VA_ARGS__                                                      \
    }
#define SIZE(k, s, f, d, lo, hi, h, ...)                                                           \
    {                                                                                              \
        .key = (k), .type = CONF_SIZE, FIELD(s, f), .def = (d), .min = (lo), .max = (hi),          \
        .help = (h), __VA_ARGS__                                                                   \
    }
#define DURATION(k, s, f, d, lo, hi, h, ...)                                                       \
    {                                                                                              \
        .key = (k), .type = CONF_DURATION, FIELD(s, f), .def = (d), .min = (lo), .max = (hi),      \
        .help = (h), __VA_ARGS__                                                                   \
    }
#define WORD(k, s, f, d, w, h, ...)                                                                \
    {                                                                                              \
        .key = (k), .type = CONF_WORD, FIELD(s, f), .def = (d), .words = (w), .help = (h),         \
        __VA_ARGS__                                                                                \
    }
#define TEXT(k, s, f, form_, h, ...)                                                               \
    {                                                                                              \
        .key = (k), .type = CONF_TEXT, FIELD(s, f), .form = (form_), .help = (h), __VA_ARGS__      \
    }
#define TEXTS(k, s, f, n_f, h, ...)                                                                \
    {                                                                                              \
        .key = (k), .type = CONF_TEXTS, MANY(s, f, n_f), .help = (h), __VA_ARGS__                  \
    }
#define LIST(k, s, f, n_f, t, h, ...)                                                              \
    {                                                                                              \
        .key = (k), .type = CONF_LIST, MANY(s, f, n_f), .table = (t), .help = (h), __VA_ARGS__     \
    }
#define GROUP(k, s, f, t, h, ...)                                                                  \
    {                                                                                              \
        .key = (k), .type = CONF_GROUP, FIELD(s, f), .table = (t), .help = (h), __VA_ARGS__        \
    }
/* A group whose fields lie in the struct of the table above. */
#define FLAT(k, t, h, ...)                                                                         \
    {                                                                                              \
        .key = (k), .type = CONF_GROUP, .table = (t), .help = (h), __VA_ARGS__                     \
    }

#define ROWS_OF(rows_) .rows = (rows_), .n = sizeof(rows_) / sizeof((rows_)[0])
#define TABLE(name_, rows_, about_)                                                                \
    {                                                                                              \
        .name = (name_), .about = (about_), ROWS_OF(rows_)                                         \
    }

#endif
