/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts of results.  Out of memory aborts, as everywhere in the harness. */
#include "bench/common/figure.h"

#include <math.h>

#include "weir/base/assert.h"

static json_t *there(json_t *j)
{
    WEIR_ASSERT(j != NULL);
    return j;
}

json_t *figure(double x, int decimals)
{
    double scale = pow(10, decimals);

    if (isnan(x) || isinf(x))
        return json_null();
    if (decimals == 0 && fabs(x) < 1e15)
        return there(json_integer((json_int_t)llround(x)));
    return there(json_real(round(x * scale) / scale));
}

json_t *figure_count(uint64_t n)
{
    return there(json_integer((json_int_t)n));
}

json_t *figure_text(const char *s)
{
    json_t *j = json_string(s);

    return j == NULL ? json_null() : j;
}

enum weir_status figures_write(json_t *j, FILE *to)
{
    int rc = json_dumpf(j, to, JSON_COMPACT | JSON_REAL_PRECISION(12));

    json_decref(j);
    return rc == 0 && fputc('\n', to) != EOF ? WEIR_OK : WEIR_SYS;
}
