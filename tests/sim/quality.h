/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_QUALITY_H
#define WEIR_SIM_QUALITY_H

#include <stdio.h>

#include "measure.h"

/* Checks of the quality bounds Q1 to Q12 and what stands beside them. */

struct report {
    struct effort effort;
    unsigned passed, failed;
};

/* One line: what was measured against what was promised. */
void at_least(struct report *r, const char *id, const char *what, double measured, double bound);
void at_most(struct report *r, const char *id, const char *what, double measured, double bound);

typedef void check_fn(struct report *r);
check_fn check_steady;   /* Q1 Q2 Q3 Q9 */
check_fn check_unary;    /* Q12 */
check_fn check_hour;     /* Q8 */
check_fn check_changes;  /* Q4 */
check_fn check_outage;   /* Q5 Q6 */
check_fn check_faults;   /* Q10 */
check_fn check_crowd;    /* Q7 */
check_fn check_talks;    /* Q11 */
check_fn check_fairness; /* one heavy user */
check_fn check_quota;    /* refusals by the upstream */
check_fn check_dead_two_of_three;
check_fn check_api;
check_fn check_proxies;
check_fn check_healthy; /* nobody refused who need not be */
check_fn check_whose;   /* one user's or model's trouble stays theirs */
check_fn check_cold;    /* starts under load, what waits */

/* Mid-run changes of an engine, with the best fixed limit of each phase. */
struct change {
    const char *name, *backend;
    enum fault_kind kind;
    double value; /* speed or slots between 300 and 600 s */
    double fixed_during;
    double first, rest;           /* bounds: first minute, later, of the change */
    double back_first, back_rest; /* and of the way back */
};
extern const struct change changes[];
extern const size_t n_changes;
/* Goodput over fixed in 300-360, 360-600, 600-660, 660-900 s. */
void measure_change(const struct change *c, const struct effort *e, double out[4]);

struct talks {
    double complete, lost_first, lost_later, good;
};
struct talks measure_talks(double load, uint32_t retries, bool leases, const struct effort *e);

/* Calm users' good requests with a heavy user, over theirs without. */
double measure_fairness(const struct backend *b, double calm_load, uint32_t users, bool fair,
                        const struct effort *e);

/* Of the quota; of what was sent. */
struct quota {
    double good, refused;
};
struct quota measure_quota(const char *backend, double per_s, double times, bool says_when,
                           const struct effort *e);

struct crowd {
    double served, peak_retries, median_s, last_s, attempts;
};
struct crowd measure_crowd(uint32_t users, enum comeback how, const struct effort *e);

#endif
