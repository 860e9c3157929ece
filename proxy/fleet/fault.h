/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_FAULT_H
#define WEIR_FLEET_FAULT_H

#include <stdbool.h>

#include "weir/base/slice.h"

/*
 * Why it is down, or why a call failed.  X(enumerator, first word of Redis's error or NULL).
 * LINK_FINE: an error that concerns one command alone (WRONGTYPE, NOSCRIPT, ERR ...).
 */
#define WEIR_LINK_FAULTS(X)                                                                        \
    X(LINK_FINE, NULL)                                                                             \
    X(LINK_UNREACHED, NULL)                                                                        \
    X(LINK_TIMEOUT, NULL)                                                                          \
    X(LINK_CLOSED, NULL)                                                                           \
    X(LINK_BAD_REPLY, NULL)                                                                        \
    X(LINK_READONLY, "READONLY")                                                                   \
    X(LINK_LOADING, "LOADING")                                                                     \
    X(LINK_MASTERDOWN, "MASTERDOWN")                                                               \
    X(LINK_MOVED, "MOVED")                                                                         \
    X(LINK_ASK, "ASK")                                                                             \
    X(LINK_TRYAGAIN, "TRYAGAIN")                                                                   \
    X(LINK_CLUSTERDOWN, "CLUSTERDOWN")                                                             \
    X(LINK_NOREPLICAS, "NOREPLICAS")                                                               \
    X(LINK_OOM, "OOM")                                                                             \
    X(LINK_MISCONF, "MISCONF")                                                                     \
    X(LINK_BUSY, "BUSY")                                                                           \
    X(LINK_NOAUTH, "NOAUTH")                                                                       \
    X(LINK_WRONGPASS, "WRONGPASS")                                                                 \
    X(LINK_NOPERM, "NOPERM")                                                                       \
    X(LINK_REFUSED, NULL)
#define WEIR_LINK_FAULT_ROW(e, word) e,
enum link_fault { WEIR_LINK_FAULTS(WEIR_LINK_FAULT_ROW) LINK_FAULT_COUNT };
#undef WEIR_LINK_FAULT_ROW

/* What an error of Redis's means for the connection.  Pure. */
enum link_fault fault_of(struct slice error);
/* A password or a right is missing: only a change on that side helps. */
bool fault_is_lasting(enum link_fault f);

#endif
