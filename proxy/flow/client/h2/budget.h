/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_H2_BUDGET_H
#define WEIR_FLOW_CLIENT_H2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a client may do for nothing: frames that cost weir work and bring no answer on its way.  One
 * leaky bucket a connection: so many at once, then so many a second.  An honest client stays far
 * below it; whoever runs over is told ENHANCE_YOUR_CALM and cut off.  Pure.
 */
enum h2_abuse {
    H2_ABUSE_NONE,
    H2_ABUSE_RESET,    /* streams reset, by either side (CVE-2023-44487, CVE-2025-8671) */
    H2_ABUSE_FAULT,    /* requests that are malformed or refused for their form */
    H2_ABUSE_PING,     /* CVE-2019-9512 */
    H2_ABUSE_SETTINGS, /* CVE-2019-9515 */
    H2_ABUSE_PRIORITY, /* CVE-2019-9513 */
    H2_ABUSE_EMPTY,    /* DATA without bytes (CVE-2019-9518) */
    H2_ABUSE_WINDOW,   /* WINDOW_UPDATE that nothing waited for */
    H2_ABUSE_HEAD,     /* a head far beyond limits.head, or in endless pieces: at once */
    H2_ABUSE_AGAIN,    /* a connection from where others have spent everything just now */
};

enum { H2_BUDGET_BURST = 1000, H2_BUDGET_A_SECOND = 200 };

struct h2_budget {
    uint64_t paid_ns; /* when the bucket will be empty again; in the past: it is */
};

/* Takes one from the budget; false: there is none left. */
bool h2_budget_take(struct h2_budget *b, uint64_t now_ns);
/* How many are left now. */
uint64_t h2_budget_left(const struct h2_budget *b, uint64_t now_ns);

#endif
