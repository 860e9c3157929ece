/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CTL_TERMINAL_H
#define WEIR_CTL_TERMINAL_H

#include <stdbool.h>

#include "weir/base/slice.h"

/*
 * The terminal as a screen of lines, ANSI sequences only.  terminal_open takes it over (no echo,
 * keys at once, another screen); terminal_close gives it back as it was, also after a signal.
 */
bool terminal_open(void);
void terminal_close(void);

/* Did a signal ask us to end? */
bool terminal_interrupted(void);

/* Shows text from the top, cut to the screen; line `marked` (-1 none) in reverse. */
void terminal_show(struct slice text, int marked, bool colour);

enum terminal_key { KEY_NONE = 0, KEY_UP = 256, KEY_DOWN };
/* The next key, or KEY_NONE after wait_ms.  A character, or one of the above. */
int terminal_key(int wait_ms);

#endif
