/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_MEMORY_H
#define WEIR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Could n bytes be had now?  Asked before work of the operator's that allocates in libraries which
 * end the process when there is none (libconfig): such work is refused, and weir goes on.
 */
bool memory_is_there(size_t n);

#endif
