/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_FLEET_RUN_H
#define BENCH_SCENARIO_FLEET_RUN_H

#include "bench/scenario/scenario_run.h"

/* A run whose target is a fleet: which node gets requests, and its steps.  Nothing otherwise. */
void fleet_run_start(struct run *p);
void fleet_run_step(struct run *p, const struct fleet_step *step, char *why, size_t why_size);
/* Looks no more; the nodes go on. */
void fleet_run_over(struct run *p);
/* After the end: what the nodes came to, and their refusals by the access logs. */
void fleet_run_sum_up(struct run *p);
void fleet_run_free(struct run *p);

#endif
