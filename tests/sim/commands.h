/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_COMMANDS_H
#define WEIR_SIM_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim.h"

/* The commands of the program `sim`; each returns its exit status. */
int command_storm(uint64_t first_seed, uint64_t count);
int command_threads(uint64_t first_seed, uint64_t count);
int command_quality(const char *only, uint64_t first_seed);
int command_sweep(uint64_t first_seed, uint64_t seeds, const char *only);
int command_calibrate(const char *only);
int command_bench(void);
/* With a backend: over so many seeds, with so many max_streams (0: not set). */
struct fleet_many {
    uint64_t seeds;
    uint32_t max_streams;
};
int command_fleet(uint64_t nodes, uint64_t seed, const char *backend, const struct fleet_many *m);
/* Limits of users over 1 to 100 nodes. */
int command_limits(uint64_t seed);
int command_canary(uint64_t first_seed, uint64_t count, const char *only);

/* The storm of a seed. */
struct scenario storm_of(uint64_t seed);

#endif
