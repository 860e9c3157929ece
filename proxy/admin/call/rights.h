/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_RIGHTS_H
#define WEIR_ADMIN_RIGHTS_H

#include <stdbool.h>

#include "weir/conf/settings.h"

/*
 * Which uids may connect (root, our own, admin.uids) and which of them may change something: an
 * entry "NAME:read" of admin.uids may look only.  Names are looked up when the settings come.
 */
struct rights;

struct rights *rights_create(const struct settings *s);
void rights_destroy(struct rights **r);
/* New settings; they are not kept. */
void rights_set(struct rights *r, const struct settings *s);

bool rights_may_read(const struct rights *r, unsigned uid);
bool rights_may_write(const struct rights *r, unsigned uid);

#endif
