/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_INHERITED_H
#define WEIR_NET_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Listening sockets that another process opened, by what they are for.  A start takes those it
 * has a use for instead of binding anew; whatever nobody took is closed.  Main thread, before the
 * workers run.
 */
enum inherited_kind { INHERITED_LISTENER, INHERITED_ADMIN_SOCKET, INHERITED_ADMIN_HTTP };
enum { INHERITED_NAME_MAX = 512, INHERITED_SOCKETS_MAX = 64 * 256 };

struct inherited_socket {
    enum inherited_kind kind;
    char name[INHERITED_NAME_MAX]; /* the address in the settings, or the path */
    unsigned group;                /* the giver's own number for those of one name */
    int fd;                        /* -1: was taken */
};

struct inherited {
    struct inherited_socket *list;
    size_t n;
};

/*
 * Takes fd over.  False, and fd is closed: it is no listening stream socket, there are too many, or
 * there is no memory.
 */
bool inherited_add(struct inherited *in, enum inherited_kind kind, const char *name, unsigned group,
                   int fd);
/* The next socket of this kind and name, the caller's from now on; -1: there is none (in NULL). */
int inherited_take(struct inherited *in, enum inherited_kind kind, const char *name);
/* How many of a group were taken. */
unsigned inherited_taken(const struct inherited *in, unsigned group);
void inherited_free(struct inherited *in);

#endif
