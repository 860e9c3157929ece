/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_PLACES_H
#define WEIR_ADMIN_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the admin socket lies when nobody said: weir makes it at the first place it can, weirctl
 * looks for it in the same order.
 *
 *     $RUNTIME_DIRECTORY/admin.sock      (systemd)
 *     $XDG_RUNTIME_DIR/weir/admin.sock
 *     /run/weir/admin.sock
 *     $TMPDIR or /tmp, weir-UID/admin.sock
 */
enum { PLACES_MAX = 4, PLACE_ROOM = 108 };

struct place {
    char folder[PLACE_ROOM], socket[PLACE_ROOM];
    bool make;    /* weir may make the folder */
    bool private; /* the folder has to be ours alone (0700): others can write where it lies */
};

/* Fills in order; returns how many there are (a variable may be unset, a path too long). */
size_t places_find(struct place out[PLACES_MAX]);

/* For a private place: is the folder really a folder, of this uid, closed to others? */
bool place_is_safe(const struct place *p);

#endif
