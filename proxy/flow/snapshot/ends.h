/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SNAPSHOT_ENDS_H
#define WEIR_FLOW_SNAPSHOT_ENDS_H

#include "snapshot/snapshot.h"

/*
 * Parts of a snapshot that snapshot.c puts together.  Each function that can fail leaves a sentence
 * in why. `from` is the snapshot before, NULL at the start.  Slots are the caller's to give.
 */
bool snapshot_listener_make(struct snapshot *s, struct snapshot_listener *l,
                            const struct listener_conf *c, const struct snapshot *from, char *why,
                            size_t room);
void snapshot_listener_fini(struct snapshot_listener *l);

/* Ended by tls_client_release. */
bool snapshot_upstream_make(struct snapshot_upstream *u, const struct upstream_conf *c, char *why,
                            size_t room);

/* Ended by tls_client_release of its tls. */
bool snapshot_collector_make(struct snapshot_collector *c, const struct tracing_conf *conf,
                             char *why, size_t room);

/* The operator's pages, for the pools of s; NULL and *why on a diagnostic.  There must be a
 * directory.
 */
struct page_set *snapshot_pages_make(const struct settings *s, char *why, size_t room);

#endif
