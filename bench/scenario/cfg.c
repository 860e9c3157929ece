/* SPDX-License-Identifier: Apache-2.0 */
/* libconfig groups by tables.  Runs before anything else; no state. */
#include "bench/scenario/cfg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/common/cli.h"
#include "bench/common/units.h"
#include "weir/base/assert.h"

bool cfg_wrong(const config_setting_t *s, const char *fmt, ...)
{
    const char *file = config_setting_source_file(s);
    va_list ap;

    (void)fprintf(stderr, "%s:%u: ", file == NULL ? "scenario" : file,
                  config_setting_source_line(s));
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return false;
}

static bool read_text(const config_setting_t *s, const struct cfg_key *k, char *out)
{
    const char *text = config_setting_get_string(s);

    if (text == NULL)
        return cfg_wrong(s, "%s: wanted a text in quotes", k->name);
    if (strlen(text) >= k->size)
        return cfg_wrong(s, "%s: longer than %zu characters", k->name, k->size - 1);
    (void)strcpy(out, text);
    return true;
}

static bool read_real(const config_setting_t *s, const struct cfg_key *k, double *out)
{
    double n;

    if (!config_setting_is_number(s))
        return cfg_wrong(s, "%s: wanted a number from %g to %g", k->name, k->min, k->max);
    n = config_setting_type(s) == CONFIG_TYPE_FLOAT ? config_setting_get_float(s)
                                                    : (double)config_setting_get_int64(s);
    if (n < k->min || n > k->max)
        return cfg_wrong(s, "%s = %g: wanted a number from %g to %g", k->name, n, k->min, k->max);
    *out = n;
    return true;
}

static bool read_time(const config_setting_t *s, const struct cfg_key *k, double *out)
{
    const char *text = config_setting_get_string(s);
    uint64_t ns;

    if (text == NULL || duration_parse(slice_str(text), &ns) != WEIR_OK ||
        (double)ns < k->min * 1e9 || (double)ns > k->max * 1e9)
        return cfg_wrong(s, "%s: wanted a time with its unit, as \"500ms\", from %gs to %gs",
                         k->name, k->min, k->max);
    *out = (double)ns / 1e9;
    return true;
}

static bool read_one(const config_setting_t *s, const struct cfg_key *k, void *into)
{
    void *at = (char *)into + k->at;

    switch (k->kind) {
    case CFG_TEXT:
        return read_text(s, k, at);
    case CFG_REAL:
        return read_real(s, k, at);
    case CFG_TIME:
        return read_time(s, k, at);
    case CFG_BOOL:
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
            return cfg_wrong(s, "%s: wanted true or false", k->name);
        *(bool *)at = config_setting_get_bool(s) != 0;
        return true;
    case CFG_OWN:
        return true;
    }
    WEIR_UNREACHABLE("kind of key");
}

static bool unknown_key(const config_setting_t *s, const struct cfg_key *keys, size_t n)
{
    const char *name = config_setting_name(s), *nearest = NULL;
    int best = 4;

    for (size_t i = 0; i < n; i++) {
        int d = edit_distance(name, keys[i].name);
        if (d < best) {
            best = d;
            nearest = keys[i].name;
        }
    }
    return cfg_wrong(s, "no key '%s'%s%s%s", name, nearest == NULL ? "" : "; did you mean '",
                     nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static const struct cfg_key *find(const struct cfg_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

bool cfg_read(const config_setting_t *group, const struct cfg_key *keys, size_t n, void *into)
{
    bool good = true;

    if (!config_setting_is_group(group))
        return cfg_wrong(group, "wanted a group: { key = value; ... }");
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const struct cfg_key *k = find(keys, n, config_setting_name(s));
        good = (k == NULL ? unknown_key(s, keys, n) : read_one(s, k, into)) && good;
    }
    for (size_t i = 0; i < n; i++) {
        if (keys[i].needed && config_setting_get_member(group, keys[i].name) == NULL)
            good = cfg_wrong(group, "%s is missing", keys[i].name);
    }
    return good;
}
