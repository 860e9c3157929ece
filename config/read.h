/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_READ_H
#define WEIR_CONF_READ_H

#include <libconfig.h>

#include "conf_priv.h"

/* A load in work. */
struct conf_load {
    struct settings *s;
    struct conf_diagnostics *m;
    const struct conf_source *source; /* NULL: the settings were not read from a text */
    const char *name;                 /* stands for the file where there is no source */
    struct conf_walk walk;
};

/* Where a libconfig setting stands. */
void conf_place(const struct conf_load *l, const config_setting_t *setting, const char **file,
                int *line);
/* A diagnostic at a setting: "path.key = value" and then what is wrong. */
void conf_wrong(struct conf_load *l, const struct conf_row *row, const config_setting_t *setting,
                const char *fmt, ...) WEIR_PRINTF(4, 5);

/* Reads the value of a row that is no group and no list; setting NULL: its default. */
void conf_read_row(struct conf_load *l, const struct conf_row *row, const config_setting_t *setting,
                   void *base);

#endif
