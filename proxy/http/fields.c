/* SPDX-License-Identifier: Apache-2.0 */
/* Field names: from a name on the wire to its id and back. */
#include "fields_hash.h"
#include "fields_table.h"
#include "weir/base/assert.h"
#include "weir/http/head.h"

_Static_assert((int)FIELD_ID_MAX == (int)FIELD_ID_COUNT - 1, "fields_table.h is stale");

#define NAME_ROW(e, name) {name, sizeof(name) - 1},
static const struct slice names[] = {{"", 0}, WEIR_FIELDS(NAME_ROW)};
#undef NAME_ROW

/*
 * Setting bit 5 makes upper case lower and maps no other character of a token onto a letter, digit
 * or '-', which is all that the names are made of.
 */
static bool same_name(const char *a, const char *lower, size_t n)
{
    const uint64_t case_bits = UINT64_C(0x2020202020202020);

    if (n >= 8) {
        uint64_t x, y;

        for (size_t i = 0; i + 8 < n; i += 8) {
            memcpy(&x, a + i, 8);
            memcpy(&y, lower + i, 8);
            if ((x | case_bits) != (y | case_bits))
                return false;
        }
        memcpy(&x, a + n - 8, 8);
        memcpy(&y, lower + n - 8, 8);
        return (x | case_bits) == (y | case_bits);
    }
    if (n >= 4) {
        uint32_t x, y;

        memcpy(&x, a, 4);
        memcpy(&y, lower, 4);
        if ((x | (uint32_t)case_bits) != (y | (uint32_t)case_bits))
            return false;
        memcpy(&x, a + n - 4, 4);
        memcpy(&y, lower + n - 4, 4);
        return (x | (uint32_t)case_bits) == (y | (uint32_t)case_bits);
    }
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)a[i] | 32) != ((unsigned char)lower[i] | 32))
            return false;
    return true;
}

enum field_id field_lookup(struct slice name)
{
    unsigned id;

    if (name.len == 0)
        return FIELD_OTHER;
    id = field_slots[field_slot(name.p, name.len, FIELD_MUL)];
    if (names[id].len != name.len || !same_name(name.p, names[id].p, name.len))
        return FIELD_OTHER;
    return (enum field_id)id;
}
