/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SANDBOX_H
#define WEIR_SANDBOX_H

#include <stdbool.h>

/*
 * Gives up for good what a proxy never needs: new privileges, other programs, other processes'
 * memory, mounts, namespaces, kernel modules.  Before any thread is started; threads inherit it.
 * False: the kernel refused, logged; the caller decides.
 */
bool sandbox_enter(void);

#endif
