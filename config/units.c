/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with a unit: durations and sizes as they are written in a settings file. */
#include "conf_priv.h"

const struct conf_unit conf_durations[] = {
    {"ms", UINT64_C(1000000)},      {"s", UINT64_C(1000000000)},     {"m", UINT64_C(60000000000)},
    {"h", UINT64_C(3600000000000)}, {"d", UINT64_C(86400000000000)}, {NULL, 0}};
const struct conf_unit conf_sizes[] = {{"B", 1},
                                       {"KiB", UINT64_C(1) << 10},
                                       {"MiB", UINT64_C(1) << 20},
                                       {"GiB", UINT64_C(1) << 30},
                                       {NULL, 0}};

enum weir_status conf_units_parse(const struct conf_unit *units, struct slice text, uint64_t *out)
{
    size_t digits = 0;
    uint64_t n;

    while (digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    for (const struct conf_unit *u = units; u->name != NULL; u++) {
        if (digits == 0 || !slice_eq(slice_from(text, digits), slice_str(u->name)))
            continue;
        if (parse_u64(slice_of(text.p, digits), UINT64_MAX / u->factor, &n) != WEIR_OK)
            return WEIR_LIMIT;
        *out = n * u->factor;
        return WEIR_OK;
    }
    return WEIR_BAD;
}

void conf_units_format(const struct conf_unit *units, uint64_t n, struct text *out)
{
    /* Zero is divided by every unit; seconds and bytes are what people write. */
    const struct conf_unit *best = units == conf_durations && n == 0 ? &units[1] : &units[0];

    for (const struct conf_unit *u = units; n != 0 && u->name != NULL; u++)
        if (n % u->factor == 0)
            best = u;
    text_u64(out, n / best->factor);
    text_str(out, best->name);
}
