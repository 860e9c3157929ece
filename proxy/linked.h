/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_LINKED_H
#define WEIR_LINKED_H

#include <stdio.h>

/* One line for each shared library this process runs with, its file with all links followed. */
void linked_print(FILE *out);

#endif
