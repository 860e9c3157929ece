/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_NAMES_H
#define WEIR_ADMIN_NAMES_H

#include "call/admin.h"

/* Indexes into the settings in force as names; "" for -1 and for what a reload took away. */
const char *name_of_pool(struct admin *a, int pool);
const char *name_of_upstream(struct admin *a, int pool, int upstream);

#endif
