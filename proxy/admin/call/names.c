/* SPDX-License-Identifier: Apache-2.0 */
/* Names for indexes. */
#include "call/names.h"

const char *name_of_pool(struct admin *a, int pool)
{
    const struct settings *s = control_settings(a->control);

    return pool >= 0 && (size_t)pool < s->n_pools ? s->pools[pool].name : "";
}

const char *name_of_upstream(struct admin *a, int pool, int upstream)
{
    const struct settings *s = control_settings(a->control);

    if (pool < 0 || (size_t)pool >= s->n_pools || upstream < 0 ||
        (size_t)upstream >= s->pools[pool].n_upstreams)
        return "";
    return s->pools[pool].upstreams[upstream].name;
}
