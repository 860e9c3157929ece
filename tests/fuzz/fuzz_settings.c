/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A settings file of a stranger: it loads, or its diagnostics are told; never both, never neither,
 * and what was loaded can be shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/conf/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets the string it was reading when the syntax breaks off: 64 bytes, its own. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static void on_line(const char *key, const char *value, const char *origin, void *arg)
{
    size_t *lines = arg;

    WEIR_ASSERT(key[0] != '\0' && value[0] != '\0' && origin[0] != '\0');
    ++*lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct conf_diagnostics m;
    struct settings *s;
    size_t lines = 0;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    s = conf_parse(text, "fuzz.cfg", &m);
    WEIR_ASSERT((s == NULL) == (m.n > 0));
    for (size_t i = 0; i < m.n; i++)
        WEIR_ASSERT(m.list[i].line >= 0 && m.list[i].text[0] != '\0');
    if (s != NULL)
        conf_dump(s, on_line, &lines);
    WEIR_ASSERT(s == NULL || lines > 0);
    conf_diagnostics_free(&m);
    settings_destroy(&s);
    free(text);
    return 0;
}
