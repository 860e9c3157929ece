/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_HANDED_H
#define WEIR_TESTS_HANDED_H

#include "control/handed_state.h"

/* A control without threads: settings, gates and a loop, for what is handed from one to the next.
 */
struct control *handed_control(void);
/* As it was when it was made, but sooner: for thousands of runs. */
void handed_control_again(struct control *c);
void handed_control_free(struct control **c);

#endif
