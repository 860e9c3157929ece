/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive doubly linked ring.  A head is a node that is on no other list; an unlinked node points
 * at itself.  Nothing here allocates; the owner of the object owns its node.
 */
struct list {
    struct list *next, *prev;
};

#define LIST_OBJECT(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))
#define LIST_EACH(n, head)              for (struct list *n = (head)->next; n != (head); n = n->next)
/* Allows removal of n inside the body. */
#define LIST_EACH_SAFE(n, t, head)                                                                 \
    for (struct list *n = (head)->next, *t = n->next; n != (head); n = t, t = n->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_push_front(struct list *head, struct list *n)
{
    n->next = head->next;
    n->prev = head;
    head->next->prev = n;
    head->next = n;
}

static inline void list_push_back(struct list *head, struct list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

/* Safe on a node that is on no list (but initialised). */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = n;
}

#endif
