/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SLOTS_H
#define WEIR_FLOW_SLOTS_H

/*
 * Which slot a listener, a pool, an upstream has, for the life of the process: what comes back by
 * a reload, after another one took it out, has its old slot again.  Control's own.
 */
enum {
    SNAPSHOT_LISTENERS_MAX = 64,
    SNAPSHOT_POOLS_MAX = 64,
    SNAPSHOT_UPSTREAMS_MAX = 256,
};

struct slot_book {
    char *listeners[SNAPSHOT_LISTENERS_MAX]; /* their addresses */
    char *pools[SNAPSHOT_POOLS_MAX + 1];     /* their names; 0 is for requests of no pool */
    char *upstreams[SNAPSHOT_UPSTREAMS_MAX]; /* pool, name and URL */
};

enum { SLOT_NONE = -1, SLOT_NO_MEMORY = -2 };
/* The slot of key, a new one if it has none; SLOT_NONE: none is left.  From `first` on. */
int slot_take(char **keys, int first, int n, const char *key);
void slot_book_free(struct slot_book *b);

#endif
