/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_PLAIN_REDIRECT_H
#define WEIR_TESTS_PLAIN_REDIRECT_H

/* What our tests use of Criterion's redirect.h: keeping expected complaints off the screen. */
#include "criterion.h"

void cr_redirect_stderr(void);

#endif
