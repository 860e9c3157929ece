/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_SWEEP_H
#define WEIR_SIM_SWEEP_H

#include <stdio.h>

#include "quality.h"

/* The tables of docs/decisions-measured.md, each a section with its own heading. */
typedef void table_fn(const struct effort *e);
table_fn table_steady;
table_fn table_rivals;
table_fn table_changes;
table_fn table_pace;
table_fn table_unary;
table_fn table_api;
table_fn table_talks;
table_fn table_fairness;
table_fn table_crowd;
table_fn table_outage;
table_fn table_faults;
table_fn table_proxies;
table_fn table_quota;

/* Quality of two dead of three, as a line (quality_change.c). */
struct two_dead {
    double while_down, errors, attempts, after;
};
struct two_dead measure_two_dead(double load, bool breaker, const struct effort *e);

/* The worst of the seeds: seconds from the end of single fault i of A to 72 % of its capacity. */
double measure_fault(size_t i, bool breaker, const struct effort *e);
const char *fault_name(size_t i); /* NULL after the last */

#endif
