/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_READ_WHOLE_H
#define WEIR_BASE_READ_WHOLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads from fd until its end or until `room` bytes are in `to`; *len is how many, also when it
 * failed.  Goes on after short reads and signals (read(2)).  False: errno says why.
 */
bool read_whole(int fd, char *to, size_t room, size_t *len);

#endif
