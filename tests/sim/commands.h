/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_COMMANDS_H
#define WEIR_SIM_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* The commands of the program `sim`; each returns its exit status. */
int command_calibrate(const char *only);
int command_storm(uint64_t first_seed, uint64_t count);

#endif
