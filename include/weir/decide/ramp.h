/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_RAMP_H
#define WEIR_DECIDE_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/settings.h"

/*
 * The share of its known-good load that a returning upstream may carry: grows on evidence, steps
 * back, and remembers where it died (docs/decisions.md, "The ramp").
 */

struct ramp {
    double share;          /* settings' start..1; an operator may put it lower */
    double died_at;        /* share of the last death under the ramp, 0 = none */
    uint64_t rest_from_ns; /* since when it rests below that; valid if resting */
    bool resting;
    bool held;               /* an operator froze it */
    bool refused;            /* somebody was refused by the share since the last step */
    uint32_t on, late, fail; /* evidence since the last step */
    uint32_t bad_steps;      /* in a row */
    uint64_t step_ns;
};

enum ramp_verdict { RAMP_GOES_ON, RAMP_FULL, RAMP_FAILED };

/* Begins at `share`; what is known about earlier deaths stays. */
void ramp_begin(struct ramp *r, double share, uint64_t now_ns);

/* The upstream died under the ramp. */
void ramp_died(struct ramp *r);

/* An operator's hold ends. */
void ramp_resume(struct ramp *r, uint64_t now_ns);

enum ramp_verdict ramp_tick(struct ramp *r, const struct ramp_conf *c, uint64_t now_ns);

/* Requests in flight that the share allows. */
double ramp_allows(const struct ramp *r, double known_good);

/* Seconds until the share is 1 if all goes well. */
double ramp_expected_s(const struct ramp *r, const struct ramp_conf *c, uint64_t now_ns);

#endif
