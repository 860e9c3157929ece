/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *step(json_t *at, const char *name)
{
    if (json_is_array(at))
        return json_array_get(at, (size_t)atoi(name));
    return json_object_get(at, name);
}

const char *read_json(const char *document, const char *path)
{
    static char out[4096];
    char names[256], *rest = names;
    json_t *top = json_loads(document, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL), *at = top;
    char *value;

    if (top == NULL)
        return "broken";
    (void)snprintf(names, sizeof names, "%s", path);
    for (char *name = strtok_r(rest, ".", &rest); name != NULL && at != NULL;
         name = strtok_r(NULL, ".", &rest))
        at = step(at, name);
    value =
        at == NULL ? NULL : json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    (void)snprintf(out, sizeof out, "%s", value == NULL ? "missing" : value);
    free(value);
    json_decref(top);
    return out;
}
