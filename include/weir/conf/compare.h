/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_COMPARE_H
#define WEIR_CONF_COMPARE_H

#include "weir/conf/settings.h"

/* One key that differs.  was NULL: it is new; is NULL: it is gone.  from: where the value stands.
 */
struct conf_change {
    const char *key, *was, *is, *from;
};
/*
 * Calls fn for each key of `next` that is new or has another value than in `now`, in the order of
 * the table, then for those that are gone.  False: there is no memory, and fn was not called.
 */
bool conf_compare(const struct settings *now, const struct settings *next,
                  void (*fn)(const struct conf_change *change, void *arg), void *arg);

#endif
