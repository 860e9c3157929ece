/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_MEMORY_H
#define WEIR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/status.h"

/*
 * Could n bytes be had now?  Asked before work of the operator's that needs much at once: it is
 * refused while there is time, and what little memory there is stays for clients.
 */
bool memory_is_there(size_t n);

/* Zeroed memory that begins with a cache line, for free(); NULL: there is none. */
void *memory_lines(size_t n) WEIR_MUST_CHECK;

/*
 * Room for n bytes of small allocations of this thread, for libraries that do not look whether they
 * got any (libconfig).  While it is held, no other thread and no limit can take the room away: it
 * is free memory in this thread's heap (as glibc keeps one for each thread; another malloc promises
 * less).  NULL: there is not so much.
 */
struct memory_room;
struct memory_room *memory_room_take(size_t n) WEIR_MUST_CHECK;
void memory_room_give(struct memory_room **room);

#endif
