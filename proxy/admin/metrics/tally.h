/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_TALLY_H
#define WEIR_ADMIN_TALLY_H

#include "weir/base/pack.h"
#include "weir/flow/control.h"

/*
 * How often each breaker went from which state to which and why, counted from the events.  Bounded:
 * kinds of transitions beyond TALLY_MAX are not counted, and the log says so once.
 */
enum { TALLY_MAX = 1024 };

struct tally_row {
    char pool[64], upstream[64], cause[24];
    enum breaker_state from, to;
    uint64_t n;
};

struct tally;
struct tally *tally_create(void);
void tally_destroy(struct tally **t);
void tally_count(struct tally *t, const struct control_event *e);
/* Written for the next process of a hot restart, and read there, before anything is counted. */
void tally_keep(const struct tally *t, struct packer *p);
void tally_restore(struct tally *t, struct unpacker *u);
size_t tally_rows(const struct tally *t, const struct tally_row **rows);

#endif
