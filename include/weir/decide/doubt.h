/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_DOUBT_H
#define WEIR_DECIDE_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Has an upstream shown that load makes it late?  A sequential test (CUSUM) of 60 % late against
 * 10 % over its marks.  Until the test says so nothing is cut for lateness (docs/decisions.md,
 * "Innocent until shown otherwise").
 */

#define DOUBT_SHOWN 3.5 /* from here on a limit is shown */

struct doubt {
    double value; /* 0..7 */
    bool shown;
    uint64_t quiet_ns; /* since when nothing was late and no limit bound */
};

/* `learning`: little is known of the upstream yet, and a late mark weighs a third. */
void doubt_late(struct doubt *d, bool learning);
void doubt_on_time(struct doubt *d);

/*
 * Each tick; `busy`: something was late, or a limit refused somebody, in this window.  True: what
 * was shown is long over, and was forgotten.
 */
bool doubt_tick(struct doubt *d, bool busy, uint64_t now_ns);

/* The same for one that was kept `away_ns` ago, with nothing sent since. */
bool doubt_restored(struct doubt *d, uint64_t away_ns, uint64_t now_ns);

#endif
