/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated lists (RFC 9110, 5.6.1).  Empty elements are skipped. */
#include "head_priv.h"

bool list_next(struct slice *list, struct slice *element)
{
    while (list->len > 0) {
        const char *comma = memchr(list->p, ',', list->len);
        size_t n = comma == NULL ? list->len : (size_t)(comma - list->p);

        *element = slice_trim(slice_of(list->p, n));
        *list = slice_from(*list, comma == NULL ? n : n + 1);
        if (element->len > 0)
            return true;
    }
    return false;
}

bool list_has_token(struct slice list, struct slice token)
{
    struct slice element;

    while (list_next(&list, &element))
        if (slice_eq_nocase(element, token))
            return true;
    return false;
}
