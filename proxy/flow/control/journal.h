/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_JOURNAL_H
#define WEIR_FLOW_JOURNAL_H

#include <stddef.h>

#include "weir/flow/control.h"

/* The last events, oldest first.  Control thread. */
enum { EVENTS_KEPT = 1024 };
struct journal {
    struct control_event at[EVENTS_KEPT];
    size_t n;
    uint64_t seq; /* of the newest */
};

/*
 * Events of an earlier process, oldest first, go before those that are here, whose seqs go on
 * behind `seq`, the newest that process had; as many of the newest as there is room for.
 */
void journal_put_before(struct journal *l, const struct control_event *older, size_t n,
                        uint64_t seq);

/* Room for a new event, the newest now, with its seq; the oldest goes where there is none. */
struct control_event *journal_add(struct journal *l);

/*
 * The newest event is filled in.  If it ends a round of probes in vain and the round before ended
 * so as well, both rounds become one event that counts them: an outage of an hour is a line and not
 * a thousand, and what it began with stays in the list.  Returns where the newest is now.
 */
struct control_event *journal_fold(struct journal *l);

#endif
