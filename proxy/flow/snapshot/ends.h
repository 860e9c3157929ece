/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SITE_ENDS_H
#define WEIR_FLOW_SITE_ENDS_H

#include "snapshot/snapshot.h"

/*
 * Parts of a site that snapshot.c puts together.  Each function that can fail leaves a sentence in
 * why. `from` is the site before, NULL at the start.
 */
bool site_listener_make(struct site *s, struct site_listener *l, const struct listener_conf *c,
                        const struct site *from, char *why, size_t room);
void site_listener_fini(struct site_listener *l);

/* The slot is the caller's to give.  Ended by tls_client_release. */
bool site_upstream_make(struct site_upstream *u, const struct upstream_conf *c, int index,
                        char *why, size_t room);

/* The operator's pages, for the pools of s; NULL and *why on a diagnostic.  There must be a
 * directory.
 */
struct page_set *site_pages_make(const struct settings *s, char *why, size_t room);

bool site_take_slot(int *next, int max, int *slot);

#endif
