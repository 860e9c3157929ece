/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of config/ share. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf_test.h"

const char *diagnostics_of(const char *text)
{
    static char out[16384];
    struct conf_diagnostics m;
    struct settings *s = conf_parse(text, "t.cfg", &m);
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < m.n; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%d: %s\n", m.list[i].line,
                                m.list[i].text);
    cr_assert((s == NULL) == (m.n > 0));
    conf_diagnostics_free(&m);
    settings_destroy(&s);
    return out;
}

struct settings *must_parse_file(const char *text)
{
    struct conf_diagnostics m;
    struct settings *s = conf_parse(text, "t.cfg", &m);

    cr_assert_not_null(s, "%s", diagnostics_of(text));
    conf_diagnostics_free(&m);
    return s;
}

struct wanted {
    const char *key;
    bool found;
    char value[4096], origin[512];
};

static void on_line(const char *key, const char *value, const char *origin, void *arg)
{
    struct wanted *w = arg;

    if (strcmp(key, w->key) != 0)
        return;
    w->found = true;
    (void)snprintf(w->value, sizeof w->value, "%s", value);
    (void)snprintf(w->origin, sizeof w->origin, "%s", origin);
}

static struct wanted *look_for(const struct settings *s, const char *key)
{
    static struct wanted w;

    w = (struct wanted){.key = key};
    conf_dump(s, on_line, &w);
    return w.found ? &w : NULL;
}

const char *dumped(const struct settings *s, const char *key)
{
    struct wanted *w = look_for(s, key);

    return w == NULL ? NULL : w->value;
}

const char *dumped_origin(const struct settings *s, const char *key)
{
    struct wanted *w = look_for(s, key);

    return w == NULL ? NULL : w->origin;
}
